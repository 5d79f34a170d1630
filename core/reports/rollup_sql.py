"""The statements of the roll-ups: what a day's rows are, computed from orders, shares, deliveries and refunds alone."""

from __future__ import annotations

LAST_ENTRY = "SELECT coalesce(max(id), 0) FROM audit_entry"
WRITERS = """
SELECT DISTINCT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'audit_entry'::regclass AND granted AND mode = 'RowExclusiveLock'
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
"""Who writes to the audit now, or has, and is not through: a lower id may still come from there."""

CHANGED_ORDERS = """
SELECT id, object_id FROM audit_entry
WHERE id > %(after)s AND id <= %(last)s AND object_kind = 'order' AND action <> 'order.placed'
ORDER BY id LIMIT %(limit)s
"""
"""What the audit says of orders: whatever changes a figure of a paid order has an entry in the same transaction."""

FIND_MARK = "SELECT zone, last_audit_id FROM report_mark"
SET_MARK = """
INSERT INTO report_mark (zone, last_audit_id, read_at) VALUES (%(zone)s, %(last)s, %(now)s)
ON CONFLICT (one) DO UPDATE SET zone = excluded.zone, last_audit_id = excluded.last_audit_id, read_at = excluded.read_at
"""
MAKE_DIRTY = """
INSERT INTO report_dirty (day, merchant_id)
SELECT DISTINCT (paid_at AT TIME ZONE %(zone)s)::date, merchant_id FROM shop_order
WHERE id = ANY (%(orders)s) AND paid_at IS NOT NULL
ON CONFLICT DO NOTHING
"""
MAKE_RANGE_DIRTY = """
INSERT INTO report_dirty (day, merchant_id)
SELECT DISTINCT (paid_at AT TIME ZONE %(zone)s)::date, merchant_id FROM shop_order
WHERE paid_at >= %(begin)s AND paid_at < %(end)s
UNION SELECT day, merchant_id FROM report_order WHERE day >= %(first)s AND day <= %(last)s
UNION SELECT day, merchant_id FROM report_hop WHERE day >= %(first)s AND day <= %(last)s
ON CONFLICT DO NOTHING
"""
"""Every day of a range that has orders, or figures that would have none."""

TAKE_DIRTY = """
DELETE FROM report_dirty WHERE day = (SELECT {}(day) FROM report_dirty) RETURNING day, merchant_id
"""
TAKE_YOUNGEST, TAKE_OLDEST = TAKE_DIRTY.format("max"), TAKE_DIRTY.format("min")
"""A day that waits, with everybody who has sold on it."""

CLEAR = tuple(
    f"DELETE FROM {table} WHERE merchant_id = ANY (%(merchants)s) AND day = %(day)s"  # noqa: S608 - constants only
    for table in ("report_sale", "report_order", "report_hop")
)
FORGET = tuple(f"DELETE FROM {table}" for table in ("report_sale", "report_order", "report_hop", "report_dirty"))  # noqa: S608

LINES = """
WITH o AS MATERIALIZED (
    SELECT o.id, o.merchant_id, o.currency, o.paid_at, i.channel
    FROM shop_order o JOIN identity i ON i.id = o.identity_id
    WHERE o.paid_at >= %(begin)s AND o.paid_at < %(end)s AND o.state IN ('paid', 'closed')
      AND o.merchant_id = ANY (%(merchants)s)
), l AS MATERIALIZED (
    SELECT l.id, l.order_id, o.merchant_id, o.currency, o.channel, l.listing_id, l.sku_id, l.quantity,
           l.list_price_minor * l.quantity AS listed, l.discount_minor, l.total_minor,
           l.gate = 'cancelled' AS cancelled, d.state AS delivery,
           extract(epoch FROM d.delivered_at - o.paid_at) AS seconds
    FROM o JOIN order_line l ON l.order_id = o.id LEFT JOIN delivery d ON d.line_id = l.id
), s AS MATERIALIZED (
    SELECT s.line_id, s.account_id, s.role, s.party_id, min(f.buyer_id) AS buyer_id, sum(s.amount_minor) AS amount
    FROM l JOIN line_share s ON s.line_id = l.id JOIN hold h ON h.id = s.hold_id AND h.state = 'captured'
    LEFT JOIN offer f ON f.id = s.offer_id
    GROUP BY 1, 2, 3, 4
), r AS MATERIALIZED (
    SELECT line_id, account_id, sum(back) AS back
    FROM (SELECT t.line_id, side.account_id, side.back
          FROM l JOIN transfer t ON t.line_id = l.id
          CROSS JOIN LATERAL (VALUES (t.debit_id, t.amount), (t.credit_id, -t.amount)) AS side (account_id, back)
          WHERE t.code = 'refund') moved
    GROUP BY 1, 2
), b AS MATERIALIZED (
    SELECT s.*, coalesce(r.back, 0) AS back FROM s LEFT JOIN r USING (line_id, account_id)
), m AS MATERIALIZED (
    SELECT b.line_id, sum(b.back) AS refunded,
           sum(b.amount - b.back) FILTER (WHERE b.role = 'upstream') AS hop_cost,
           sum(b.amount - b.back) FILTER (WHERE b.role = 'cost') AS own_cost,
           sum(b.amount - b.back) FILTER (WHERE b.role NOT IN ('upstream', 'cost', 'merchant')) AS fees,
           sum(b.amount - b.back) FILTER (WHERE b.role = 'merchant') AS profit,
           bool_or(b.role = 'upstream') AS has_hops,
           min(b.party_id) FILTER (WHERE b.role = 'upstream' AND b.buyer_id = l.merchant_id) AS seller_id,
           count(DISTINCT b.party_id) FILTER (WHERE b.role = 'upstream' AND b.buyer_id = l.merchant_id) AS sellers
    FROM b JOIN l ON l.id = b.line_id GROUP BY 1
), c AS MATERIALIZED (
    SELECT c.line_id, bool_or(k.terms = 'own') AS own, bool_or(k.terms = 'owned') AS owned,
           bool_or(k.terms = 'consigned') AS consigned,
           min(k.supplier_id) FILTER (WHERE k.terms = 'owned') AS supplier_id,
           count(DISTINCT coalesce(k.supplier_id, 0)) FILTER (WHERE k.terms = 'owned') AS suppliers,
           count(*) FILTER (WHERE k.terms = 'consigned') AS consigned_cards
    FROM l JOIN card c ON c.line_id = l.id JOIN batch k ON k.no = c.batch_no GROUP BY 1
), x AS MATERIALIZED (
    SELECT l.*, coalesce(m.refunded, 0) AS refunded, coalesce(m.hop_cost, 0) AS hop_cost,
           coalesce(m.own_cost, 0) AS own_cost, coalesce(m.fees, 0) AS fees, coalesce(m.profit, 0) AS profit,
           coalesce(c.consigned_cards, 0) AS consigned_cards,
           l.cancelled OR coalesce(m.refunded, 0) > 0 AS went_back,
           CASE WHEN coalesce(m.has_hops, false) OR coalesce(c.consigned, false)
                    THEN CASE WHEN coalesce(c.own OR c.owned, false) OR m.sellers > 1 THEN 'mixed' ELSE 'consigned' END
                WHEN c.own AND c.owned THEN 'mixed'
                WHEN c.owned THEN 'owned'
                ELSE 'own' END AS terms,
           m.seller_id, c.supplier_id, c.suppliers
    FROM l LEFT JOIN m ON m.line_id = l.id LEFT JOIN c ON c.line_id = l.id
)
"""
"""Each paid line of some merchants in a stretch of time: what it brought, what is left of it, whence its goods came.

