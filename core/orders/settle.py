"""Money in: an order becomes paid, its cards are claimed, everyone's share is booked, work is queued (step 5)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.db import atomic, execute
from core.errors import NotFound
from core.ids import Prefix, new_id, public
from core.messages.service import MessageKind, tell
from core.money import Money
from core.orders import sql
from core.orders.rules import CannotSettle, OrderState
from core.orders.shares import share_rows, split_line
from core.orders.values import OrderPolicy, Settled
from core.stock import service as stock
from core.stock.rules import HeldByOthers, OutOfStock
from core.work import Work, enqueue


@dataclass(frozen=True, slots=True)
class LockedOrder:
    """What an order's row said when it was locked (amounts in minor units)."""

    id: UUID
    state: OrderState
    total: Money
    merchant_id: int
    shopper_id: UUID
    conversation_id: UUID
    paid_minor: int
    refunded_minor: int
    deadline: datetime


def lock_order(*, order_id: UUID) -> LockedOrder:
    """Lock an order until the transaction ends: payments, cancelling and expiry come one after another. `NotFound`."""
    rows = execute(sql.LOCK_ORDER, (order_id,))
    if not rows:
        raise NotFound("order")
    state, total, currency, merchant_id, shopper_id, conversation_id, paid, refunded, deadline = rows[0]
    return LockedOrder(
        id=order_id,
        state=OrderState(state),
        total=Money(total, currency),
        merchant_id=merchant_id,
        shopper_id=shopper_id,
        conversation_id=conversation_id,
        paid_minor=paid,
        refunded_minor=refunded,
        deadline=deadline,
    )


def settle_order(
    *, order: LockedOrder, paid: Money, from_account_id: int, policy: OrderPolicy, now: datetime
) -> Settled:
    """Settle a locked order with `paid`, taken from one account, inside the caller's transaction.

    An expired or cancelled order holds its cards again first (INV-S5). Raises `CannotSettle` (why: state, amount,
    stock) with nothing changed; the caller books the money to suspense.
    """
    if paid != order.total:
        raise CannotSettle(why="amount")
    if order.state not in {OrderState.AWAITING_PAYMENT, OrderState.EXPIRED, OrderState.CANCELLED}:
        raise CannotSettle(why="state")
    if order.state is not OrderState.AWAITING_PAYMENT:
        _hold_again(order, policy, now)
    count, held, claimed, ordered, ready, holds = execute(
        sql.CAPTURE,
        {
            "order": order.id,
            "now": now,
            "paid": paid.minor,
            "states": [order.state.value],
            "merchant": order.merchant_id,
            "public": public(Prefix.ORDER, order.id),
        },
    )[0]
    if count != 1 or not held == claimed == ordered:
        raise RuntimeError("a locked order's holds and cards disagree")  # rolls back; the notice is answered non-2xx
    execute(
        sql.BOOK_SHARES,
        {
            "source": from_account_id,
            "currency": order.total.currency,
            "order": order.id,
            "now": now,
            "holds": holds,
        },
    )
    for delivery_id in ready or ():
        enqueue(Work.DELIVER, delivery_id)
    tell(
        conversation_id=order.conversation_id,
        kind=MessageKind.PAID,
        body={"order": public(Prefix.ORDER, order.id)},
        now=now,
    )
    return Settled(order_id=order.id, delivery_ids=tuple(ready or ()))


LINES_TO_HOLD = """
SELECT l.id, l.sku_id, l.listing_code, l.quantity, l.total_minor, k.minimum_life_days, o.stranger, m.fee_basis_points,
       (SELECT id FROM party WHERE kind = 'platform')
FROM order_line l JOIN sku k ON k.id = l.sku_id JOIN shop_order o ON o.id = l.order_id
JOIN party m ON m.id = o.merchant_id
WHERE l.order_id = %s ORDER BY l.position
"""


def _hold_again(order: LockedOrder, policy: OrderPolicy, now: datetime) -> None:
    """Hold cards for every line of an order whose hold ended; all lines or none."""
    try:
        with atomic():
            for row in execute(LINES_TO_HOLD, (order.id,)):
                line_id, sku_id, code, quantity, total, life, stranger, basis_points, platform_id = row
                groups = stock.hold_cards(
                    merchant_id=order.merchant_id,
                    sku_id=sku_id,
                    code=code,
                    line_id=line_id,
                    quantity=quantity,
                    usable_on=stock.usable_on(now=now, zone=policy.zone, minimum_life_days=life),
                )
                shares = split_line(
                    total_minor=total,
                    currency=order.total.currency,
                    merchant_id=order.merchant_id,
                    platform_id=platform_id,
                    fee_basis_points=basis_points,
                    groups=groups,
                )
                hold_id = new_id()
                rows = share_rows(
                    shares=shares,
                    hold_id=hold_id,
                    line_id=line_id,
                    merchant_id=order.merchant_id,
                    currency=order.total.currency,
                    accounts={},
                )
                execute(
                    sql.HOLD_AGAIN,
                    {
                        "hold": hold_id,
                        "line": line_id,
                        "order": order.id,
                        "sku": sku_id,
                        "quantity": quantity,
                        "stranger": stranger,
                        "now": now,
                        "shares": json.dumps(rows),
                    },
                )
    except (OutOfStock, HeldByOthers):
        raise CannotSettle(why="stock") from None


def mark_returned(*, order: LockedOrder, now: datetime) -> None:
    """An order whose late money could not buy: its money goes back, it is shown as refunded. Raises `CannotSettle`."""
    if order.state not in {OrderState.EXPIRED, OrderState.CANCELLED}:
        raise CannotSettle(why="state")
    execute(
        "UPDATE shop_order SET state = 'returned', ended_at = %s WHERE id = %s AND state IN ('expired', 'cancelled')",
        (now, order.id),
    )
