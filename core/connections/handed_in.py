"""Secrets that the panel takes in for other processes: sealed to a public key, so that web itself never opens them.

Whoever types a bot's token types it into a page of web, which has no key of `bot` or `act`, and shall have none: what
is taken over later opens nothing that was typed before. So the owner's start writes two public keys, made of those
keys, into the one row of `installation`, which no process can change, and web seals to them. What a secret like that
may be is listed here, and is no more than a secret: the address that it is sent to, whose account it is and what is
believed keep their own seals (core.connections.sealed_settings), which web cannot make.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from core.db import execute
from core.errors import Unavailable
from core.secret import Secret
from core.vault.primitives import derive, framed, hpke_open, hpke_seal, private_from_seed, public_of

MARK = b"KSHAND1\n"
"""What a sealed secret begins with; a seal of another kind begins with twelve random bytes."""

PURPOSE = "keystall credential handed in"
SEED_BYTES = 96

TOKEN = "token"  # noqa: S105 (names of credentials)
HOOK_SECRET_TOLD = "webhook_secret_told"  # noqa: S105
APP_SECRET = "app_secret"  # noqa: S105

MAY_BE_HANDED_IN = frozenset(
    {
        ("chat", TOKEN, "bot"),
        ("chat", HOOK_SECRET_TOLD, "bot"),
        ("chat", APP_SECRET, "act"),
    }
)
"""(account kind, name, holder): a Telegram bot's token and what it tells Telegram, an official account's AppSecret."""

PUBLIC_KEYS = "SELECT bot_public_key, act_public_key FROM installation"


class NoPublicKey(Unavailable):
    """The store was not started since it learnt to take secrets in by the panel: its next start makes the keys."""


@dataclass(frozen=True, slots=True)
class SealingKeys:
    """What web seals with: its own key for what it checks itself, public ones for what others open."""

    verify: Secret = field(repr=False)
    publics: dict[str, bytes] = field(repr=False)


def sealing_keys(verify: Secret) -> SealingKeys:
    """Web's key and the two public ones. Raises `NoPublicKey`."""
    rows = execute(PUBLIC_KEYS)
    if not rows or None in rows[0]:
        raise NoPublicKey()
    return SealingKeys(verify, {"bot": bytes(rows[0][0]), "act": bytes(rows[0][1])})


def public_key(key: Secret, holder: StrEnum) -> bytes:
    """The public key (1,224 bytes) that belongs to the key of a holder."""
    return public_of(_private(key, holder))


def seal_for(public: bytes, *, kind: StrEnum, account_id: int, name: str, holder: StrEnum, value: Secret) -> bytes:
    """A secret that only `holder` opens. Raises ValueError for one that is not taken in this way."""
    if (kind.value, name, holder.value) not in MAY_BE_HANDED_IN:
        raise ValueError(f"{name} is not taken in by the panel")
    return MARK + hpke_seal(public, value.reveal(), _context(kind, account_id, name, holder))


def is_handed_in(sealed: bytes, *, kind: StrEnum, name: str, holder: StrEnum) -> bool:
    """Whether this is sealed to a public key, and is a secret that may be."""
    return sealed.startswith(MARK) and (kind.value, name, holder.value) in MAY_BE_HANDED_IN


def open_handed_in(key: Secret, sealed: bytes, *, kind: StrEnum, account_id: int, name: str, holder: StrEnum) -> Secret:
    """What was sealed to the public key of `key`. Raises `SealError`."""
    opened = hpke_open(_private(key, holder), sealed[len(MARK) :], _context(kind, account_id, name, holder))
    return Secret(opened)


def _private(key: Secret, holder: StrEnum) -> bytes:
    return private_from_seed(derive(key.reveal(), f"{PURPOSE} {holder.value}", SEED_BYTES))


def _context(kind: StrEnum, account_id: int, name: str, holder: StrEnum) -> bytes:
    return framed(PURPOSE, kind.value, account_id, name, holder.value)
