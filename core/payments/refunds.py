"""Money back: sent under one id for ever, so that a crash, a repeat or a lost answer moves it once (faults.md 4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from core.actor import SYSTEM, Actor
from core.audit import service as audit
from core.db import changed, execute, in_transaction
from core.ids import Prefix, new_id, public
from core.ledger import service as ledger
from core.ledger.rules import TransferCode
from core.members.accounts import living_shopper
from core.messages.service import MessageKind, tell
from core.money import Money
from core.orders.service import LockedOrder, lock_order, mark_returned
from core.payments import sql
from core.payments.desk import clearing_account, suspense_account, wallet_account
from core.payments.event import SuspenseEvent, find_event
from core.payments.exchange import Incoming
from core.payments.intents import find_payment
from core.payments.rules import LEASE, RefundState
from core.payments.settling import LATE_STATES
from core.ports import Gateway, Outcome

WHOLE_ONLY = frozenset({"stars"})
"""Gateways that give a payment back whole or not at all: a part goes to the wallet (books.md, Currencies)."""

LONGEST_WAIT = timedelta(hours=1)
"""Between two questions about a refund whose outcome is unknown."""


def carry_out_refund(*, refund_id: UUID, gateways: Mapping[str, Gateway], now: datetime) -> Outcome | None:
    """Send one refund and book its certain end. None when it is over, or another worker has it.

    The gateway is asked outside any transaction under the refund's own id, which has one effect there; an unknown
    outcome is asked again the same way. Where the rail certainly refuses, the money goes to the shopper's wallet.
    """
    taken = execute(sql.TAKE_REFUND, {"refund": refund_id, "lease": now + LEASE, "now": now})
    if not taken:
        return None
    payment_id, event_id, amount, currency, attempts, line_id = taken[0]
    event = find_event(event_id=event_id)
    payment = find_payment(payment_id=payment_id)
    money = Money(amount, currency)
    outcome = Outcome.NO
    if money == event.amount or payment.gateway not in WHOLE_ONLY:
        outcome = gateways[payment.gateway].refund(refund_id, payment_id, event.external_id, money)
    if outcome is Outcome.UNKNOWN:
        wait = min(timedelta(seconds=10) * 2 ** min(attempts, 10), LONGEST_WAIT)
        changed(sql.REFUND_UNKNOWN, (now + wait, refund_id))
        return outcome
    state = RefundState.SUCCEEDED if outcome is Outcome.YES else RefundState.FAILED
    in_transaction(lambda: _end(refund_id, event, money, state, payment.shopper_id, line_id, now), repeatable=True)
    return outcome


def _end(
    refund_id: UUID,
    event: SuspenseEvent,
    money: Money,
    state: RefundState,
    shopper_id: UUID,
    line_id: UUID | None,
    now: datetime,
) -> None:
    order = lock_order(order_id=event.order_id) if event.order_id else None
    if not execute(sql.END_REFUND, (state, now, refund_id)):
        return
    if state is RefundState.FAILED:
        give_to_wallet(
            actor=SYSTEM, event=event, money=money, order=order, shopper_id=shopper_id, line_id=line_id, now=now
        )
        return
    finish(refund_id, event, order, money=money, told=money, to_wallet=False, now=now)
    back = ledger.NewTransfer(
        suspense_account(event.gateway_account_id, event.merchant_id, money.currency),
        clearing_account(event.gateway_account_id, event.merchant_id, money.currency),
        money.minor,
        money.currency,
        TransferCode.REFUND,
        refund_id,
    )
    ledger.post(transfers=[back], now=now)


def give_to_wallet(
    *,
    actor: Actor,
    event: SuspenseEvent,
    money: Money,
    order: LockedOrder | None,
    shopper_id: UUID,
    line_id: UUID | None = None,
    now: datetime,
) -> Money:
    """Put suspense money of an event into its shopper's wallet, in the caller's transaction; returns what that got.

    Only by the shopper's choice, or where the rail cannot refund. Money in another currency than the wallet's fills it
    with what it is worth by the rate that was frozen with its payment.
    """
    refund_id, worth = new_id(), event.worth_of(money)
    whose = (event.merchant_id, event.order_id, event.payment_id, event.id, line_id, True)
    what = (money.minor, money.currency, RefundState.SUCCEEDED, event.reason, now, now)
    execute(sql.INSERT_REFUND, (refund_id, *whose, *what))
    finish(refund_id, event, order, money=money, told=worth, to_wallet=True, now=now, actor=actor)
    suspense_id = suspense_account(event.gateway_account_id, event.merchant_id, money.currency)
    incoming = Incoming(suspense_id, money, worth, event.merchant_id)
    owner = order.shopper_id if order is not None else living_shopper(shopper_id=shopper_id)
    wallet_id = wallet_account(owner, event.merchant_id, worth.currency)
    ledger.post(transfers=incoming.paid_into(wallet_id, TransferCode.REFUND, refund_id), now=now)
    return worth


def finish(
    refund_id: UUID,
    event: SuspenseEvent,
    order: LockedOrder | None,
    *,
    money: Money,
    told: Money,
    to_wallet: bool,
    now: datetime,
    actor: Actor = SYSTEM,
) -> None:
    """What a refund changes beside the books: its payment, its order, the audit, and what the shopper is told."""
    changed(
        sql.PAYMENT_REFUNDED,
        {"payment": event.payment_id, "amount": money.minor, "external": event.external_id},
    )
    if order is not None and order.state in LATE_STATES:
        mark_returned(order=order, now=now)
    audit.append(
        actor=actor,
        action="order.refunded" if order else "payment.refunded",
        object_kind="refund",
        object_id=refund_id,
        detail={"event": str(event.id), "to_wallet": to_wallet},
        party_id=event.merchant_id,
        now=now,
    )
    if order is not None:
        body = {
            "order": public(Prefix.ORDER, order.id),
            "amount_minor": told.minor,
            "currency": told.currency,
            "to_wallet": to_wallet,
        }
        tell(conversation_id=order.conversation_id, kind=MessageKind.REFUNDED, body=body, now=now)
