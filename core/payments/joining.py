"""Money, and money back, that came before its payment was visible joins it later, once (faults.md 22 and 23)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from core.db import changed, execute, in_transaction
from core.ledger import holds
from core.ledger import service as ledger
from core.ledger.rules import TransferCode
from core.members.accounts import living_shopper
from core.money import Money
from core.orders.rules import CannotSettle
from core.orders.service import LockedOrder, OrderPolicy, lock_order
from core.payments import sql, suspense
from core.payments.desk import priced, suspense_account, wallet_account
from core.payments.exchange import Incoming
from core.payments.outside import earlier_refund, return_refunded_first, take_off
from core.payments.rules import MAY_SUCCEED, Awaited, Resolution, SuspenseReason, unexpected
from core.payments.settling import ENDED, refusal_of, settle_from


@dataclass(frozen=True, slots=True)
class _Waiting:
    """One event in suspense and the payment it names, which is visible now."""

    event_id: UUID
    kind: str
    account_id: int
    external_id: str
    amount: Money
    merchant_id: int
    payment_id: UUID
    order_id: UUID | None
    shopper_id: UUID
    awaited: Awaited
    payment_merchant_id: int

    def incoming(self) -> Incoming:
        """Its money in suspense, and what that pays."""
        account_id = suspense_account(self.account_id, self.merchant_id, self.amount.currency)
        return Incoming(account_id, self.amount, self.awaited.worth, self.merchant_id)


def join_due(*, policy: OrderPolicy, now: datetime, limit: int = 100) -> int:
    """Join such events, at most `limit`; returns how many changed their order or wallet."""
    due = [event_id for (event_id,) in execute(sql.UNJOINED, (limit,))]
    return sum(in_transaction(partial(_join, event_id, policy, now), repeatable=True) for event_id in due)


def _join(event_id: UUID, policy: OrderPolicy, now: datetime) -> int:
    waiting = _find(event_id)
    if waiting is None:
        return 0
    own = waiting.payment_merchant_id == waiting.merchant_id
    payment_id, order_id = (waiting.payment_id, waiting.order_id) if own else (None, None)
    reason = unexpected(
        account_fits=True, gateway_account_id=waiting.account_id, amount=waiting.amount, awaited=waiting.awaited
    )
    if waiting.kind == "refunded" and own and reason in (None, SuspenseReason.OTHER_AMOUNT):
        return _join_refund(waiting, now)
    execute(sql.SET_REASON, (reason or SuspenseReason.UNKNOWN_PAYMENT, payment_id, order_id, event_id))
    if reason is not None:
        suspense.open_case(event_id, waiting.merchant_id, reason, now)
        return 0
    if waiting.order_id is None:
        return _join_wallet(waiting, now)
    return _join_order(waiting, lock_order(order_id=waiting.order_id), policy, now)


def _find(event_id: UUID) -> _Waiting | None:
    rows = execute(sql.JOINABLE, (event_id,))
    if not rows:
        return None
    found, kind, account_id, external_id, amount, currency, merchant_id, payment_id, order_id, *rest = rows[0]
    shopper_id, awaited_at, awaited_amount, awaited_currency, worth, worth_currency, payment_merchant_id = rest
    return _Waiting(
        event_id=found,
        kind=kind,
        account_id=account_id,
        external_id=external_id,
        amount=Money(amount, currency),
        merchant_id=merchant_id,
        payment_id=payment_id,
        order_id=order_id,
        shopper_id=shopper_id,
        awaited=Awaited(awaited_at, Money(awaited_amount, awaited_currency), priced(worth, worth_currency)),
        payment_merchant_id=payment_merchant_id,
    )


def _capture(waiting: _Waiting, now: datetime) -> bool:
    values = (now, waiting.external_id, waiting.payment_id, list(MAY_SUCCEED))
    return changed(sql.SUCCEED_LATE, values) == 1


def _join_refund(waiting: _Waiting, now: datetime) -> int:
    order = lock_order(order_id=waiting.order_id) if waiting.order_id is not None else None
    reason = SuspenseReason.REFUNDED_OUTSIDE
    execute(sql.SET_REASON, (reason, waiting.payment_id, waiting.order_id, waiting.event_id))
    take_off(waiting.payment_id, order, waiting.amount, now)
    return 1


def _was_refunded(waiting: _Waiting, order: LockedOrder | None, now: datetime) -> bool:
    """Whether a captured payment's refund came before it; it is decided about then."""
    earlier = earlier_refund(
        payment_id=waiting.payment_id, account_id=waiting.account_id, currency=waiting.amount.currency
    )
    if earlier is None:
        return False
    reason = SuspenseReason.ALREADY_REFUNDED
    execute(sql.SET_REASON, (reason, waiting.payment_id, waiting.order_id, waiting.event_id))
    return_refunded_first(
        waiting.event_id,
        merchant_id=waiting.merchant_id,
        order=order,
        payment_id=waiting.payment_id,
        earlier=earlier,
        amount=waiting.amount,
        now=now,
    )
    return True


def _join_order(waiting: _Waiting, order: LockedOrder, policy: OrderPolicy, now: datetime) -> int:
    if not _capture(waiting, now):
        _decide(waiting, order, ENDED.get(order.state, SuspenseReason.ALREADY_PAID), now)
        return 0
    if _was_refunded(waiting, order, now):
        return 0
    try:
        settle_from(
            order=order,
            incoming=waiting.incoming(),
            has_hold=holds.find_open(order_id=order.id) is not None,
            policy=policy,
            now=now,
        )
    except CannotSettle:
        _decide(waiting, order, refusal_of(order), now)
        return 0
    changed(sql.RESOLVE, (now, Resolution.ORDER, [waiting.event_id]))
    return 1


def _decide(waiting: _Waiting, order: LockedOrder, reason: SuspenseReason, now: datetime) -> None:
    execute(sql.SET_REASON, (reason, waiting.payment_id, order.id, waiting.event_id))
    suspense.follow_up(
        waiting.event_id,
        merchant_id=waiting.merchant_id,
        order=order,
        payment_id=waiting.payment_id,
        amount=waiting.amount,
        reason=reason,
        now=now,
    )


def _join_wallet(waiting: _Waiting, now: datetime) -> int:
    amount = waiting.amount
    if not _capture(waiting, now):
        reason = SuspenseReason.ALREADY_PAID
        execute(sql.SET_REASON, (reason, waiting.payment_id, None, waiting.event_id))
        suspense.give_back(
            waiting.event_id,
            merchant_id=waiting.merchant_id,
            order_id=None,
            payment_id=waiting.payment_id,
            amount=amount,
            reason=reason,
            now=now,
        )
        return 0
    if _was_refunded(waiting, None, now):
        return 0
    changed(sql.RESOLVE, (now, Resolution.WALLET, [waiting.event_id]))
    incoming = waiting.incoming()
    owner = living_shopper(shopper_id=waiting.shopper_id)
    wallet_id = wallet_account(owner, waiting.merchant_id, incoming.worth.currency)
    ledger.post(transfers=incoming.paid_into(wallet_id, TransferCode.FROM_SUSPENSE, waiting.event_id), now=now)
    return 1
