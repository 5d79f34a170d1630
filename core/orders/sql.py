"""The fixed statements of the order path (performance.md: the query builder costs more than PostgreSQL here)."""

from __future__ import annotations

PLACE_FACTS = """
SELECT c.merchant_id, c.shopper_id, c.identity_id, c.chat_address, s.paid_orders, m.fee_basis_points,
       l.id, l.code, l.sku_id, l.price_minor, l.currency, l.version, l.maximum_quantity,
       l.on_sale AND k.archived_at IS NULL AND p.archived_at IS NULL,
       p.names, k.names, k.minimum_life_days, m.status, (SELECT id FROM party WHERE kind = 'platform'),
       (SELECT NOT v.open FROM vault_state v), p.kind, x.plan_id, x.count, x.unit,
       pg_advisory_xact_lock(7104, hashtext(%(network)s)), s.blocked_at IS NOT NULL
FROM conversation c
JOIN shopper s ON s.id = c.shopper_id
JOIN party m ON m.id = c.merchant_id
LEFT JOIN listing l ON l.merchant_id = c.merchant_id AND l.id = ANY (%(listings)s)
LEFT JOIN sku k ON k.id = l.sku_id
LEFT JOIN product p ON p.id = k.product_id
LEFT JOIN plan_period x ON x.sku_id = k.id
WHERE c.id = %(conversation)s AND c.shopper_id = %(shopper)s AND c.merchant_id = %(merchant)s AND s.merged_into IS NULL
FOR NO KEY UPDATE OF s
"""
"""Everything about the shopper and the wanted listings; locks the shopper, then the network that it comes from.

So one shopper's orders, and those of one network, are counted one after another, and none is placed for a shopper who
became part of another while this waited. What is counted is read by a later
statement, which sees what the locks waited for.
"""

UNPAID = """
SELECT (SELECT count(*) FROM shop_order WHERE shopper_id = %(shopper)s AND state = 'awaiting_payment'),
       (SELECT count(*) FROM (SELECT 1 FROM shop_order WHERE merchant_id = %(merchant)s AND network = %(network)s
                              AND state = 'awaiting_payment' LIMIT 1000) n),
       (SELECT jsonb_object_agg(a.kind || ' ' || a.holder, a.id) FROM account a
        WHERE a.counterparty = 'party:' || %(merchant)s::bigint AND a.currency = %(currency)s AND NOT a.bounded),
       (SELECT t.account_id FROM trade_account t JOIN party p ON p.id = t.creditor_id AND p.kind = 'platform'
        WHERE t.debtor_id = %(merchant)s AND t.currency = %(currency)s)
"""
"""Unpaid orders of the shopper and of the network, the accounts on which shares of this merchant are booked, and its
trade account with the platform, if any."""

INSERT_ORDER = """
WITH o AS (
    INSERT INTO shop_order (id, merchant_id, shopper_id, identity_id, conversation_id, chat_address, state, currency,
        total_minor, stranger, network, risk, seal, access_hash, placed_at, deadline)
    VALUES (%(order)s, %(merchant)s, %(shopper)s, %(identity)s, %(conversation)s, %(chat_address)s, 'awaiting_payment',
        %(currency)s, %(total)s, %(stranger)s, %(network)s, %(risk)s, %(seal)s, %(access_hash)s, %(now)s, %(deadline)s)
), l AS (
    INSERT INTO order_line (id, order_id, merchant_id, position, listing_id, sku_id, listing_code, names, quantity,
        list_price_minor, discount_minor, total_minor, reasons, gate, plan_id, plan_count, plan_unit)
    SELECT x.id, %(order)s, %(merchant)s, x.position, x.listing_id, x.sku_id, x.listing_code, x.names, x.quantity,
        x.list_price_minor, x.discount_minor, x.total_minor, x.reasons, x.gate, x.plan_id, x.plan_count, x.plan_unit
    FROM jsonb_to_recordset(%(lines)s) AS x(id uuid, position smallint, listing_id bigint, sku_id bigint,
        listing_code text, names jsonb, quantity integer, list_price_minor bigint, discount_minor bigint,
        total_minor bigint, reasons jsonb, gate text, plan_id bigint, plan_count integer, plan_unit text)
), h AS (
    INSERT INTO hold (id, line_id, order_id, sku_id, quantity, stranger, state, created_at, expires_at)
    SELECT x.hold_id, x.id, %(order)s, x.sku_id, x.quantity, %(stranger)s, 'open', %(now)s, %(deadline)s
    FROM jsonb_to_recordset(%(lines)s) AS x(hold_id uuid, id uuid, sku_id bigint, quantity integer)
), s AS (
    INSERT INTO line_share (hold_id, line_id, position, role, party_id, account_id, offer_id, amount_minor, reason)
    SELECT x.hold_id, x.line_id, x.position, x.role, x.party_id, x.account_id, x.offer_id, x.amount_minor, x.reason
    FROM jsonb_to_recordset(%(shares)s) AS x(hold_id uuid, line_id uuid, position smallint, role text, party_id bigint,
        account_id bigint, offer_id bigint, amount_minor bigint, reason text)
), t AS (
    INSERT INTO trade_hold (hold_id, line_id, position, account_id, offer_id, amount, state)
    SELECT x.hold_id, x.line_id, x.position, x.account_id, x.offer_id, x.amount, 'open'
    FROM jsonb_to_recordset(%(trades)s) AS x(hold_id uuid, line_id uuid, position smallint, account_id bigint,
        offer_id bigint, amount bigint)
)
INSERT INTO audit_entry (at, actor_kind, actor_id, party_id, action, object_kind, object_id, detail)
VALUES (%(now)s, %(actor_kind)s, %(actor_id)s, %(merchant)s, 'order.placed', 'order', %(public)s, '{}')
"""
"""The order with its lines, holds, shares, costs along the chain and audit entry, in one round trip."""

