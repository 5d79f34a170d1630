"""The fixed statements of the stock room: one queue of free cards per batch, taken in `pos` order."""

from __future__ import annotations

STOCK_LOCKS = 7101
"""Class of the advisory locks per batch: shared by holds and claims, exclusive for a lock or recall of the batch."""

SELLABLE_BATCHES = """
SELECT f.no, f.low_pos, f.terms, f.unit_cost_micro, f.offers, pg_advisory_xact_lock_shared(7101, f.no)
FROM (
    SELECT b.no, b.terms, b.unit_cost_micro, coalesce(m.low_pos, 0) AS low_pos, p.offers, p.position,
           coalesce(m.free_count, 1) = 0 AS seems_empty, b.expires_on
    FROM (
        SELECT %(merchant)s::bigint AS owner_id, 0 AS position, '[]'::jsonb AS offers
        UNION ALL
        SELECT s.pool_owner_id, s.position,
               (SELECT jsonb_agg(jsonb_build_array(o.id, o.seller_id, o.price_micro) ORDER BY u.n)
                FROM unnest(s.offer_ids) WITH ORDINALITY u(id, n) JOIN offer o ON o.id = u.id)
        FROM source s WHERE s.merchant_id = %(merchant)s AND s.sku_id = %(sku)s
    ) p
    JOIN batch b ON b.owner_id = p.owner_id AND b.sku_id = %(sku)s AND b.state = 'selling'
    LEFT JOIN batch_mark m ON m.batch_no = b.no
    ORDER BY seems_empty, p.position, b.expires_on NULLS LAST, b.no
    LIMIT 20
) f
ORDER BY f.seems_empty, f.position, f.expires_on NULLS LAST, f.no
"""
"""Batches a merchant may sell a SKU from, best first (own stock, then its sources; earliest expiry, then oldest).

Each is locked in share mode. What the sweep saw empty comes last. `HOLD_CARDS` reads their state again after that.
"""

HOLD_CARDS = """
WITH picked AS (
    SELECT c.id
    FROM unnest(%(batches)s::int[], %(low)s::bigint[]) WITH ORDINALITY b(no, low, n)
    JOIN batch s ON s.no = b.no AND s.state = 'selling'
    CROSS JOIN LATERAL (
        SELECT card.id FROM card
        WHERE card.batch_no = b.no AND card.state = 'free' AND card.pos >= b.low
          AND (card.expires_on IS NULL OR card.expires_on >= %(usable_on)s)
        ORDER BY card.pos LIMIT %(quantity)s FOR UPDATE {wait}
    ) c
    ORDER BY b.n LIMIT %(quantity)s
)
UPDATE card SET state = 'held', line_id = %(line)s FROM picked WHERE card.id = picked.id AND card.state = 'free'
RETURNING card.batch_no
"""
"""Take up to `quantity` free cards for a line. `{wait}` is empty or SKIP LOCKED."""

HOLD_FREE_CARDS = HOLD_CARDS.format(wait="SKIP LOCKED")
HOLD_CARDS_WAITING = HOLD_CARDS.format(wait="")

AVAILABLE = """
SELECT w.sku_id, (
    SELECT count(*) FROM (
        SELECT 1
        FROM (SELECT %(merchant)s::bigint AS owner_id
              UNION SELECT s.pool_owner_id FROM source s WHERE s.merchant_id = %(merchant)s AND s.sku_id = w.sku_id) p
        JOIN batch b ON b.owner_id = p.owner_id AND b.sku_id = w.sku_id AND b.state = 'selling'
        LEFT JOIN batch_mark m ON m.batch_no = b.no
        JOIN LATERAL (
            SELECT 1 FROM card c
            WHERE c.batch_no = b.no AND c.state = 'free' AND c.pos >= coalesce(m.low_pos, 0)
              AND (c.expires_on IS NULL OR c.expires_on >= %(usable_on)s)
            LIMIT %(cap)s) c ON true
        LIMIT %(cap)s) capped)
FROM unnest(%(skus)s::bigint[]) w(sku_id)
"""
"""How many cards of each SKU a merchant can sell now, counted to `cap` at most."""

SHARE_FACTS = """
SELECT
    (SELECT coalesce(sum(h.quantity), 0) FROM hold h WHERE h.sku_id = %(sku)s AND h.state = 'open'),
    (SELECT coalesce(sum(h.quantity), 0) FROM hold h WHERE h.sku_id = %(sku)s AND h.state = 'open' AND h.stranger),
    (SELECT coalesce(sum(m.free_count), 0) FROM batch_mark m JOIN batch b ON b.no = m.batch_no
     WHERE b.sku_id = %(sku)s AND b.state = 'selling'
       AND b.owner_id IN (SELECT %(merchant)s UNION SELECT s.pool_owner_id FROM source s
                          WHERE s.merchant_id = %(merchant)s AND s.sku_id = %(sku)s)),
    (SELECT count(*) FROM (
        SELECT 1
        FROM (SELECT %(merchant)s::bigint AS owner_id
              UNION SELECT s.pool_owner_id FROM source s WHERE s.merchant_id = %(merchant)s AND s.sku_id = %(sku)s) p
        JOIN batch b ON b.owner_id = p.owner_id AND b.sku_id = %(sku)s AND b.state = 'selling'
        LEFT JOIN batch_mark m ON m.batch_no = b.no
        JOIN LATERAL (SELECT 1 FROM card c WHERE c.batch_no = b.no AND c.state = 'free'
                      AND c.pos >= coalesce(m.low_pos, 0) LIMIT %(cap)s) c ON true
        LIMIT %(cap)s) capped)
"""
"""What unpaid orders hold of a SKU (all, strangers alone), the sweep's figure of free cards, a capped exact count."""

SHARE_LOCK = "SELECT pg_advisory_xact_lock(7102, hashint8(%s))"
"""Makes the caps on held stock exact: taken per SKU only when a cap is near."""

LOCK_BATCH = "SELECT pg_advisory_xact_lock(7101, %s)"

BATCH_COUNTS = """
SELECT state, count(*) FROM card WHERE batch_no = %s GROUP BY state
"""
