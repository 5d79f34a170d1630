"""The seal of an address outside the chats: whoever only writes the database sends nobody's pick-up codes elsewhere.

Made with the order-seal key (web, bot, vault) when the address is confirmed, by the account that confirmed it. The
worker that writes a code to it has no such key: it says in the code's proof which address it used, and the vault looks
at the seal when the code is exchanged. The wish to confirm is sealed as well, or a row that somebody wrote beside it
would have its address confirmed by the code that was sent for the right one.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from core.secret import Secret
from core.vault.bindings import EPOCH, Side
from core.vault.primitives import KEY_BYTES, SealError, framed

_ADDRESS = "keystall contact address"
_CONTACT = "keystall contact"
_WISH = "keystall contact wish"


@dataclass(frozen=True, slots=True)
class SealedContact:
    """An address as it was confirmed: by which account and private chat, when; of its text only a hash (32 bytes)."""

    id: UUID
    merchant: int
    by: Side
    address_hash: bytes = field(repr=False)
    confirmed_at: datetime


def address_hash(contact: UUID, *, kind: str, address: str) -> bytes:
    """What a seal and a code's proof keep of an address: under each contact's number another."""
    return hashlib.sha256(framed(_ADDRESS, contact, kind, address)).digest()


def contact_seal(key: Secret, contact: SealedContact) -> bytes:
    """HMAC-SHA256 (32 bytes) under the order-seal key. A key under 32 bytes raises `SealError`."""
    whose = (contact.id, contact.merchant, contact.by.identity_id, contact.by.chat_address)
    at = (contact.confirmed_at - EPOCH) // timedelta(microseconds=1)
    return hmac.digest(_checked(key), framed(_CONTACT, *whose, contact.address_hash, at), "sha256")


def is_confirmed(key: Secret, contact: SealedContact, seal: bytes) -> bool:
    """Whether exactly this was confirmed."""
    return hmac.compare_digest(contact_seal(key, contact), seal)


def wish_seal(key: Secret, *, wish: UUID, by: Side, kind: str, address: str) -> bytes:
    """What makes a wish to confirm an address this chat's own (32 bytes)."""
    said = framed(_WISH, wish, by.identity_id, by.chat_address, kind, address)
    return hmac.digest(_checked(key), said, "sha256")


def _checked(key: Secret) -> bytes:
    raw = key.reveal()
    if len(raw) < KEY_BYTES:
        raise SealError
    return raw