HOLD_AGAIN = """
WITH h AS (
    INSERT INTO hold (id, line_id, order_id, sku_id, quantity, stranger, state, created_at, expires_at)
    VALUES (%(hold)s, %(line)s, %(order)s, %(sku)s, %(quantity)s, %(stranger)s, 'open', %(now)s, %(now)s)
), t AS (
    INSERT INTO trade_hold (hold_id, line_id, position, account_id, offer_id, amount, state)
    SELECT %(hold)s, %(line)s, x.position, x.account_id, x.offer_id, x.amount, 'open'
    FROM jsonb_to_recordset(%(trades)s) AS x(position smallint, account_id bigint, offer_id bigint, amount bigint)
)
INSERT INTO line_share (hold_id, line_id, position, role, party_id, account_id, offer_id, amount_minor, reason)
SELECT %(hold)s, %(line)s, x.position, x.role, x.party_id, x.account_id, x.offer_id, x.amount_minor, x.reason
FROM jsonb_to_recordset(%(shares)s) AS x(position smallint, role text, party_id bigint,
    account_id bigint, offer_id bigint, amount_minor bigint, reason text)
"""
"""A second hold for a line whose first one ended before its money came, with the shares of the cards held now."""

LOCK_ORDER = """
SELECT state, total_minor, currency, merchant_id, shopper_id, conversation_id, paid_minor, refunded_minor, deadline,
       (SELECT m.status = 'active' FROM party m WHERE m.id = merchant_id)
FROM shop_order WHERE id = %s FOR NO KEY UPDATE
"""

CAPTURE = """
WITH o AS (
    UPDATE shop_order SET state = 'paid', paid_at = %(now)s, paid_minor = paid_minor + %(paid)s, ended_at = NULL
    WHERE id = %(order)s AND state = ANY (%(states)s)
    RETURNING id, shopper_id, conversation_id
), h AS (
    UPDATE hold SET state = 'captured', settled_at = %(now)s FROM o
    WHERE hold.order_id = o.id AND hold.state = 'open' RETURNING hold.id, hold.line_id, hold.quantity
), c AS (
    UPDATE card SET state = 'claimed' WHERE line_id = ANY (ARRAY(SELECT line_id FROM h)) AND state = 'held' RETURNING 1
), d AS (
    INSERT INTO delivery (line_id, order_id, state, lease_until, created_at)
    SELECT l.id, l.order_id, CASE l.gate WHEN 'none' THEN 'ready' ELSE 'waiting' END, %(now)s, %(now)s
    FROM order_line l JOIN h ON h.line_id = l.id
    RETURNING id, state, (SELECT x.gate FROM order_line x WHERE x.id = delivery.line_id) AS gate
), s AS (
    UPDATE shopper SET paid_orders = paid_orders + 1 FROM o WHERE shopper.id = o.shopper_id
), a AS (
    INSERT INTO audit_entry (at, actor_kind, party_id, action, object_kind, object_id)
    SELECT %(now)s, 'system', %(merchant)s, 'order.paid', 'order', %(public)s FROM o
)
SELECT (SELECT count(*) FROM o), (SELECT coalesce(sum(quantity), 0) FROM h),
       (SELECT count(*) FROM c) + (SELECT count(*) FROM d WHERE gate = 'supply')
           + (SELECT coalesce(sum(quantity), 0) FROM order_line WHERE order_id = %(order)s AND plan_id IS NOT NULL)
           + (SELECT count(*) FROM card WHERE state = 'quarantined' AND line_id = ANY (ARRAY(
                  SELECT x.id FROM order_line x WHERE x.order_id = %(order)s AND x.gate = 'review'))),
       (SELECT sum(quantity) FROM order_line WHERE order_id = %(order)s),
       (SELECT array_agg(id) FROM d WHERE state = 'ready'), (SELECT array_agg(id) FROM h),
       EXISTS (SELECT 1 FROM trade_hold WHERE hold_id = ANY (ARRAY(SELECT id FROM h))),
       EXISTS (SELECT 1 FROM d WHERE gate = 'supply')
"""
"""Order paid, holds captured, cards claimed, deliveries made. The caller compares the four counts and rolls back
unless every ordered card is claimed, or its line of one is for a supplier to bring, or it is a membership, which has
none, or it was set aside and its line waits for a person: after a restore, because it went out before. The last
columns say whether trade accounts have a part in it, and whether suppliers.

Cards are found by their lines as an array: as a join, statistics from before a rush let PostgreSQL read every sold
card."""