Shares are those of the hold that was paid; what went back is what refunds took of exactly these accounts, so that
nothing needs to know why. Where a line's goods came from is told by its cards and by whom the merchant itself buys
from: who stands further up the chain is in no row of it (INV-T4).
"""

SALES = """
SELECT merchant_id, %(day)s::date, listing_id, channel, terms,
       CASE WHEN terms = 'consigned' THEN coalesce(seller_id, 0)
            WHEN terms = 'owned' AND suppliers = 1 THEN coalesce(supplier_id, 0) ELSE 0 END AS from_id,
       currency, min(sku_id), count(*), sum(quantity)::bigint, sum(listed)::bigint, sum(discount_minor)::bigint,
       sum(total_minor)::bigint, sum(refunded)::bigint, sum(hop_cost)::bigint, sum(own_cost)::bigint,
       sum(fees)::bigint, sum(profit)::bigint, count(*) FILTER (WHERE went_back),
       count(*) FILTER (WHERE delivery = 'delivered'),
       count(*) FILTER (WHERE delivery = 'delivered' AND seconds <= 10),
       count(*) FILTER (WHERE delivery = 'delivered' AND seconds <= 60),
       count(*) FILTER (WHERE delivery = 'delivered' AND seconds <= 600),
       count(*) FILTER (WHERE delivery = 'delivered' AND seconds <= 3600),
       count(*) FILTER (WHERE delivery = 'failed')
