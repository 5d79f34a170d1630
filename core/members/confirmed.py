"""A confirmed address with its seal: kept by the shopper's own chat, read by the worker that sends codes to it.

Only the vault looks at the seal (`core.vault.contacts`); the worker has no key for it, and says where it wrote to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from core.db import execute
from core.errors import NotFound
from core.ids import new_id
from core.secret import Secret
from core.vault.bindings import Side
from core.vault.contacts import SealedContact, address_hash, contact_seal

CHAT = "SELECT identity_id FROM conversation WHERE id = %s AND shopper_id = %s"
CONFIRM = """
INSERT INTO contact (id, shopper_id, merchant_id, kind, address, identity_id, chat_address, confirmed_at, created_at,
    seal)
VALUES (%(id)s, %(shopper)s, %(merchant)s, %(kind)s, %(address)s, %(identity)s, %(chat)s, %(now)s, %(now)s, %(seal)s)
ON CONFLICT (shopper_id, kind) DO UPDATE SET id = excluded.id, address = excluded.address,
    identity_id = excluded.identity_id, chat_address = excluded.chat_address, confirmed_at = excluded.confirmed_at,
    seal = excluded.seal
"""
CONFIRMED = """
SELECT id, merchant_id, identity_id, chat_address, address, confirmed_at, seal FROM contact
WHERE shopper_id = %s AND kind = %s
"""


@dataclass(frozen=True, slots=True)
class NewContact:
    """An address whose code was typed: by which account, in which private chat."""

    shopper_id: UUID
    merchant_id: int
    by: Side
    kind: str
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConfirmedContact:
    """An address, what is said of it when a code goes there, and the seal that only the vault can look at."""

    address: str = field(repr=False)
    sealed: SealedContact
    seal: bytes = field(repr=False)


def own_side(*, shopper_id: UUID, conversation_id: UUID, chat: str) -> Side:
    """The account that speaks; `chat` is its private chat as its own door knows it. Raises `NotFound`."""
    rows = execute(CHAT, (conversation_id, shopper_id))
    if not rows:
        raise NotFound("conversation")
    return Side(rows[0][0], chat)


def keep_contact(known: NewContact, *, seal_key: Secret, now: datetime) -> None:
    """Write down, sealed, what was confirmed just now; it takes the place of the shopper's other one of its kind."""
    contact_id = new_id()
    hashed = address_hash(contact_id, kind=known.kind, address=known.address)
    sealed = SealedContact(contact_id, known.merchant_id, known.by, hashed, now)
    named = {"id": contact_id, "shopper": known.shopper_id, "merchant": known.merchant_id, "kind": known.kind}
    named |= {"address": known.address, "identity": known.by.identity_id, "chat": known.by.chat_address, "now": now}
    execute(CONFIRM, named | {"seal": contact_seal(seal_key, sealed)})


def confirmed_contact(*, shopper_id: UUID, kind: str) -> ConfirmedContact | None:
    """The confirmed address of a kind; its hash is taken of the very text that is written to."""
    rows = execute(CONFIRMED, (shopper_id, kind))
    if not rows:
        return None
    contact_id, merchant_id, identity_id, chat, address, at, seal = rows[0]
    hashed = address_hash(contact_id, kind=kind, address=address)
    sealed = SealedContact(contact_id, merchant_id, Side(identity_id, chat), hashed, at)
    return ConfirmedContact(address, sealed, bytes(seal))