BOOK_SHARES = """
INSERT INTO transfer (debit_id, credit_id, amount, currency, code, reference, line_id, at)
SELECT CASE WHEN s.amount_minor > 0 THEN %(source)s ELSE s.account_id END,
       CASE WHEN s.amount_minor > 0 THEN s.account_id ELSE %(source)s END,
       abs(s.amount_minor), %(currency)s, 'sale', %(order)s, s.line_id, %(now)s
FROM line_share s WHERE s.hold_id = ANY (%(holds)s)
"""
"""Every party's share of a settled order; a negative share (a sale below cost) is taken from its account instead."""

END_UNPAID = """
WITH o AS (
    UPDATE shop_order SET state = %(state)s, ended_at = %(now)s
    WHERE id = ANY (%(orders)s) AND state = 'awaiting_payment' RETURNING id, conversation_id, merchant_id
), h AS (
    UPDATE hold SET state = %(hold_state)s, settled_at = %(now)s FROM o
    WHERE hold.order_id = o.id AND hold.state = 'open' RETURNING hold.id, hold.line_id
), t AS (
    UPDATE trade_hold SET state = %(hold_state)s, released = amount, settled_at = %(now)s
    WHERE hold_id = ANY (ARRAY(SELECT id FROM h)) AND state = 'open' RETURNING account_id, amount
), c AS (
    UPDATE card SET state = 'free', line_id = NULL, pos = nextval('card_pos')
    WHERE line_id = ANY (ARRAY(SELECT line_id FROM h)) AND state = 'held' RETURNING 1
), a AS (
    INSERT INTO audit_entry (at, actor_kind, actor_id, party_id, action, object_kind, object_id)
    SELECT %(now)s, %(actor_kind)s, %(actor_id)s, o.merchant_id, 'order.' || %(state)s, 'order', o.id::text FROM o
)
SELECT id, conversation_id, (
    SELECT jsonb_object_agg(account_id, amount) FROM (SELECT account_id, sum(amount) AS amount FROM t GROUP BY 1) s)
FROM o
"""
"""Unpaid orders end: their cards go to the tail of their batches' queues. Each row brings what all of them together had
set aside on trade accounts, which the caller lets go at the end."""

DUE = """
SELECT id FROM shop_order WHERE state = 'awaiting_payment' AND deadline <= %(now)s
ORDER BY deadline LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
"""

ORDER_VIEW = """
SELECT o.id, o.merchant_id, o.shopper_id, o.conversation_id, o.state, o.total_minor, o.currency, o.paid_minor,
       o.refunded_minor, o.placed_at, o.deadline, o.paid_at,
       l.id, l.listing_id, l.listing_code, l.names, l.quantity, l.list_price_minor, l.total_minor, l.gate,
       d.id, d.state, l.plan_id IS NOT NULL
FROM ({chosen}) o
JOIN order_line l ON l.order_id = o.id
LEFT JOIN delivery d ON d.line_id = l.id
ORDER BY o.placed_at DESC, o.id, l.position
"""

ORDERS_OF_SHOPPER = ORDER_VIEW.format(
    chosen="SELECT * FROM shop_order WHERE shopper_id = %(shopper)s ORDER BY placed_at DESC LIMIT %(limit)s"
)
ORDER_OF_SHOPPER = ORDER_VIEW.format(
    chosen="SELECT * FROM shop_order WHERE id = %(order)s AND shopper_id = %(shopper)s"
)
ORDER_OF_SUBMISSION = """
SELECT reference FROM submission WHERE merchant_id = %s AND caller = %s AND operation = 'order.place' AND key = %s
"""
ORDER_BY_TOKEN = ORDER_VIEW.format(chosen="SELECT * FROM shop_order WHERE access_hash = %(hash)s")