FROM x GROUP BY merchant_id, listing_id, channel, terms, from_id, currency
"""
ORDERS = """
SELECT merchant_id, %(day)s::date, channel, currency, count(DISTINCT order_id), sum(quantity)::bigint,
       sum(total_minor)::bigint, sum(refunded)::bigint, sum(profit)::bigint
FROM x GROUP BY merchant_id, channel, currency
"""
HOPS = """
SELECT b.party_id, %(day)s::date, b.buyer_id, x.merchant_id, x.sku_id, x.currency, count(*),
       sum(CASE WHEN x.consigned_cards > 0 THEN x.consigned_cards ELSE x.quantity END)::bigint,
       sum(b.amount)::bigint, sum(b.back)::bigint, count(*) FILTER (WHERE x.went_back),
       count(*) FILTER (WHERE x.delivery = 'delivered'),
       count(*) FILTER (WHERE x.delivery = 'delivered' AND x.seconds > 600),
       count(*) FILTER (WHERE x.delivery = 'failed')
FROM b JOIN x ON x.id = b.line_id WHERE b.role = 'upstream'
GROUP BY b.party_id, b.buyer_id, x.merchant_id, x.sku_id, x.currency
"""

SALE_COLUMNS = """merchant_id, day, listing_id, channel, terms, supplier_id, currency, sku_id, lines, quantity, listed,
    discounts, revenue, refunded, hop_cost, own_cost, fees, profit, refunded_lines, delivered, within_10s, within_1m,
    within_10m, within_1h, failed"""
ORDER_COLUMNS = "merchant_id, day, channel, currency, orders, quantity, revenue, refunded, profit"
HOP_COLUMNS = """seller_id, day, buyer_id, merchant_id, sku_id, currency, lines, cards, earned, returned,
    refunded_lines, delivered, late, failed"""

TABLES = (
    ("report_sale", SALE_COLUMNS, SALES),
    ("report_order", ORDER_COLUMNS, ORDERS),
    ("report_hop", HOP_COLUMNS, HOPS),
)

COMPUTE = (
    LINES
    + f""", sales AS (INSERT INTO report_sale ({SALE_COLUMNS}) {SALES}),
      hops AS (INSERT INTO report_hop ({HOP_COLUMNS}) {HOPS})
    INSERT INTO report_order ({ORDER_COLUMNS}) {ORDERS}"""
)
"""All rows of a day, written by one statement, so that they are of one moment."""


def differing(table: str, columns: str, computed: str) -> str:
    """How many rows of a day are not as they would be computed now."""
    stored = f"SELECT {columns} FROM {table} WHERE day = %(day)s AND merchant_id = ANY (%(merchants)s)"  # noqa: S608
    return f"{LINES}, fresh AS ({computed}), stored AS ({stored}) {DIFFERENT}"


DIFFERENT = """
SELECT (SELECT count(*) FROM (SELECT * FROM fresh EXCEPT ALL SELECT * FROM stored) AS missing)
     + (SELECT count(*) FROM (SELECT * FROM stored EXCEPT ALL SELECT * FROM fresh) AS too_many)
"""

UNBALANCED = """
SELECT count(*) FROM report_sale
WHERE day = %(day)s AND revenue - refunded <> hop_cost + own_cost + fees + profit
"""
"""Rows whose money does not add up: orders that were paid without their shares being booked (INV-M7)."""
