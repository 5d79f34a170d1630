"""Money that a gateway gave back without being asked by us, before or after its payment was booked (faults.md 23)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.db import changed, execute
from core.ids import Prefix, new_id, public
from core.messages.service import MessageKind, tell
from core.money import Money
from core.orders.service import LockedOrder, end_refunded, lock_order
from core.payments import sql, suspense
from core.payments.desk import Desk
from core.payments.rules import Resolution, SuspenseReason
from core.payments.settling import ENDED
from core.ports import Notice, RawNotice


def book_outside_refund(
    desk: Desk, notice: Notice, raw: RawNotice, reason: SuspenseReason | None, now: datetime
) -> bool:
    """Book a refund that the gateway reports; False when a twin booked it first.

    Of a captured payment it is taken off, as far as it goes; one that comes before its payment waits for it. Either
    way a person looks at it.
    """
    own = desk.own_payment
    fits = own is not None and reason in (None, SuspenseReason.OTHER_AMOUNT)
    if own is not None and own.order_id is not None:
        lock_order(order_id=own.order_id)
    event_id = new_id()
    kept = SuspenseReason.REFUNDED_OUTSIDE if fits else (reason or SuspenseReason.REFUNDED_OUTSIDE)
    if not suspense.record(event_id, desk, notice, raw, kept, now):
        return False
    suspense.move(desk, event_id, notice.amount, now, incoming=False)
    suspense.open_case(event_id, desk.merchant_id, kept, now)
    if own is not None and fits:
        changed(sql.OUTSIDE_REFUNDED, {"payment": own.id, "amount": notice.amount.minor})
    return True


def return_refunded_first(
    desk: Desk,
    order: LockedOrder | None,
    payment_id: UUID,
    events: tuple[UUID, UUID],
    amount: Money,
    now: datetime,
) -> None:
    """Book a payment whose whole refund arrived before it: nothing is sold, the two `events` cancel out."""
    execute(sql.TO_SUSPENSE, (SuspenseReason.ALREADY_REFUNDED, events[0]))
    suspense.move(desk, events[0], amount, now)
    changed(sql.RESOLVE, (now, Resolution.REFUND, list(events)))
    changed(sql.REFUNDED_FIRST, (payment_id,))
    if order is None or order.state in ENDED:
        return
    end_refunded(order=order, now=now)
    body = {
        "order": public(Prefix.ORDER, order.id),
        "amount_minor": amount.minor,
        "currency": amount.currency,
        "to_wallet": False,
    }
    tell(conversation_id=order.conversation_id, kind=MessageKind.REFUNDED, body=body, now=now)
