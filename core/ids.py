"""Public ids: UUIDv7 minted by the caller, shown as prefix + 26 base32 characters; they reveal no counts."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from core.errors import NotFound

STRAY = timedelta(hours=1)
"""So far may the time of an id be from the time that its row names: clocks are set back and differ between machines."""


class Prefix(StrEnum):
    """What a public id names."""

    ORDER = "ord"
    LINE = "lin"
    PAYMENT = "pay"
    CARD = "crd"
    BATCH = "bat"
    UPLOAD = "upl"
    DELIVERY = "dlv"
    SHOPPER = "shp"
    IDENTITY = "idn"
    CONVERSATION = "cnv"
    SESSION = "ses"
    REFUND = "ref"
    TRADE_TOPUP = "top"
    PAYOUT = "out"
    SETTLEMENT = "set"
    ERROR = "err"


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562, 5.7): 48 bits of Unix milliseconds, then 74 random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value &= ~(0xF << 76) & ~(0x3 << 62)
    return UUID(int=value | (0x7 << 76) | (0x2 << 62))


def first_id(at: datetime) -> UUID:
    """The least UUIDv7 of a moment: 48 bits of milliseconds, then nothing. Whoever reads rows of some days by it allows
    for `STRAY` beside them.
    """
    return UUID(int=int(at.timestamp() * 1000) << 80)


def bound_id(to: UUID) -> UUID:
    """A UUIDv7 that says what it belongs to: 12 random bits, then 62 of a hash over them, the time and `to`.

    Whoever can write rows can point it at something else, but then it does not fit: `is_bound` tells.
    """
    return _bound(new_id().int >> 64, to)


def is_bound(bound: UUID, to: UUID) -> bool:
    """Whether `bound_id` made this id for `to`."""
    return bound == _bound(bound.int >> 64, to)


def _bound(head: int, to: UUID) -> UUID:
    """`head` are the upper 64 bits: time, version, random bits."""
    said = b"keystall bound id" + head.to_bytes(8, "big") + to.bytes
    tail = int.from_bytes(hashlib.sha256(said).digest()[:8], "big") & ~(0x3 << 62) | (0x2 << 62)
    return UUID(int=head << 64 | tail)


def new_ids(count: int) -> list[bytes]:
    """So many UUIDv7 as their 16 bytes, for rows that are made by the ten thousand."""
    head, noise = (time.time_ns() // 1_000_000).to_bytes(6, "big"), secrets.token_bytes(10 * count)
    return [
        head + bytes((0x70 | noise[at] & 0x0F, noise[at + 1], 0x80 | noise[at + 2] & 0x3F)) + noise[at + 3 : at + 10]
        for at in range(0, 10 * count, 10)
    ]


def public(prefix: Prefix, value: UUID) -> str:
    """The form people and other programs see, for example `ord_agk2…`."""
    return f"{prefix}_{base64.b32encode(value.bytes).decode().rstrip('=').lower()}"


def parse(prefix: Prefix, text: str) -> UUID:
    """Read a public id. Raises `NotFound` for anything malformed: the same answer as for a missing one."""
    head, _, body = text.partition("_")
    if head != prefix or len(body) != 26 or not body.isascii() or body != body.lower():
        raise NotFound(prefix.name.lower())
    try:
        value = UUID(bytes=base64.b32decode(body.upper() + "======"))
    except ValueError:
        raise NotFound(prefix.name.lower()) from None
    if public(prefix, value) != text:
        raise NotFound(prefix.name.lower())
    return value


def new_token() -> str:
    """An access token for links: 128 random bits, URL-safe. Only its hash is stored."""
    return secrets.token_urlsafe(16)
