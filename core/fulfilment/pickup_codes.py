"""Pick-up codes as the worker makes them: minted for a message that tells of cards, kept if it may have arrived.

Whether an address may get an order's codes is the vault's to say, when one is exchanged: the worker cannot look at
seals. What it reads in the tables only spares people a letter with a code that the vault would refuse.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.clock import Clock
from core.db import changed, execute
from core.ids import new_id
from core.members.confirmed import ConfirmedContact
from core.ports import SendAnswer, SendOutcome
from core.secret import Secret
from core.vault.bindings import SealedBinding, Side
from core.vault.pickups import LASTS, PickupCode, code_hash, new_code, part_hash, prove, shown
from core.vault.reading import may_read, minted_at

MINT = """
INSERT INTO pickup_code (id, order_id, part_hash, code_hash, made_at, expires_at, contact_id, contact_identity_id,
    contact_chat, contact_hash, contact_confirmed_at, contact_seal, proof)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
REPLACE = "DELETE FROM pickup_code WHERE order_id = %s AND id <> %s"
BUYER = "SELECT identity_id, chat_address FROM shop_order WHERE id = %s"
BINDINGS = """
SELECT b.id, b.merchant_id, b.kept_shopper_id, b.merged_shopper_id, b.kept_identity_id, b.kept_address,
       b.merged_identity_id, b.merged_address, b.bound_at
FROM binding b WHERE b.ended_at IS NULL AND b.kept_identity_id IN (
    SELECT i.id FROM identity i JOIN shop_order o ON o.shopper_id = i.shopper_id WHERE o.id = %s)
"""
DROP = "DELETE FROM pickup_code WHERE id = %s"

MAY_HAVE_ARRIVED = frozenset({SendOutcome.SENT, SendOutcome.UNKNOWN})


@dataclass(slots=True)
class MintedPickup:
    """One code of an order, for one message; `days` is how long it works."""

    id: UUID
    code: Secret
    days: int
    may_have_arrived: bool = False

    def text(self) -> str:
        """As people read it."""
        return shown(self.code)

    def settled(self, answer: SendAnswer) -> SendAnswer:
        """Note how the message with the code ended; the same answer."""
        self.may_have_arrived = answer.outcome in MAY_HAVE_ARRIVED
        return answer


def may_get_code(*, order_id: UUID, contact: ConfirmedContact, now: datetime) -> bool:
    """Whether an address looks like one that may get an order's code: confirmed where it was placed, or in a chat that
    is bound to that and may read it.
    """
    buyer = Side(*execute(BUYER, (order_id,))[0])
    bindings = [
        SealedBinding(number, merchant, kept_by, merged_from, Side(kept, kept_at), Side(merged, merged_at), bound_at)
        for number, merchant, kept_by, merged_from, kept, kept_at, merged, merged_at, bound_at in execute(
            BINDINGS, (order_id,)
        )
    ]
    placed_at = minted_at(order_id)
    return may_read(buyer=buyer, reader=contact.sealed.by, placed_at=placed_at, bindings=bindings, now=now)


@dataclass(frozen=True, slots=True, repr=False)
class PickupCodes:
    """Mints with the key of `core.vault.pickups.pickup_key`; only the worker has one."""

    key: Secret
    clock: Clock

    @contextlib.contextmanager
    def for_message(self, *, order_id: UUID, merchant_id: int, contact: ConfirmedContact) -> Iterator[MintedPickup]:
        """A new code for a message to `contact`.

        If its message may have arrived at the end it replaces the order's others; else it is gone. Outside a
        transaction: a code must be there before the message is. A crash meanwhile leaves both.
        """
        key, code, now = self.key.reveal(), new_code(), self.clock.now()
        hashes = (part_hash(key, merchant=merchant_id, code=code), code_hash(key, merchant=merchant_id, code=code))
        to = contact.sealed
        kept = PickupCode(new_id(), order_id, merchant_id, *hashes, now, now + LASTS, to, contact.seal)
        sent_to = (to.id, to.by.identity_id, to.by.chat_address, to.address_hash, to.confirmed_at, contact.seal)
        execute(MINT, (kept.id, order_id, *hashes, kept.made_at, kept.expires_at, *sent_to, prove(key, kept)))
        minted = MintedPickup(kept.id, code, LASTS.days)
        yield minted
        if minted.may_have_arrived:
            changed(REPLACE, (order_id, kept.id))
        else:
            changed(DROP, (kept.id,))
