"""Seals of restocking: whoever only writes the database binds no chat to a member of staff and brings no stock.

They are made with the order-seal key, which web and bot have and the vault checks with.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from core.secret import Secret
from core.vault.primitives import KEY_BYTES, SealError, framed

_FORMAT = 1
_CHAT = "keystall staff chat"
_RESTOCK = "keystall restock"
_CODE = "keystall staff code"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SealedStaffChat:
    """A member of staff acts for a party in one private chat: the one that the platform calls `chat_address`."""

    id: UUID
    staff_id: UUID
    party_id: int
    conversation_id: UUID
    chat_address: str
    bound_at: datetime


@dataclass(frozen=True, slots=True)
class SealedRestock:
    """Who brings which sealed file, as cards of which SKU, for whose pool; `unit_cost_micro` in 10⁻⁶ major units.

    `upload_key` is the file's own key as it stands sealed to the vault: no other file can be put in its place.
    Without a conversation it came by the panel; `column` is the one that a person named, else the vault finds it.
    """

    id: UUID
    staff_id: UUID
    party_id: int
    sku_id: int
    unit_cost_micro: int
    upload_id: UUID
    upload_key: bytes = field(repr=False)
    conversation_id: UUID | None
    asked_at: datetime
    column: str | None = None


def staff_chat_seal(key: Secret, chat: SealedStaffChat) -> bytes:
    """HMAC-SHA256 (32 bytes) over the whole binding. A key under 32 bytes raises `SealError`."""
    named = (chat.id, chat.staff_id, chat.party_id, chat.conversation_id, chat.chat_address, _micros(chat.bound_at))
    return _mac(key, framed(_FORMAT, _CHAT, *named))


def restock_seal(key: Secret, restock: SealedRestock) -> bytes:
    """HMAC-SHA256 (32 bytes) over everything that is asked of the vault. A key under 32 bytes raises `SealError`."""
    who = (restock.id, restock.staff_id, restock.party_id, restock.conversation_id or "", _micros(restock.asked_at))
    what = (restock.sku_id, restock.unit_cost_micro, restock.upload_id, restock.upload_key, restock.column or "")
    return _mac(key, framed(_FORMAT, _RESTOCK, *who, *what))


def staff_code_hash(key: Secret, *, code: bytes) -> bytes:
    """What the table keeps of a code; without the key 40 bits tell nothing."""
    return _mac(key, framed(_CODE, code))


def _mac(key: Secret, said: bytes) -> bytes:
    raw = key.reveal()
    if len(raw) < KEY_BYTES:
        raise SealError
    return hmac.new(raw, said, hashlib.sha256).digest()


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)
