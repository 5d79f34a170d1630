"""What is asked of the vault about a file before it is imported, and about contested cards: sealed by the panel.

Whoever only writes the database has nothing looked at, which would tell him what a party brought, and decides nothing.
The seals are made with the order-seal key, which web has and the vault checks with.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from core.secret import Secret
from core.vault.primitives import KEY_BYTES, SealError, framed

_LOOK = "keystall look at a file"
_WISH = "keystall contested cards"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SealedLook:
    """Who wants which sealed file looked at, as cards of which SKU; `column` is the one that a person named."""

    id: UUID
    staff_id: UUID
    party_id: int
    sku_id: int
    upload_id: UUID
    upload_key: bytes = field(repr=False)
    column: str | None
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class SealedWish:
    """Who of the platform gives the contested cards of which batch to the `earlier` or the `later` party, and why."""

    id: UUID
    staff_id: UUID
    batch_id: UUID
    given_to: str
    reason: str
    asked_at: datetime


def look_seal(key: Secret, look: SealedLook) -> bytes:
    """HMAC-SHA256 (32 bytes) over everything that is asked. A key under 32 bytes raises `SealError`."""
    who = (look.id, look.staff_id, look.party_id, _micros(look.asked_at))
    what = (look.sku_id, look.upload_id, look.upload_key, look.column or "")
    return _mac(key, framed(_LOOK, *who, *what))


def wish_seal(key: Secret, wish: SealedWish) -> bytes:
    """HMAC-SHA256 (32 bytes) over the whole decision. A key under 32 bytes raises `SealError`."""
    said = (wish.id, wish.staff_id, wish.batch_id, wish.given_to, wish.reason, _micros(wish.asked_at))
    return _mac(key, framed(_WISH, *said))


def _mac(key: Secret, said: bytes) -> bytes:
    raw = key.reveal()
    if len(raw) < KEY_BYTES:
        raise SealError
    return hmac.new(raw, said, hashlib.sha256).digest()


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)
