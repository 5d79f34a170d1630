"""Late money: the cards of an order whose hold ended are held again, with the shares of the cards it gets now."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from core.db import atomic, execute
from core.ids import new_id
from core.ledger import trade
from core.ledger.trade import TradeShort
from core.orders import sql, trading
from core.orders.locking import LockedOrder
from core.orders.rules import CannotSettle, LineGate
from core.orders.shares import Seller, frozen_shares
from core.orders.values import OrderPolicy
from core.stock import service as stock
from core.stock.rules import HeldByOthers, OutOfStock
from core.stock.service import HeldGroup, TradeRooms
from core.supply.quota import find_quota, promise

LINES_TO_HOLD = """
SELECT l.id, l.sku_id, l.listing_code, l.quantity, l.total_minor, k.minimum_life_days, o.stranger, m.fee_basis_points,
       (SELECT id FROM party WHERE kind = 'platform'),
       (SELECT t.account_id FROM trade_account t JOIN party p ON p.id = t.creditor_id AND p.kind = 'platform'
        WHERE t.debtor_id = o.merchant_id AND t.currency = o.currency), l.gate,
       l.plan_id IS NOT NULL
FROM order_line l JOIN sku k ON k.id = l.sku_id JOIN shop_order o ON o.id = l.order_id
JOIN party m ON m.id = o.merchant_id
WHERE l.order_id = %s ORDER BY l.position
"""


def hold_again(order: LockedOrder, policy: OrderPolicy, now: datetime) -> None:
    """Hold cards for every line of a locked order, and its chains' trade accounts; all of it or none.

    Where a trade account ran short meanwhile, once more with the accounts locked. Raises `CannotSettle` (why: stock).
    """
    try:
        try:
            _hold_all(order, policy, TradeRooms(), now)
        except TradeShort:
            _hold_all(order, policy, TradeRooms(is_exact=True), now)
    except (OutOfStock, HeldByOthers, TradeShort):
        raise CannotSettle(why="stock") from None


def _hold_all(order: LockedOrder, policy: OrderPolicy, rooms: TradeRooms, now: datetime) -> None:
    with atomic():
        lines = execute(LINES_TO_HOLD, (order.id,))
        trades = [row for line in lines for row in _hold_line(order, line, policy, rooms, now)]
        trade.hold(trading.per_account(trades))


def _hold_line(
    order: LockedOrder, row: tuple[Any, ...], policy: OrderPolicy, rooms: TradeRooms, now: datetime
) -> list[dict[str, Any]]:
    line_id, sku_id, code, quantity, total, life, stranger, basis_points, platform_id, fee_account_id, *of_line = row
    gate, is_plan = of_line
    groups: list[HeldGroup] = []  # of a membership, of which there is always enough
    if gate == LineGate.SUPPLY:
        groups = [_promised_again(order.merchant_id, sku_id, code, line_id, rooms)]
    elif not is_plan:
        groups = stock.hold_cards(
            merchant_id=order.merchant_id,
            sku_id=sku_id,
            code=code,
            line_id=line_id,
            quantity=quantity,
            usable_on=stock.usable_on(now=now, zone=policy.zone, minimum_life_days=life),
            rooms=rooms,
        )
    hold_id, currency = new_id(), order.total.currency
    seller = Seller(order.merchant_id, platform_id, basis_points, currency, fee_account_id=fee_account_id)
    shares = frozen_shares(seller=seller, groups=groups, total_minor=total, hold_id=hold_id, line_id=line_id)
    trades = trading.hop_rows(seller=seller, groups=groups, shares=shares, hold_id=hold_id, line_id=line_id)
    which = {"hold": hold_id, "line": line_id, "order": order.id, "sku": sku_id, "quantity": quantity}
    frozen = {"shares": json.dumps(shares), "trades": json.dumps(trades)}
    execute(sql.HOLD_AGAIN, which | {"stranger": stranger, "now": now} | frozen)
    return trades


def _promised_again(merchant_id: int, sku_id: int, code: str, line_id: UUID, rooms: TradeRooms) -> HeldGroup:
    """A line that a supplier was to bring: by one that has a card now. Raises `OutOfStock`."""
    found = find_quota(merchant_id=merchant_id, sku_id=sku_id, quantity=1, rooms=rooms)
    if found is None:
        raise OutOfStock(code=code, left=0)
    promise(good_id=found.good_id, line_ids=[line_id])
    return found.group
