"""Money meets its order: the one place where a payment, of whatever rail, settles an order."""

from __future__ import annotations

from datetime import datetime

from core.db import atomic
from core.ledger import holds
from core.ledger import service as ledger
from core.ledger.rules import TransferCode
from core.money import Money
from core.orders.rules import CannotSettle, OrderState
from core.orders.service import LockedOrder, OrderPolicy, settle_order
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


def settle_from(
    *, order: LockedOrder, money: Money, from_account_id: int, has_hold: bool, policy: OrderPolicy, now: datetime
) -> None:
    """Settle a locked order with `money`, together with wallet money that is held for it.

    Money for the whole order needs no wallet money: what is held goes back. Raises `CannotSettle` with nothing changed.
    """
    if not has_hold or order.state is not OrderState.AWAITING_PAYMENT:
        settle_order(order=order, paid=money, from_account_id=from_account_id, policy=policy, now=now)
        return
    with atomic():
        if money == order.total:
            settle_order(order=order, paid=money, from_account_id=from_account_id, policy=policy, now=now)
            holds.release(order_ids=[order.id], now=now)
            return
        held = holds.capture(order_id=order.id, now=now)
        if held is None:
            raise CannotSettle(why="amount")
        pooled = ledger.NewTransfer(
            from_account_id, held.held_in_id, money.minor, money.currency, TransferCode.POOLED, order.id
        )
        changes = ledger.insert(transfers=[pooled], now=now)
        whole = Money(money.minor + held.amount, money.currency)
        settle_order(order=order, paid=whole, from_account_id=held.held_in_id, policy=policy, now=now)
        ledger.change_balances(ledger.merged(changes, {held.held_in_id: -whole.minor}))
