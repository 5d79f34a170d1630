"""The fixed statements of the stock room: one queue of free cards per batch, taken in `pos` order."""

from __future__ import annotations

STOCK_LOCKS = 7101
"""Class of the advisory locks per batch: shared by holds and claims, exclusive for a lock or recall of the batch."""

POOLS = """
        SELECT %(merchant)s::bigint AS owner_id, 0 AS position, '[]'::jsonb AS offers
        UNION ALL
        SELECT s.pool_owner_id, s.position,
               (SELECT jsonb_agg(jsonb_build_array(o.id, o.seller_id, o.price_micro, t.account_id, o.currency,
                                                   coalesce(a.balance - a.aside - a.floor, 0)) ORDER BY u.n)
                FROM unnest(s.offer_ids) WITH ORDINALITY u(id, n) JOIN offer o ON o.id = u.id
                LEFT JOIN trade_account t ON t.creditor_id = o.seller_id AND t.debtor_id = o.buyer_id
                                         AND t.currency = o.currency
                LEFT JOIN account a ON a.id = t.account_id)
        FROM source s WHERE s.merchant_id = %(merchant)s AND s.sku_id = %(sku)s"""
"""The pools that a merchant may sell a SKU from: its own stock, then its sources, each with the offers down from it and
what is left on the trade account of each hop (minor units; without an account nothing)."""

LOCK_TRADE = """
SELECT a.id FROM account a
WHERE a.id IN (
    SELECT t.account_id FROM source s CROSS JOIN LATERAL unnest(s.offer_ids) u(id) JOIN offer o ON o.id = u.id
    JOIN trade_account t ON t.creditor_id = o.seller_id AND t.debtor_id = o.buyer_id AND t.currency = o.currency
    WHERE s.merchant_id = %(merchant)s AND s.sku_id = %(sku)s)
ORDER BY a.id FOR NO KEY UPDATE
"""
"""Lets nobody else hold on the trade accounts of a SKU's sources until the transaction ends."""

BATCHES_AT_ONCE = 20

SELLABLE_BATCHES = f"""
SELECT f.no, f.low_pos, f.terms, f.unit_cost_micro, f.offers, f.free_count,
       pg_advisory_xact_lock_shared({STOCK_LOCKS}, f.no)
FROM (
    SELECT b.no, b.terms, b.unit_cost_micro, m.low_pos, m.free_count, p.offers, p.position, b.expires_on
    FROM ({POOLS}) p
    JOIN batch b ON b.owner_id = p.owner_id AND b.sku_id = %(sku)s AND b.state = 'selling' AND b.no <> ALL (%(seen)s)
    CROSS JOIN LATERAL (
        SELECT coalesce(max(k.low_pos), 0) AS low_pos, coalesce(max(k.free_count), b.card_count) AS free_count
        FROM batch_mark k WHERE k.batch_no = b.no) m
    WHERE EXISTS (
        SELECT 1 FROM card c WHERE c.batch_no = b.no AND c.state = 'free' AND c.pos >= m.low_pos
        AND (c.expires_on IS NULL OR c.expires_on >= %(usable_on)s))
    ORDER BY p.position, b.expires_on NULLS LAST, b.no
    LIMIT {BATCHES_AT_ONCE}
) f
ORDER BY f.position, f.expires_on NULLS LAST, f.no
"""  # noqa: S608 - its parts are constants of this file
"""Batches with a card that can be sold now, best first: own stock before sources, earliest expiry, then oldest.

Each is locked in share mode; `HOLD_CARDS` reads its state again after that. Batches in `seen` are left out.
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

LET_GO = "UPDATE card SET state = 'free', line_id = NULL WHERE line_id = %s AND state = 'held'"
"""What was held in this very transaction goes back to its place."""

AVAILABLE = """
WITH pool AS (
    SELECT w.sku_id, %(merchant)s::bigint AS owner_id, NULL::bigint AS last_offer, %(cap)s::numeric AS room
    FROM unnest(%(skus)s::bigint[]) w(sku_id)
    UNION ALL
    SELECT s.sku_id, s.pool_owner_id, s.offer_ids[cardinality(s.offer_ids)],
           (SELECT min(CASE WHEN o.price_micro = 0 THEN %(cap)s ELSE least(%(cap)s, div(
                coalesce(a.balance - a.aside - a.floor, 0) * 10::numeric ^ (6 - c.exponent), o.price_micro)) END)
            FROM unnest(s.offer_ids) u(id) JOIN offer o ON o.id = u.id JOIN currency c ON c.code = o.currency
            LEFT JOIN trade_account t ON t.creditor_id = o.seller_id AND t.debtor_id = o.buyer_id
                                     AND t.currency = o.currency
            LEFT JOIN account a ON a.id = t.account_id)
    FROM source s WHERE s.merchant_id = %(merchant)s AND s.sku_id = ANY (%(skus)s::bigint[])
), counted AS (
    SELECT p.sku_id, p.last_offer, p.room, (
        SELECT count(*) FROM (
            SELECT 1
            FROM batch b LEFT JOIN batch_mark m ON m.batch_no = b.no
            JOIN LATERAL (
                SELECT 1 FROM card c
                WHERE c.batch_no = b.no AND c.state = 'free' AND c.pos >= coalesce(m.low_pos, 0)
                  AND (c.expires_on IS NULL OR c.expires_on >= %(usable_on)s)
                LIMIT %(cap)s) c ON true
            WHERE b.owner_id = p.owner_id AND b.sku_id = p.sku_id AND b.state = 'selling'
            LIMIT %(cap)s) capped) AS cards
    FROM pool p WHERE p.room > 0
), reached AS (
    SELECT sku_id, CASE WHEN min(room) >= %(cap)s THEN sum(cards) ELSE max(least(cards, room)) END AS cards
    FROM counted GROUP BY sku_id, last_offer
), here AS (
    SELECT sku_id, sum(cards) AS cards FROM reached GROUP BY sku_id
    UNION ALL
    SELECT p.sku_id, max(least(q.cards, p.room, 10)) FROM pool p
    JOIN supplier_quota q ON q.party_id = p.owner_id AND q.sku_id = p.sku_id AND p.last_offer IS NOT NULL
    WHERE p.room > 0 GROUP BY p.sku_id
    UNION ALL
    SELECT sku_id, %(cap)s FROM plan_period WHERE sku_id = ANY (%(skus)s::bigint[])
)
SELECT sku_id, least(max(cards), %(cap)s)::int FROM here
WHERE NOT EXISTS (SELECT 1 FROM vault_state WHERE NOT open) GROUP BY sku_id
"""
"""How many cards of each SKU a merchant can sell now, counted to `cap` at most; no row while the vault opens none.

