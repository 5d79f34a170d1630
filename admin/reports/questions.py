"""The reports' fixed questions to the roll-ups; each sums rows of days, none reads orders, lines or cards."""

from __future__ import annotations

from admin.reports.asked import WHERE

SOLD = WHERE.format(party="merchant_id") + " AND currency = %(currency)s"
OF_SALES = (
    SOLD
    + """
AND (%(channel)s = '' OR channel = %(channel)s) AND (%(terms)s = '' OR terms = %(terms)s)
AND (%(supplier)s::bigint IS NULL OR supplier_id = %(supplier)s)
"""
)
EARNED = WHERE.format(party="seller_id") + " AND currency = %(currency)s"

DAYS = f"""
SELECT day, sum(orders)::bigint, sum(quantity)::bigint, sum(revenue)::bigint, sum(refunded)::bigint, sum(profit)::bigint
FROM report_order WHERE {SOLD} GROUP BY 1 ORDER BY 1
"""  # noqa: S608
PARTIES = f"""
SELECT s.merchant_id, p.names, s.orders, s.quantity, s.revenue, s.refunded, s.profit
FROM (SELECT merchant_id, sum(orders)::bigint AS orders, sum(quantity)::bigint AS quantity,
             sum(revenue)::bigint AS revenue, sum(refunded)::bigint AS refunded, sum(profit)::bigint AS profit
      FROM report_order WHERE {SOLD} GROUP BY 1 ORDER BY 4 DESC LIMIT 100) s
LEFT JOIN party p ON p.id = s.merchant_id ORDER BY s.revenue DESC, s.merchant_id
"""  # noqa: S608
"""Who sold most; for the platform, which sees all merchants."""

GOODS = f"""
SELECT s.listing_id, l.code, d.names, k.names, s.quantity, s.revenue, s.refunded, s.profit, s.lines
FROM (SELECT listing_id, min(sku_id) AS sku_id, sum(quantity)::bigint AS quantity, sum(revenue)::bigint AS revenue,
             sum(refunded)::bigint AS refunded, sum(profit)::bigint AS profit, sum(lines)::bigint AS lines
      FROM report_sale WHERE {OF_SALES} GROUP BY 1 ORDER BY {{by}} DESC, 1 LIMIT 100) s
LEFT JOIN listing l ON l.id = s.listing_id LEFT JOIN sku k ON k.id = s.sku_id
LEFT JOIN product d ON d.id = k.product_id
ORDER BY s.{{by}} DESC, s.listing_id
"""  # noqa: S608
GOODS_BY = {by: GOODS.format(by=by) for by in ("revenue", "quantity", "profit")}

COMPOSED = f"""
SELECT terms, sum(revenue)::bigint, sum(refunded)::bigint, sum(hop_cost)::bigint, sum(own_cost)::bigint,
       sum(fees)::bigint, sum(profit)::bigint, sum(discounts)::bigint
FROM report_sale WHERE {SOLD} GROUP BY 1 ORDER BY 2 DESC, 1
"""  # noqa: S608
"""What became of the money, apart by where the goods came from."""

QUALITY = """sum(lines)::bigint AS sold, sum(delivered)::bigint AS delivered, sum(within_10s)::bigint AS within_10s,
    sum(within_1m)::bigint AS within_1m, sum(within_10m)::bigint AS within_10m, sum(within_1h)::bigint AS within_1h,
    sum(failed)::bigint AS failed, sum(refunded_lines)::bigint AS refunded, sum(revenue)::bigint AS revenue,
    sum(profit)::bigint AS profit"""
CHANNELS = f"SELECT channel, {QUALITY} FROM report_sale WHERE {SOLD} GROUP BY 1 ORDER BY 2 DESC, 1"  # noqa: S608
SOURCES = f"""
SELECT s.*, p.names FROM (
    SELECT terms, supplier_id, {QUALITY} FROM report_sale WHERE {SOLD} GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 200) s
LEFT JOIN party p ON p.id = s.supplier_id ORDER BY 3 DESC, 1, 2
"""  # noqa: S608

HOP_DAYS = f"""
SELECT day, sum(lines)::bigint, sum(cards)::bigint, sum(earned)::bigint, sum(returned)::bigint
FROM report_hop WHERE {EARNED} GROUP BY 1 ORDER BY 1
"""  # noqa: S608
_HOP = """sum(h.lines)::bigint AS lines, sum(h.cards)::bigint AS cards, sum(h.earned)::bigint AS earned,
    sum(h.returned)::bigint AS returned, sum(h.delivered)::bigint AS delivered, sum(h.late)::bigint AS late,
    sum(h.failed)::bigint AS failed"""
HOP_GOODS = f"""
SELECT s.*, k.code, d.names, k.names
FROM (SELECT h.sku_id, {_HOP} FROM report_hop h WHERE {EARNED} GROUP BY 1 ORDER BY earned DESC, 1 LIMIT 100) s
LEFT JOIN sku k ON k.id = s.sku_id LEFT JOIN product d ON d.id = k.product_id ORDER BY s.earned DESC, s.sku_id
"""  # noqa: S608
HOP_BUYERS = f"""
SELECT s.*, p.names
FROM (SELECT h.buyer_id, {_HOP} FROM report_hop h WHERE {EARNED} GROUP BY 1 ORDER BY earned DESC, 1 LIMIT 100) s
LEFT JOIN party p ON p.id = s.buyer_id ORDER BY s.earned DESC, s.buyer_id
"""  # noqa: S608
