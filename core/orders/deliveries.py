"""The hand-over of a line: taken under a lease before anything is opened, finished in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.db import changed, execute
from core.ids import Prefix, public
from core.orders import sql
from core.orders.rules import DeliveryState
from core.stock.service import usable_on

LEASE = timedelta(seconds=60)
"""How long a sender may take before a sweep gives the delivery to another."""


@dataclass(frozen=True, slots=True)
class Sending:
    """A delivery that this process has taken.

    `is_unfit`: a card of it must not be handed over any more, on this day in the store's zone. `is_plan`: it is a
    membership, which has no cards.
    """

    delivery_id: UUID
    line_id: UUID
    order_id: UUID
    attempts: int
    conversation_id: UUID
    chat_address: str
    merchant_id: int
    listing_code: str
    listing_id: int
    quantity: int
    has_siblings: bool
    is_unfit: bool
    is_plan: bool
    zone: str


class CardsAreMissing(Exception):
    """A delivery would finish with another number of cards than was ordered; the transaction rolls back."""


def begin_sending(*, delivery_id: UUID, now: datetime, zone: str = "Asia/Shanghai") -> Sending | None:
    """Take a delivery; None when it is delivered, gated, or another sender has it."""
    today = usable_on(now=now, zone=zone, minimum_life_days=0)
    rows = execute(sql.BEGIN_SENDING, {"delivery": delivery_id, "now": now, "lease": now + LEASE, "today": today})
    if not rows:
        return None
    line_id, order_id, attempts, conversation_id, address, merchant_id, code, listing_id, quantity, *of_line = rows[0]
    return Sending(
        delivery_id=delivery_id,
        line_id=line_id,
        order_id=order_id,
        attempts=attempts,
        conversation_id=conversation_id,
        chat_address=address,
        merchant_id=merchant_id,
        listing_code=code,
        listing_id=listing_id,
        quantity=quantity,
        has_siblings=of_line[0],
        is_unfit=of_line[1],
        is_plan=of_line[2],
        zone=zone,
    )


def finish_sending(*, sending: Sending, now: datetime) -> bool:
    """Delivered: cards, delivery and, with the last line, the order. False when another sender finished it.

    Inside the caller's transaction. Raises `CardsAreMissing`.
    """
    if sending.has_siblings:  # two lines that finish at once must see each other, or neither closes the order
        execute(sql.LOCK_ORDER, (sending.order_id,))
    finished, cards = execute(
        sql.FINISH_SENDING,
        {
            "delivery": sending.delivery_id,
            "attempts": sending.attempts,
            "now": now,
            "merchant": sending.merchant_id,
            "public": public(Prefix.ORDER, sending.order_id),
        },
    )[0]
    if finished and cards != (0 if sending.is_plan else sending.quantity):
        raise CardsAreMissing
    return bool(finished)


def put_back(*, sending: Sending, again_at: datetime, problem: str) -> None:
    """Not delivered now: the sweep finds it again at `again_at`. `problem` is a code, never a secret."""
    changed(
        sql.PUT_BACK,
        {
            "delivery": sending.delivery_id,
            "attempts": sending.attempts,
            "state": DeliveryState.UNKNOWN.value,
            "lease": again_at,
            "problem": problem,
        },
    )


def hold_for_review(*, sending: Sending, problem: str, now: datetime) -> None:
    """The vault refused, or the budget is used up: a person looks at the line before anything is delivered."""
    which = {"delivery": sending.delivery_id, "attempts": sending.attempts, "merchant": sending.merchant_id}
    said = {"problem": problem, "now": now, "public": public(Prefix.ORDER, sending.order_id)}
    changed(sql.GATE_FOR_REVIEW, which | said)


HOLD_UNDELIVERED = """
WITH d AS (
    UPDATE delivery SET state = 'waiting', lease_until = NULL, last_problem = %(problem)s
    WHERE order_id = %(order)s AND state IN ('ready', 'unknown') AND NOT EXISTS (
        SELECT 1 FROM card c WHERE c.line_id = delivery.line_id AND c.opened_at IS NOT NULL)
    RETURNING line_id
)
UPDATE order_line SET gate = 'review', gate_reason = %(problem)s FROM d WHERE order_line.id = d.line_id
"""


def hold_undelivered(*, order_id: UUID, problem: str) -> int:
    """Gate the lines of a locked order of which nothing was opened, for a person to look at; returns how many.

    Also one that was tried in vain and waits for its next try; not one that a sender has in hand.
    """
    return changed(HOLD_UNDELIVERED, {"order": order_id, "problem": problem})
