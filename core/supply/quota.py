"""What suppliers that are asked over the network let us promise: looked at only where the stock of cards is short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from core.db import changed, execute
from core.stock import sql as stock_sql
from core.stock.rules import Terms
from core.stock.service import HeldGroup, ShareFacts, TradeRooms, hop_of
from core.supply.rules import MOST_AT_ONCE

LOCK = """
SELECT g.id FROM supplier_good g JOIN supplier_account a ON a.id = g.account_id
WHERE g.sku_id = %(sku)s AND a.party_id IN (
    SELECT s.pool_owner_id FROM source s WHERE s.merchant_id = %(merchant)s AND s.sku_id = %(sku)s)
ORDER BY g.id FOR NO KEY UPDATE OF g
"""
"""Orders for a SKU that suppliers bring come one after another: what is left is counted by a later statement."""

LEFT = f"""
SELECT q.good_id, q.cards, p.offers,
       (SELECT count(*) FROM supplier_line s JOIN hold h ON h.line_id = s.line_id AND h.state = 'open'
        WHERE s.good_id = q.good_id AND s.ended_at IS NULL),
       (SELECT count(*) FROM supplier_line s JOIN hold h ON h.line_id = s.line_id AND h.state = 'open' AND h.stranger
        WHERE s.good_id = q.good_id AND s.ended_at IS NULL)
FROM ({stock_sql.POOLS}) p JOIN supplier_quota q ON q.party_id = p.owner_id AND q.sku_id = %(sku)s
WHERE q.cards > 0 ORDER BY p.position, q.good_id
"""  # noqa: S608 - its parts are constants

PROMISE = """
INSERT INTO supplier_line AS s (line_id, good_id) SELECT x, %(good)s FROM unnest(%(lines)s::uuid[]) x
ON CONFLICT (line_id) DO UPDATE SET good_id = excluded.good_id, ended_at = NULL WHERE s.request_id IS NULL
"""


@dataclass(frozen=True, slots=True)
class Quota:
    """A supplier's goods that can be promised: `facts` as the caps on held stock know them, and who is paid for one."""

    good_id: UUID
    left: int
    facts: ShareFacts
    group: HeldGroup


def find_quota(*, merchant_id: int, sku_id: int, quantity: int, rooms: TradeRooms) -> Quota | None:
    """The first supplier along a merchant's sources that has `quantity` of a SKU, its row locked; None without one.

    Of a chain whose trade accounts do not reach for so many nothing is promised. Inside the caller's transaction.
    """
    wanted = {"merchant": merchant_id, "sku": sku_id}
    if quantity > MOST_AT_ONCE or not execute(LOCK, wanted):
        return None
    for good_id, left, offers, held, strangers in execute(LEFT, wanted):
        hops = tuple(hop_of(*hop, rooms=rooms) for hop in offers or ())
        if left >= quantity and rooms.cards(hops, quantity) == quantity:
            rooms.spend(hops, quantity)
            facts = ShareFacts(held=int(held), held_by_strangers=int(strangers), sellable=int(left) + int(held))
            return Quota(good_id, int(left), facts, HeldGroup(0, Terms.CONSIGNED, 1, 0, hops))
    return None


def promise(*, good_id: UUID, line_ids: Sequence[UUID]) -> None:
    """These lines, which are written down, are to be brought by a supplier."""
    if changed(PROMISE, {"good": good_id, "lines": list(line_ids)}) != len(line_ids):
        raise RuntimeError("a line was asked of a supplier before")
