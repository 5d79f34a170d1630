"""Late money: the cards of an order whose hold ended are held again, with the shares of the cards it gets now."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from core.db import atomic, execute
from core.ids import new_id
from core.orders import sql
from core.orders.locking import LockedOrder
from core.orders.rules import CannotSettle
from core.orders.shares import Seller, frozen_shares
from core.orders.values import OrderPolicy
from core.stock import service as stock
from core.stock.rules import HeldByOthers, OutOfStock

LINES_TO_HOLD = """
SELECT l.id, l.sku_id, l.listing_code, l.quantity, l.total_minor, k.minimum_life_days, o.stranger, m.fee_basis_points,
       (SELECT id FROM party WHERE kind = 'platform')
FROM order_line l JOIN sku k ON k.id = l.sku_id JOIN shop_order o ON o.id = l.order_id
JOIN party m ON m.id = o.merchant_id
WHERE l.order_id = %s ORDER BY l.position
"""


def hold_again(order: LockedOrder, policy: OrderPolicy, now: datetime) -> None:
    """Hold cards for every line of a locked order, all lines or none. Raises `CannotSettle` (why: stock)."""
    try:
        with atomic():
            for row in execute(LINES_TO_HOLD, (order.id,)):
                _hold_line(order, row, policy, now)
    except (OutOfStock, HeldByOthers):
        raise CannotSettle(why="stock") from None


def _hold_line(order: LockedOrder, row: tuple[Any, ...], policy: OrderPolicy, now: datetime) -> None:
    line_id, sku_id, code, quantity, total, life, stranger, basis_points, platform_id = row
    groups = stock.hold_cards(
        merchant_id=order.merchant_id,
        sku_id=sku_id,
        code=code,
        line_id=line_id,
        quantity=quantity,
        usable_on=stock.usable_on(now=now, zone=policy.zone, minimum_life_days=life),
    )
    seller, hold_id = Seller(order.merchant_id, platform_id, basis_points, order.total.currency), new_id()
    shares = frozen_shares(seller=seller, groups=groups, total_minor=total, hold_id=hold_id, line_id=line_id)
    which = {"hold": hold_id, "line": line_id, "order": order.id, "sku": sku_id, "quantity": quantity}
    execute(sql.HOLD_AGAIN, which | {"stranger": stranger, "now": now, "shares": json.dumps(shares)})
