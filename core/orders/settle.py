"""Money in: an order becomes paid, its cards are claimed, everyone's share is booked, work is queued (step 5)."""

from __future__ import annotations

from datetime import datetime

from core.db import execute
from core.ids import Prefix, public
from core.messages.service import MessageKind, tell
from core.money import Money
from core.orders import sql, trading
from core.orders.again import hold_again
from core.orders.locking import LockedOrder
from core.orders.rules import CannotSettle, OrderState
from core.orders.values import OrderPolicy, Settled
from core.work import Work, enqueue


def settle_order(
    *, order: LockedOrder, paid: Money, from_account_id: int, policy: OrderPolicy, now: datetime, is_told: bool = True
) -> Settled:
    """Settle a locked order with `paid`, taken from one account, inside the caller's transaction.

    An expired or cancelled order holds its cards again first (INV-S5). Raises `CannotSettle` (why: state, amount,
    stock) with nothing changed; the caller books the money to suspense. Without `is_told` the chat gets no message:
    the shopper who paid right there reads it in the answer, and nothing is said twice.
    """
    if paid != order.total:
        raise CannotSettle(why="amount")
    if order.state not in {OrderState.AWAITING_PAYMENT, OrderState.EXPIRED, OrderState.CANCELLED}:
        raise CannotSettle(why="state")
    if order.state is not OrderState.AWAITING_PAYMENT:
        hold_again(order, policy, now)
    name = public(Prefix.ORDER, order.id)
    asked = {"order": order.id, "now": now, "paid": paid.minor, "states": [order.state.value]}
    captured = execute(sql.CAPTURE, asked | {"merchant": order.merchant_id, "public": name})
    count, held, claimed, ordered, ready, holds, is_traded, is_supplied = captured[0]
    if count != 1 or not held == claimed == ordered:
        raise RuntimeError("a locked order's holds and cards disagree")  # rolls back; the notice is answered non-2xx
    booked = {"source": from_account_id, "currency": order.total.currency, "order": order.id, "now": now}
    execute(sql.BOOK_SHARES, booked | {"holds": holds})
    for delivery_id in ready or ():
        enqueue(Work.DELIVER, delivery_id)
    if is_supplied:
        enqueue(Work.SUPPLY, order.id)
    if is_told:
        tell(conversation_id=order.conversation_id, kind=MessageKind.PAID, body={"order": name}, now=now)
    if is_traded:
        trading.capture(
            holds=holds, order_id=order.id, merchant_id=order.merchant_id, currency=order.total.currency, now=now
        )
    return Settled(order_id=order.id, delivery_ids=tuple(ready or ()))


def mark_returned(*, order: LockedOrder, now: datetime) -> None:
    """An order whose late money could not buy: its money goes back, it is shown as refunded. Raises `CannotSettle`."""
    if order.state not in {OrderState.EXPIRED, OrderState.CANCELLED}:
        raise CannotSettle(why="state")
    execute(
        "UPDATE shop_order SET state = 'returned', ended_at = %s WHERE id = %s AND state IN ('expired', 'cancelled')",
        (now, order.id),
    )