BEGIN_SENDING = """
UPDATE delivery d SET state = 'sending', attempts = d.attempts + 1, lease_until = %(lease)s
FROM order_line l, shop_order o
WHERE d.id = %(delivery)s AND l.id = d.line_id AND o.id = d.order_id AND o.state = 'paid' AND l.gate = 'none'
  AND (d.state = 'ready' OR (d.state IN ('sending', 'unknown') AND d.lease_until <= %(now)s))
RETURNING d.line_id, d.order_id, d.attempts, o.conversation_id, o.chat_address, o.merchant_id, l.listing_code,
          l.listing_id, l.quantity,
          EXISTS (SELECT 1 FROM order_line x WHERE x.order_id = d.order_id AND x.id <> d.line_id),
          EXISTS (SELECT 1 FROM card c JOIN batch b ON b.no = c.batch_no
                  WHERE c.line_id = d.line_id AND c.state = 'claimed' AND c.opened_at IS NULL
                    AND (b.state = 'recalled' OR c.expires_on < %(today)s)),
          l.plan_id IS NOT NULL
"""
"""Take a delivery for one sender until its lease ends; nobody else sends it meanwhile. The last columns say whether a
card of it must not be handed over any more, and whether it is a membership, which has no cards."""

FINISH_SENDING = """
WITH d AS (
    UPDATE delivery SET state = 'delivered', delivered_at = %(now)s, lease_until = NULL, last_problem = NULL
    WHERE id = %(delivery)s AND state = 'sending' AND attempts = %(attempts)s RETURNING id, line_id, order_id
), c AS (
    UPDATE card SET state = 'delivered', delivered_at = %(now)s
    WHERE line_id = ANY (ARRAY(SELECT line_id FROM d)) AND state = 'claimed' RETURNING 1
), o AS (
    UPDATE shop_order SET state = 'closed', ended_at = %(now)s FROM d
    WHERE shop_order.id = d.order_id AND shop_order.state = 'paid' AND NOT EXISTS (
        SELECT 1 FROM delivery x
        WHERE x.order_id = d.order_id AND x.id <> d.id AND x.state NOT IN ('delivered', 'failed'))
), a AS (
    INSERT INTO audit_entry (at, actor_kind, party_id, action, object_kind, object_id, detail)
    SELECT %(now)s, 'system', %(merchant)s, 'order.delivered', 'order', %(public)s, '{}' FROM d
)
SELECT (SELECT count(*) FROM d), (SELECT count(*) FROM c)
"""

PUT_BACK = """
UPDATE delivery SET state = %(state)s, lease_until = %(lease)s, last_problem = %(problem)s
WHERE id = %(delivery)s AND state = 'sending' AND attempts = %(attempts)s
"""

GATE_FOR_REVIEW = """
WITH d AS (
    UPDATE delivery SET state = 'waiting', lease_until = NULL, last_problem = %(problem)s
    WHERE id = %(delivery)s AND state = 'sending' AND attempts = %(attempts)s RETURNING line_id
), l AS (
    UPDATE order_line SET gate = 'review', gate_reason = %(problem)s FROM d WHERE order_line.id = d.line_id RETURNING 1
)
INSERT INTO audit_entry (at, actor_kind, party_id, action, object_kind, object_id, detail)
SELECT %(now)s, 'system', %(merchant)s, 'line.held_for_review', 'order', %(public)s,
       jsonb_build_object('reason', %(problem)s::text) FROM l
"""

IN_REVIEW = """
SELECT o.id, l.position, l.listing_code, l.quantity, l.gate_reason, o.paid_at, m.code,
       CASE WHEN l.plan_id IS NULL THEN l.quantity - (
           SELECT count(*) FROM card c WHERE c.line_id = l.id AND c.state IN ('claimed', 'delivered')) ELSE 0 END
FROM order_line l JOIN shop_order o ON o.id = l.order_id JOIN party m ON m.id = o.merchant_id
WHERE l.gate = 'review' AND o.state = 'paid' ORDER BY o.paid_at, o.id, l.position
"""
"""Paid lines that wait for a person, oldest first, with how many of their cards are missing (set aside as broken)."""

RELEASE = """
WITH l AS (
    UPDATE order_line SET gate = 'none', gate_reason = NULL
    WHERE order_id = %(order)s AND gate = 'review' RETURNING id
), d AS (
    UPDATE delivery SET state = 'ready', lease_until = %(now)s, last_problem = NULL FROM l
    WHERE delivery.line_id = l.id AND delivery.state = 'waiting' RETURNING delivery.id
)
SELECT array_agg(d.id) FROM d
"""
