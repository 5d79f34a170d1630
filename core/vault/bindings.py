"""The seal of a binding: whoever only writes the database cannot make two accounts one shopper's, nor unmake it."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from core.secret import Secret
from core.vault.primitives import KEY_BYTES, SealError, framed

BINDING_FORMAT = 1
_BINDING = "keystall binding"
_AGREED = "keystall binding agreed"
_CODE = "keystall binding code"
_CODE_KEPT = "keystall binding code kept"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two accounts: an identity, and the private chat that is its own."""

    identity_id: UUID
    chat_address: str


@dataclass(frozen=True, slots=True)
class SealedBinding:
    """Two accounts that belong to one shopper since `bound_at`, until `ended_at`.

    `merged_shopper_id` became a part of `kept_shopper_id` by it; None where both were one shopper's before.
    """

    id: UUID
    merchant_id: int
    kept_shopper_id: UUID
    merged_shopper_id: UUID | None
    kept: Side
    merged: Side
    bound_at: datetime
    ended_at: datetime | None = None

    @property
    def sides(self) -> tuple[Side, Side]:
        """Both accounts."""
        return self.kept, self.merged

    def ended(self, at: datetime) -> SealedBinding:
        """The same binding, over: never before it began, also where a clock was set back in between."""
        return replace(self, ended_at=max(at, self.bound_at))


def binding_seal(key: Secret, binding: SealedBinding) -> bytes:
    """HMAC-SHA256 (32 bytes) over everything that a binding says, under the order-seal key.

    A key under 32 bytes raises `SealError`.
    """
    sealed = framed(
        *(BINDING_FORMAT, _BINDING, binding.id, binding.merchant_id, binding.kept_shopper_id),
        binding.merged_shopper_id or b"",
        *(part for side in binding.sides for part in (side.identity_id, side.chat_address)),
        _micros(binding.bound_at),
        b"" if binding.ended_at is None else _micros(binding.ended_at),
    )
    return hmac.new(_checked(key), sealed, hashlib.sha256).digest()


def is_sealed(key: Secret, binding: SealedBinding, seal: bytes) -> bool:
    """Whether `seal` was made for exactly this binding, as it stands now."""
    return hmac.compare_digest(binding_seal(key, binding), seal)


def binding_code(key: Secret, *, conversation_id: UUID, submission_id: str) -> bytes:
    """The 40 bits of a code (5 bytes): no one else can tell them, and asking twice under one name gives the same."""
    named = framed(_CODE, conversation_id, submission_id)
    return hmac.new(_checked(key), named, hashlib.sha256).digest()[:5]


def binding_code_hash(key: Secret, *, merchant_id: int, code: bytes) -> bytes:
    """What the tables keep of a code: of another merchant it is another, and without the key 40 bits tell nothing."""
    named = framed(_CODE_KEPT, merchant_id, code)
    return hmac.new(_checked(key), named, hashlib.sha256).digest()


def agreement(key: Secret, *, claim_id: UUID, asked: Side, claimed: Side, by: Side) -> bytes:
    """What is kept of one side's yes (32 bytes): it stands for these two accounts and this question only."""
    both = (part for side in (asked, claimed, by) for part in (side.identity_id, side.chat_address))
    return hmac.new(_checked(key), framed(_AGREED, claim_id, *both), hashlib.sha256).digest()


def _checked(key: Secret) -> bytes:
    raw = key.reveal()
    if len(raw) < KEY_BYTES:
        raise SealError
    return raw


def _micros(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)
