"""What a party sees of its own hop (INV-T3, INV-T4): its offers, what it sold along them, what it brought.

No shopper, no price but the hop's own, no other party but the two of it. How many cards are left is what was brought
less what was sold: the count of free cards would tell which copies are contested.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from core.db import execute

Run = Callable[[str, Any], Sequence[tuple[Any, ...]]]
"""Runs one statement and gives its rows: use cases on the store's connection, the panel on its own that only reads."""

MOST_ROWS = 500

UNITS = "round(h.amount * (10::numeric ^ (6 - c.exponent)) / nullif(o.price_micro, 0))"
"""How many cards an amount of a hop was for, at that offer's price; what is given away for nothing is not counted."""

SOLD = f"""
SELECT (h.settled_at AT TIME ZONE %(zone)s)::date AS day, k.code, p.code, t.currency,
       coalesce(sum({UNITS}), 0)::bigint, sum(h.amount)::bigint, sum(h.returned)::bigint
FROM trade_account t JOIN trade_hold h ON h.account_id = t.account_id AND h.state = 'captured'
JOIN offer o ON o.id = h.offer_id JOIN sku k ON k.id = o.sku_id JOIN party p ON p.id = t.debtor_id
JOIN currency c ON c.code = t.currency
WHERE t.creditor_id = %(party)s AND h.settled_at >= %(since)s AND h.settled_at < %(until)s
GROUP BY 1, 2, 3, 4 ORDER BY 1 DESC, 2, 3, 4 LIMIT {MOST_ROWS}
"""  # noqa: S608 - constants of this module only

STOCK = f"""
WITH brought AS (
    SELECT sku_id, coalesce(sum(card_count) FILTER (WHERE state = 'selling'), 0) AS on_sale,
           coalesce(sum(card_count) FILTER (WHERE state IN ('locked', 'recalled')), 0) AS stopped,
           max(created_at) AS last
    FROM batch WHERE owner_id = %(party)s AND state IN ('selling', 'locked', 'recalled') GROUP BY sku_id
), moved AS (
    SELECT o.sku_id, sum(CASE WHEN t.creditor_id = %(party)s THEN {UNITS} ELSE -{UNITS} END)::bigint AS units
    FROM trade_account t JOIN trade_hold h ON h.account_id = t.account_id AND h.state = 'captured'
    JOIN offer o ON o.id = h.offer_id JOIN currency c ON c.code = t.currency
    WHERE %(party)s IN (t.creditor_id, t.debtor_id) GROUP BY o.sku_id
)
SELECT k.code, p.names, k.names, b.on_sale::bigint, b.stopped::bigint, greatest(coalesce(m.units, 0), 0)::bigint, b.last
FROM brought b JOIN sku k ON k.id = b.sku_id JOIN product p ON p.id = k.product_id
LEFT JOIN moved m ON m.sku_id = b.sku_id
ORDER BY k.code LIMIT {MOST_ROWS}
"""  # noqa: S608 - constants of this module only
"""Sold of one's own pool: what went downstream less what came from upstream for it, both along own hops."""

BATCHES = """
SELECT b.id, k.code, b.state, b.terms, b.card_count, b.expires_on, b.created_at
FROM batch b JOIN sku k ON k.id = b.sku_id
WHERE b.owner_id = %(party)s AND b.state <> 'abandoned'
  AND (%(after)s::uuid IS NULL OR b.no < (SELECT a.no FROM batch a WHERE a.id = %(after)s AND a.owner_id = %(party)s))
ORDER BY b.no DESC LIMIT %(limit)s
"""
"""A cursor is the last batch of the part before; a foreign one gives nothing."""


@dataclass(frozen=True, slots=True)
class HopSales:
    """What was sold on one day of one SKU to one buyer; of `amount_minor`, `returned_minor` was given back."""

    day: date
    sku: str
    buyer: str
    currency: str
    units: int
    amount_minor: int
    returned_minor: int


@dataclass(frozen=True, slots=True)
class HopStock:
    """Cards of one SKU that a party brought: in batches on sale, in batches that stand still, sold of all of them."""

    sku: str
    product_names: dict[str, str]
    sku_names: dict[str, str]
    brought: int
    stopped: int
    sold: int
    last_brought: datetime

    @property
    def left(self) -> int:
        """Brought and not sold, contested copies among them: nobody learns here which are."""
        return max(self.brought + self.stopped - self.sold, 0)


def sales_of_hop(*, party_id: int, since: datetime, until: datetime, zone: str, run: Run = execute) -> list[HopSales]:
    """What a party sold to its buyers, by day of the store's zone, the newest first; at most 500 rows."""
    return [HopSales(*row) for row in run(SOLD, {"party": party_id, "since": since, "until": until, "zone": zone})]


def stock_of_hop(*, party_id: int, run: Run = execute) -> list[HopStock]:
    """What a party brought and sold, by SKU."""
    return [HopStock(*row) for row in run(STOCK, {"party": party_id})]


@dataclass(frozen=True, slots=True)
class OwnBatch:
    """Cards that came together, as their owner lists them."""

    id: UUID
    sku: str
    state: str
    terms: str
    cards: int
    expires_on: date | None
    brought_at: datetime


def batches_of(*, party_id: int, after: UUID | None = None, limit: int, run: Run = execute) -> list[OwnBatch]:
    """A party's own batches, the newest first, from the one after `after`; at most `limit`."""
    return [OwnBatch(*row) for row in run(BATCHES, {"party": party_id, "after": after, "limit": limit})]
