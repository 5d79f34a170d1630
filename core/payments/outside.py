"""Money that a gateway gave back without being asked by us, before or after its payment was booked (faults.md 23)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.db import changed, execute
from core.ids import Prefix, new_id, public
from core.messages.service import MessageKind, tell
from core.money import Money
from core.orders.service import LockedOrder, end_refunded, hold_undelivered, lock_order
from core.payments import sql, suspense
from core.payments.desk import Desk
from core.payments.rules import Resolution, SuspenseReason
from core.payments.settling import ENDED
from core.ports import Notice, RawNotice


def book_outside_refund(
    desk: Desk, notice: Notice, raw: RawNotice, reason: SuspenseReason | None, now: datetime
) -> bool:
    """Book a refund that the gateway reports; False when a twin booked it first.

    Of a captured payment it is taken off, as far as it goes, and what is not delivered yet waits; one that comes before
    its payment waits for it. Either way a person looks at it.
    """
    own = desk.own_payment
    fits = own is not None and reason in (None, SuspenseReason.OTHER_AMOUNT)
    order = lock_order(order_id=own.order_id) if own is not None and own.order_id is not None else None
    event_id = new_id()
    kept = SuspenseReason.REFUNDED_OUTSIDE if fits else (reason or SuspenseReason.REFUNDED_OUTSIDE)
    if not suspense.record(event_id, desk, notice, raw, kept, now):
        return False
    suspense.move(desk, event_id, notice.amount, now, incoming=False)
    suspense.open_case(event_id, desk.merchant_id, kept, now)
    if own is not None and fits:
        take_off(own.id, order, notice.amount, now)
    return True


def take_off(payment_id: UUID, order: LockedOrder | None, amount: Money, now: datetime) -> None:
    """Take what went back off a payment, if it was captured; then what is not delivered of its locked order waits."""
    if changed(sql.OUTSIDE_REFUNDED, {"payment": payment_id, "amount": amount.minor}) and order is not None:
        _stop(order, now)


def _stop(order: LockedOrder, now: datetime) -> None:
    """Nothing more of an order goes out whose money went back; what is out is out."""
    if hold_undelivered(order_id=order.id, problem=SuspenseReason.REFUNDED_OUTSIDE):
        body = {"order": public(Prefix.ORDER, order.id)}
        tell(conversation_id=order.conversation_id, kind=MessageKind.IN_REVIEW, body=body, now=now)


@dataclass(frozen=True, slots=True)
class EarlierRefund:
    """A refund that the gateway reported before it reported the payment (minor units of the payment's currency)."""

    event_id: UUID
    amount_minor: int


def earlier_refund(*, payment_id: UUID, account_id: int, currency: str) -> EarlierRefund | None:
    """The refund that came before its payment, as it is under the order's lock."""
    rows = execute(sql.EARLIER_REFUND, {"payment": payment_id, "account": account_id, "currency": currency})
    return EarlierRefund(*rows[0]) if rows else None


def return_refunded_first(
    event_id: UUID,
    *,
    merchant_id: int,
    order: LockedOrder | None,
    payment_id: UUID,
    earlier: EarlierRefund,
    amount: Money,
    now: datetime,
) -> None:
    """Decide about a captured payment whose refund came before it, its money being in suspense: nothing is sold.

    If all of it went back the two events cancel out, else what is left stays in suspense for a person.
    """
    body: dict[str, Any] = {"order": public(Prefix.ORDER, order.id)} if order else {}
    if earlier.amount_minor != amount.minor:
        suspense.open_case(event_id, merchant_id, SuspenseReason.ALREADY_REFUNDED, now)
        if order is not None:
            tell(conversation_id=order.conversation_id, kind=MessageKind.IN_REVIEW, body=body, now=now)
        return
    changed(sql.RESOLVE, (now, Resolution.REFUND, [event_id, earlier.event_id]))
    changed(sql.REFUNDED_FIRST, (payment_id,))
    if order is None or order.state in ENDED:
        return
    end_refunded(order=order, now=now)
    body |= {"amount_minor": amount.minor, "currency": amount.currency, "to_wallet": False}
    tell(conversation_id=order.conversation_id, kind=MessageKind.REFUNDED, body=body, now=now)
