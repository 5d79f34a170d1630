"""Delivered cards once more into the chat that bought them, because one of the shop's people was asked to.

Whoever asks sees nothing of them: the vault opens them for that chat, as it does for 取卡.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from core.actor import Actor
from core.audit.service import append
from core.db import execute, in_transaction
from core.errors import Limited
from core.fulfilment.reading import AGAIN_AFTER, ASK, NothingDelivered
from core.ids import Prefix, new_id, public
from core.orders.staffed import lock_as
from core.work import Work, enqueue

A_DAY = 5
"""Times that an order's cards are sent again because its shop wants it; its shopper's own wishes count apart."""

DELIVERED = """
SELECT d.id FROM delivery d JOIN order_line l ON l.id = d.line_id
WHERE d.order_id = %s AND d.state = 'delivered' AND l.plan_id IS NULL ORDER BY l.position
"""
TIMES = """
SELECT count(*) FROM audit_entry
WHERE object_kind = 'order' AND object_id = %s AND action = 'cards.sent_again' AND at > %s
"""


class SentOften(Limited):
    """The cards of this order were sent again `limit` times within a day."""


def send_again(*, actor: Actor, order_id: UUID, now: datetime) -> int:
    """Have the delivered cards of an order told in its own chat once more; returns how many lines.

    Raises `NotFound`, `NotAllowed`, `NothingDelivered`, `SentOften`.
    """
    number = public(Prefix.ORDER, order_id)

    def work() -> int:
        order = lock_as(actor, order_id)
        deliveries = [row[0] for row in execute(DELIVERED, (order_id,))]
        if not deliveries:
            raise NothingDelivered()
        if execute(TIMES, (number, now - timedelta(days=1)))[0][0] >= A_DAY:
            raise SentOften(limit=A_DAY)
        for delivery_id in deliveries:
            reading_id = new_id()
            due_at = now + timedelta(seconds=AGAIN_AFTER[0])
            execute(ASK, (reading_id, delivery_id, order.conversation_id, now, due_at))
            enqueue(Work.REREAD, reading_id)
        append(
            actor=actor,
            action="cards.sent_again",
            object_kind="order",
            object_id=number,
            detail={"lines": len(deliveries)},
            party_id=order.merchant_id,
            now=now,
        )
        return len(deliveries)

    return in_transaction(work, repeatable=True)