What suppliers that are asked over the network bring is no card yet: a line has all from stock or all from one of them
(ten at most, `core.supply.rules`), so that the greater figure counts.

Never above the truth: of pools behind the same last hop whose trade accounts do not reach for `cap` cards, the best one
alone counts. Of a membership there is always enough.
"""

HANDS_OUT = "SELECT NOT EXISTS (SELECT 1 FROM vault_state WHERE NOT open)"

SHARE_FACTS = """
WITH pool AS (
    SELECT %(merchant)s::bigint AS owner_id
    UNION SELECT s.pool_owner_id FROM source s WHERE s.merchant_id = %(merchant)s AND s.sku_id = %(sku)s
), selling AS (
    SELECT b.no, coalesce(m.low_pos, 0) AS low_pos, coalesce(m.free_count, 0) AS free_count
    FROM pool JOIN batch b ON b.owner_id = pool.owner_id AND b.sku_id = %(sku)s AND b.state = 'selling'
    LEFT JOIN batch_mark m ON m.batch_no = b.no
), held AS (
    SELECT count(*) AS cards, count(*) FILTER (WHERE h.stranger) AS strangers
    FROM hold h JOIN card c ON c.line_id = h.line_id AND c.state = 'held'
    WHERE h.sku_id = %(sku)s AND h.state = 'open' AND c.owner_id IN (SELECT owner_id FROM pool)
)
SELECT held.cards, held.strangers, (SELECT coalesce(sum(free_count), 0) FROM selling),
    (SELECT count(*) FROM (
        SELECT 1 FROM selling s
        JOIN LATERAL (
            SELECT 1 FROM card c WHERE c.batch_no = s.no AND c.state = 'free' AND c.pos >= s.low_pos
            AND (c.expires_on IS NULL OR c.expires_on >= %(usable_on)s) LIMIT %(cap)s) c ON true
        LIMIT %(cap)s) capped)
FROM held
"""
"""Of the pools that a merchant sells a SKU from: cards that unpaid orders hold (all, strangers'), the sweep's figure of
free cards, a capped exact count of those that can be sold. Holds on other parties' pools do not count."""

SHARE_LOCK = "SELECT pg_advisory_xact_lock(7102, hashint8(%s))"
"""Makes the caps on held stock exact: taken per SKU only when a cap is near."""

LOCK_BATCH = "SELECT pg_advisory_xact_lock(7101, %s)"

BATCH_COUNTS = """
SELECT state, count(*) FROM card WHERE batch_no = %s GROUP BY state
"""
