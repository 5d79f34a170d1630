"""An order's row, locked: payments, cancelling and expiry come one after another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.db import execute
from core.errors import NotFound
from core.money import Money
from core.orders import sql
from core.orders.rules import OrderState


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
    is_shop_open: bool  # whether its merchant takes part: a suspended one asks for no money


def lock_order(*, order_id: UUID) -> LockedOrder:
    """Lock an order until the transaction ends: payments, cancelling and expiry come one after another. `NotFound`."""
    rows = execute(sql.LOCK_ORDER, (order_id,))
    if not rows:
        raise NotFound("order")
    state, total, currency, merchant_id, shopper_id, conversation_id, paid, refunded, deadline, is_open = rows[0]
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
        is_shop_open=is_open,
    )
