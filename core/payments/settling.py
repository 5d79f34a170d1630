"""Money meets its order: the one place where a payment, of whatever rail, settles an order."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime

from core.db import atomic
from core.ledger import holds
from core.ledger import service as ledger
from core.ledger.rules import TransferCode
from core.money import Money
from core.orders.rules import CannotSettle, OrderState
from core.orders.service import LockedOrder, OrderPolicy, settle_order
from core.payments.exchange import Incoming
from core.payments.rules import SuspenseReason

ENDED = {
    OrderState.PAID: SuspenseReason.ALREADY_PAID,
    OrderState.CLOSED: SuspenseReason.ALREADY_PAID,
    OrderState.RETURNED: SuspenseReason.ORDER_RETURNED,
}
"""Why an order in this state takes no more money."""

LATE_STATES = frozenset({OrderState.EXPIRED, OrderState.CANCELLED})
"""Orders whose cards went back: money that comes now holds them again, if there are any."""


def refusal_of(order: LockedOrder) -> SuspenseReason:
    """Why a locked order could not be settled."""
    if order.state in LATE_STATES:
        return SuspenseReason.LATE
    return ENDED.get(order.state, SuspenseReason.OTHER_AMOUNT)


def settle_from(*, order: LockedOrder, incoming: Incoming, has_hold: bool, policy: OrderPolicy, now: datetime) -> None:
    """Settle a locked order with what incoming money is worth, together with wallet money that is held for it.

    Money for the whole order needs no wallet money: what is held goes back. Raises `CannotSettle` with nothing changed.
    """
    taken_in = incoming.taken_in(order.id)
    with atomic() if taken_in else nullcontext():  # balances are touched last, so what is taken in comes first
        ledger.insert(transfers=taken_in, now=now)
        source = incoming.paying_account()
        if has_hold and order.state is OrderState.AWAITING_PAYMENT:
            _settle_beside_hold(order, incoming.worth, source, policy, now)
        else:
            settle_order(order=order, paid=incoming.worth, from_account_id=source, policy=policy, now=now)


def _settle_beside_hold(order: LockedOrder, money: Money, source: int, policy: OrderPolicy, now: datetime) -> None:
    with atomic():
        if money == order.total:
            settle_order(order=order, paid=money, from_account_id=source, policy=policy, now=now)
            holds.release(order_ids=[order.id], now=now)
            return
        held = holds.capture(order_id=order.id, now=now)
        if held is None:
            raise CannotSettle(why="amount")
        pooled = ledger.NewTransfer(source, held.held_in_id, money.minor, money.currency, TransferCode.POOLED, order.id)
        changes = ledger.insert(transfers=[pooled], now=now)
        whole = Money(money.minor + held.amount, money.currency)
        settle_order(order=order, paid=whole, from_account_id=held.held_in_id, policy=policy, now=now)
        ledger.change_balances(ledger.merged(changes, {held.held_in_id: -whole.minor}))
