"""The fixed statements of exports; each reads along an index, so that the first rows come at once."""

from __future__ import annotations

from admin.reports.asked import WHERE
from admin.reports.questions import QUALITY

_OWN = "AND (%(all)s OR {party} = %(party)s)"

ORDERS = (
    """
SELECT o.id, p.code, o.state, o.currency, o.total_minor, o.paid_minor, o.refunded_minor, o.placed_at, o.paid_at,
       o.ended_at, l.position, l.listing_code, l.names, l.quantity, l.list_price_minor, l.discount_minor, l.total_minor,
       l.gate, d.state, d.delivered_at
FROM shop_order o JOIN party p ON p.id = o.merchant_id JOIN order_line l ON l.order_id = o.id
LEFT JOIN delivery d ON d.line_id = l.id
WHERE o.id >= %(from_id)s AND o.id < %(to_id)s AND o.placed_at >= %(begin)s AND o.placed_at < %(end)s
"""
    + _OWN.format(party="o.merchant_id")
    + """
ORDER BY o.id, l.position
"""
)
"""Ids lie in the order of placing."""

SALES = (
    """
SELECT s.day, m.code, l.code, k.code, d.names, k.names, s.channel, s.terms, p.code, s.currency, s.lines, s.quantity,
       s.listed, s.discounts, s.revenue, s.refunded, s.hop_cost, s.own_cost, s.fees, s.profit, s.refunded_lines,
       s.delivered, s.within_10s, s.within_1m, s.within_10m, s.within_1h, s.failed
FROM report_sale s JOIN party m ON m.id = s.merchant_id LEFT JOIN listing l ON l.id = s.listing_id
LEFT JOIN sku k ON k.id = s.sku_id LEFT JOIN product d ON d.id = k.product_id LEFT JOIN party p ON p.id = s.supplier_id
WHERE s.day >= %(first)s AND s.day <= %(last)s
"""
    + _OWN.format(party="s.merchant_id")
    + """
ORDER BY s.day, s.merchant_id, s.listing_id, s.channel, s.terms, s.supplier_id, s.currency
"""
)
_OF_REPORT = WHERE.format(party="merchant_id") + " AND (%(currency)s = '' OR currency = %(currency)s)"
"""What the reports' pages ask for, of one currency or of each apart; no count cuts the rows."""

GOODS = f"""
SELECT s.currency, s.listing_id, l.code, d.names, k.names, s.quantity, s.revenue, s.refunded, s.profit
FROM (SELECT currency, listing_id, min(sku_id) AS sku_id, sum(quantity)::bigint AS quantity,
             sum(revenue)::bigint AS revenue, sum(refunded)::bigint AS refunded, sum(profit)::bigint AS profit
      FROM report_sale WHERE {_OF_REPORT}
        AND (%(channel)s = '' OR channel = %(channel)s) AND (%(terms)s = '' OR terms = %(terms)s)
        AND (%(supplier)s::bigint IS NULL OR supplier_id = %(supplier)s)
      GROUP BY 1, 2) s
LEFT JOIN listing l ON l.id = s.listing_id LEFT JOIN sku k ON k.id = s.sku_id
LEFT JOIN product d ON d.id = k.product_id
ORDER BY s.currency, CASE %(by)s WHEN 'quantity' THEN s.quantity WHEN 'profit' THEN s.profit ELSE s.revenue END DESC,
         s.listing_id
"""  # noqa: S608
PROFIT = f"""
SELECT currency, terms, sum(revenue)::bigint, sum(refunded)::bigint, sum(hop_cost)::bigint, sum(own_cost)::bigint,
       sum(fees)::bigint, sum(profit)::bigint
FROM report_sale WHERE {_OF_REPORT}
GROUP BY GROUPING SETS ((currency, terms), (currency)) HAVING GROUPING(terms) = 0 OR count(DISTINCT terms) > 1
ORDER BY currency, GROUPING(terms), 3 DESC, terms
"""  # noqa: S608
CHANNELS = f"""
SELECT currency, channel, {QUALITY} FROM report_sale WHERE {_OF_REPORT} GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2
"""  # noqa: S608
SUPPLIERS = f"""
SELECT s.currency, s.terms, p.names, s.sold, s.delivered, s.within_10s, s.within_1m, s.within_10m, s.within_1h,
       s.failed, s.refunded, s.revenue, s.profit
FROM (SELECT currency, terms, supplier_id, {QUALITY} FROM report_sale WHERE {_OF_REPORT} GROUP BY 1, 2, 3) s
LEFT JOIN party p ON p.id = s.supplier_id ORDER BY s.currency, s.sold DESC, s.terms, s.supplier_id
"""  # noqa: S608
HOPS = (
    """
SELECT h.day, b.code, k.code, d.names, k.names, h.currency, sum(h.lines)::bigint, sum(h.cards)::bigint,
       sum(h.earned)::bigint, sum(h.returned)::bigint, sum(h.refunded_lines)::bigint, sum(h.delivered)::bigint,
       sum(h.late)::bigint, sum(h.failed)::bigint
FROM report_hop h LEFT JOIN party b ON b.id = h.buyer_id LEFT JOIN sku k ON k.id = h.sku_id
LEFT JOIN product d ON d.id = k.product_id
WHERE h.day >= %(first)s AND h.day <= %(last)s
"""
    + _OWN.format(party="h.seller_id")
    + """
GROUP BY h.day, b.code, k.code, d.names, k.names, h.currency ORDER BY h.day, k.code, b.code, h.currency
"""
)
AUDIT = (
    """
SELECT a.id, a.at, a.actor_kind, a.actor_id, p.code, a.action, a.object_kind, a.object_id, a.detail::text
FROM audit_entry a LEFT JOIN party p ON p.id = a.party_id
WHERE a.id >= %(from_entry)s AND a.id < %(to_entry)s AND a.at >= %(begin)s AND a.at < %(end)s
"""
    + _OWN.format(party="a.party_id")
    + """
ORDER BY a.id
"""
)
BATCHES = """
SELECT b.id, k.code, o.code, s.code, b.terms, b.state, b.source_name, b.card_count, b.expires_on, b.created_at,
       b.finished_at
FROM batch b JOIN sku k ON k.id = b.sku_id LEFT JOIN party o ON o.id = b.owner_id
LEFT JOIN party s ON s.id = b.supplier_id
WHERE b.created_at >= %(begin)s AND b.created_at < %(end)s AND (%(all)s OR %(party)s IN (b.owner_id, b.supplier_id))
ORDER BY b.no
"""
