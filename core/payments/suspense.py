"""Authentic money that nothing was waiting for: booked aside, told, and given back or decided (INV-M13)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from core.actor import SYSTEM, Actor
from core.audit import service as audit
from core.db import changed, execute
from core.ids import Prefix, new_id, public
from core.ledger import service as ledger
from core.ledger.rules import TransferCode
from core.messages.service import MessageKind, tell
from core.money import Money
from core.orders.service import LockedOrder
from core.payments import sql
from core.payments.desk import Desk, suspense_account
from core.payments.rules import CHOICE, GOES_BACK, MAY_REVIEW, RefundState, Resolution, SuspenseReason
from core.ports import Notice, RawNotice
from core.work import Work, enqueue


def book(desk: Desk, notice: Notice, raw: RawNotice, reason: SuspenseReason, now: datetime) -> bool:
    """Record an event straight to suspense with its money; False when a twin recorded it first.

    A payment of the same merchant goes to review and its shopper is told; another merchant's is left alone.
    """
    event_id = new_id()
    if not record(event_id, desk, notice, raw, reason, now):
        return False
    move(desk, event_id, notice.amount, now)
    open_case(event_id, desk.merchant_id, reason, now)
    payment = desk.own_payment
    if payment is None:
        return True
    if payment.awaited.gateway_account_id == desk.account_id:
        changed(sql.REVIEW, (payment.id, list(MAY_REVIEW)))
    if payment.conversation_id and payment.order_id:
        body = {"order": public(Prefix.ORDER, payment.order_id)}
        tell(conversation_id=payment.conversation_id, kind=MessageKind.IN_REVIEW, body=body, now=now)
    return True


def record(event_id: UUID, desk: Desk, notice: Notice, raw: RawNotice, reason: SuspenseReason, now: datetime) -> bool:
    """Write the evidence of an unexpected event; False when a twin wrote it first."""
    own = desk.own_payment
    values: dict[str, Any] = {
        "event": event_id,
        "account": desk.account_id,
        "external": notice.external_id,
        "kind": notice.kind,
        "named": notice.payment_id,
        "payment": own.id if own else None,
        "order": own.order_id if own else None,
        "amount": notice.amount.minor,
        "currency": notice.amount.currency,
        "body": raw.body,
        "headers": Jsonb(raw.headers),
        "now": now,
        "reason": reason,
    }
    return bool(execute(sql.RECORD_SUSPENSE, values))


def move(desk: Desk, event_id: UUID, amount: Money, now: datetime, *, incoming: bool = True) -> None:
    """Book an event's money from clearing to suspense; what left (`incoming=False`) the other way."""
    clearing_id = desk.clearing(amount.currency)
    suspense_id = suspense_account(desk.account_id, desk.merchant_id, amount.currency)
    debit_id, credit_id = (clearing_id, suspense_id) if incoming else (suspense_id, clearing_id)
    code = TransferCode.TO_SUSPENSE if incoming else TransferCode.REFUNDED_OUTSIDE
    moved = ledger.NewTransfer(debit_id, credit_id, amount.minor, amount.currency, code, event_id)
    ledger.post(transfers=[moved], now=now)


def follow_up(
    event_id: UUID,
    *,
    merchant_id: int,
    order: LockedOrder,
    payment_id: UUID | None,
    amount: Money,
    reason: SuspenseReason,
    now: datetime,
) -> None:
    """What happens to money of a known order that could not settle it: back at once, a choice, or a case."""
    text = public(Prefix.ORDER, order.id)
    if reason in GOES_BACK:
        give_back(
            event_id,
            merchant_id=merchant_id,
            order_id=order.id,
            payment_id=payment_id,
            amount=amount,
            reason=reason,
            now=now,
        )
    elif reason is SuspenseReason.LATE:
        execute(sql.DECIDE_BY, (now + CHOICE, event_id))
        body = {"order": text, "event": str(event_id)}
        tell(conversation_id=order.conversation_id, kind=MessageKind.LATE_MONEY, body=body, now=now)
    else:
        open_case(event_id, merchant_id, reason, now)
        tell(conversation_id=order.conversation_id, kind=MessageKind.IN_REVIEW, body={"order": text}, now=now)


def give_back(
    event_id: UUID,
    *,
    merchant_id: int,
    order_id: UUID | None,
    payment_id: UUID | None,
    amount: Money,
    reason: SuspenseReason,
    actor: Actor = SYSTEM,
    now: datetime,
) -> bool:
    """Decide that an event's money goes back to its source, and queue that; False when it was decided before."""
    if changed(sql.RESOLVE, (now, Resolution.REFUND, [event_id])) != 1:
        return False
    refund_id = new_id()
    money = (amount.minor, amount.currency)
    row = (
        refund_id,
        merchant_id,
        order_id,
        payment_id,
        event_id,
        None,
        False,
        *money,
        RefundState.REQUESTED,
        reason,
        now,
    )
    execute(sql.INSERT_REFUND, (*row, None))
    enqueue(Work.REFUND, refund_id)
    audit.append(
        actor=actor,
        action="refund.requested",
        object_kind="refund",
        object_id=refund_id,
        detail={"event": str(event_id), "reason": reason.value},
        party_id=merchant_id,
        now=now,
    )
    return True


def open_case(event_id: UUID, merchant_id: int, reason: SuspenseReason, now: datetime) -> None:
    """An unresolved suspense event is the case itself; the entry says since when and why."""
    audit.append(
        actor=SYSTEM,
        action="payment.review",
        object_kind="payment_event",
        object_id=event_id,
        detail={"reason": reason.value},
        party_id=merchant_id,
        now=now,
    )


def tell_shopper(shopper_id: UUID, kind: MessageKind, body: Mapping[str, Any], now: datetime) -> None:
    """Tell a shopper where it was heard last; nobody when it has no conversation."""
    for (conversation_id,) in execute(sql.SHOPPERS_CONVERSATION, (shopper_id,)):
        tell(conversation_id=conversation_id, kind=kind, body=body, now=now)
