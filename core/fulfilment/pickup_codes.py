"""Pick-up codes as the worker makes them: minted for a message that tells of cards, kept if it may have arrived."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from core.clock import Clock
from core.db import changed, execute
from core.ids import new_id
from core.ports import SendAnswer, SendOutcome
from core.secret import Secret
from core.vault.pickups import LASTS, PickupCode, code_hash, new_code, part_hash, prove, shown

MINT = """
INSERT INTO pickup_code (id, order_id, part_hash, code_hash, made_at, expires_at, proof)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
REPLACE = "DELETE FROM pickup_code WHERE order_id = %s AND id <> %s"
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


@dataclass(frozen=True, slots=True, repr=False)
class PickupCodes:
    """Mints with the key of `core.vault.pickups.pickup_key`; only the worker has one."""

    key: Secret
    clock: Clock

    @contextlib.contextmanager
    def for_message(self, *, order_id: UUID, merchant_id: int) -> Iterator[MintedPickup]:
        """A new code. If its message may have arrived at the end it replaces the order's others; else it is gone.

        Outside a transaction: a code must be there before the message is. A crash meanwhile leaves both.
        """
        key, code, now = self.key.reveal(), new_code(), self.clock.now()
        hashes = (part_hash(key, merchant=merchant_id, code=code), code_hash(key, merchant=merchant_id, code=code))
        kept = PickupCode(new_id(), order_id, merchant_id, *hashes, now, now + LASTS)
        execute(MINT, (kept.id, order_id, *hashes, kept.made_at, kept.expires_at, prove(key, kept)))
        minted = MintedPickup(kept.id, code, LASTS.days)
        yield minted
        if minted.may_have_arrived:
            changed(REPLACE, (order_id, kept.id))
        else:
            changed(DROP, (kept.id,))
