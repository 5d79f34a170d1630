"""A delivery that waits for its next try is tried at once: nothing is sent that would not be sent later."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.actor import Actor
from core.audit.service import append
from core.db import execute, in_transaction
from core.errors import Conflict
from core.ids import Prefix, public
from core.orders.staffed import lock_as
from core.work import Work, enqueue_missing

HURRY = """
UPDATE delivery SET lease_until = %(now)s
WHERE order_id = %(order)s AND state IN ('ready', 'unknown') AND EXISTS (
    SELECT 1 FROM order_line l JOIN shop_order o ON o.id = l.order_id
    WHERE l.id = delivery.line_id AND l.gate = 'none' AND o.state = 'paid')
RETURNING id
"""


class NothingWaits(Conflict):
    """No line of the order waits for another try."""


def deliver_now(*, actor: Actor, order_id: UUID, now: datetime) -> int:
    """Try what waits of an order at once; returns how many lines. Raises `NotFound`, `NotAllowed`, `NothingWaits`."""

    def work() -> int:
        order = lock_as(actor, order_id)
        due = [row[0] for row in execute(HURRY, {"order": order_id, "now": now})]
        if not due:
            raise NothingWaits()
        enqueue_missing(Work.DELIVER, due)
        append(
            actor=actor,
            action="order.hurried",
            object_kind="order",
            object_id=public(Prefix.ORDER, order_id),
            detail={"lines": len(due)},
            party_id=order.merchant_id,
            now=now,
        )
        return len(due)

    return in_transaction(work, repeatable=True)
