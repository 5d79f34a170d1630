"""The fixed statements of the custodian: openings in three round trips."""

from __future__ import annotations

NOTICE = """
g.id, g.gateway, g.opaque_id, encode(e.body, 'base64'), e.headers,
CASE WHEN c.external_id IS NOT NULL THEN jsonb_build_array(
    c.external_id, c.merchant_id, c.payment_id, c.payer, c.amount_minor, c.currency, encode(c.proof, 'base64')) END,
CASE WHEN p.worth_minor IS NOT NULL THEN jsonb_build_array(
    p.id, p.order_id, p.merchant_id, p.sealed_for, p.gateway_account_id, p.amount_minor, p.currency,
    p.worth_minor, p.worth_currency, p.rate_minor, p.rate_units, encode(p.seal, 'base64')) END
"""
"""One event as evidence: its account, the gateway's own bytes, what the worker confirmed of it, and the exchange that
its payment was sealed with."""

DELIVERY = f"""
SELECT d.state, l.id, l.sku_id, l.quantity, l.gate, o.id, o.merchant_id, o.shopper_id, o.identity_id, o.chat_address,
       o.state, o.currency, o.total_minor, o.seal,
       (SELECT jsonb_agg(jsonb_build_array(x.id, x.sku_id, x.quantity, x.total_minor))
        FROM order_line x WHERE x.order_id = o.id),
       (SELECT jsonb_agg(jsonb_build_array(p.id, p.rail, p.amount_minor, p.currency))
        FROM payment p WHERE p.order_id = o.id AND p.succeeded_at IS NOT NULL),
       (SELECT jsonb_agg(jsonb_build_array({NOTICE}))
        FROM payment_event e JOIN payment p ON p.id = e.payment_id JOIN gateway_account g ON g.id = e.gateway_account_id
        LEFT JOIN payment_confirmation c
            ON c.gateway_account_id = e.gateway_account_id AND c.external_id = e.external_id
        WHERE p.order_id = o.id AND e.kind = 'paid' AND coalesce(e.resolution, e.booked_to) = 'order'),
       (SELECT jsonb_agg(jsonb_build_array(s.id, encode(s.answer_public_key, 'base64'), s.expires_at,
                                            encode(s.seal, 'base64')))
        FROM (SELECT s.id, s.answer_public_key, s.expires_at, s.seal
              FROM chat_session s JOIN conversation c ON c.id = s.conversation_id
              WHERE CASE WHEN %(reader)s::uuid IS NULL
                         THEN c.identity_id = o.identity_id AND c.chat_address = o.chat_address
                         ELSE c.id = %(reader)s END
                AND s.expires_at > %(now)s
                AND (c.chat_address LIKE 'web:%%'
                     OR c.chat_address LIKE 'wechat:%%' AND s.expires_at < %(now)s + interval '15 minutes')
              ORDER BY s.created_at DESC LIMIT 20) s),
       (SELECT jsonb_build_array(c.identity_id, c.chat_address) FROM conversation c WHERE c.id = %(reader)s),
       (SELECT count(*) FROM audit_entry a WHERE a.object_kind = 'line' AND a.object_id = l.id::text
          AND a.action = 'cards.read_again' AND a.at > %(now)s - interval '1 hour'),
       (SELECT CASE WHEN count(*) >= 7 THEN percentile_disc(0.5) WITHIN GROUP (ORDER BY day.most) END
        FROM (SELECT max(b.opened) AS most FROM opening_budget b
              WHERE b.merchant_id = o.merchant_id AND b.sku_id = l.sku_id
                AND b.hour BETWEEN %(now)s - interval '28 days' AND %(now)s - interval '1 day'
              GROUP BY b.hour::date) day)
FROM delivery d JOIN order_line l ON l.id = d.line_id JOIN shop_order o ON o.id = l.order_id
WHERE d.id = %(delivery)s
"""  # noqa: S608 - constants of this module only
"""One delivery with all that proves it: its order and lines as sealed, payments, the notices booked to it byte for
byte (late money that nobody decided about is kept for what it will pay), the chat sessions that may read it (of the
chat that ordered, or of the one that asks: a page of ours has long ones, a reply or page of WeChat those of some
minutes, and no other chat has any), whose chat that is, how often it was read again lately, and the usual peak of
openings in an hour."""

CARDS_OF_LINE = """
SELECT c.id, c.state, c.mask, c.opened_at IS NOT NULL, s.sealed,
       b.id, b.no, b.state, b.owner_id, b.sku_id, b.card_count, b.source_hash, k.sealed_dek, k.signature,
       k.next_sealed_dek, k.next_signature, s.fingerprint
FROM card c JOIN card_seal s ON s.card_id = c.id JOIN batch b ON b.no = c.batch_no JOIN batch_key k ON k.batch_no = b.no
WHERE c.line_id = %s ORDER BY c.pos, c.id
"""

WALLET_USE = """wallet AS (
    INSERT INTO wallet_use AS w (order_id, holder, amount, currency, at)
    SELECT %(paid_order)s::uuid, (%(holders)s::text[])[1], %(wallet_amount)s::bigint, %(paid_currency)s, %(now)s
    WHERE %(wallet_amount)s::bigint > 0 AND %(wallet_amount)s::bigint + (
        SELECT coalesce(sum(x.amount), 0) FROM wallet_use x WHERE x.holder = ANY (%(holders)s)
          AND x.currency = %(paid_currency)s AND x.order_id <> %(paid_order)s) <= %(filled)s::bigint
    ON CONFLICT (order_id) DO UPDATE SET amount = greatest(w.amount, excluded.amount)
    RETURNING 1
)"""
"""What a wallet gives for an order, once, and not more in all than came into it; after `WALLETS_TURN`."""

RECORD_OPENING = f"""
WITH budget AS (
    INSERT INTO opening_budget AS b (merchant_id, sku_id, hour, opened)
    SELECT %(merchant)s, %(sku)s, date_trunc('hour', %(now)s::timestamptz), %(fresh_count)s
    WHERE %(fresh_count)s::int BETWEEN 1 AND %(limit)s::int
    ON CONFLICT (merchant_id, sku_id, hour) DO UPDATE SET opened = b.opened + excluded.opened
        WHERE b.opened + excluded.opened <= %(limit)s
    RETURNING 1
), pool AS (
    SELECT x.owner, x.cards, greatest(%(pool_limit)s::int, CASE WHEN %(grows)s THEN %(pool_times)s * (
        SELECT CASE WHEN count(*) >= 7 THEN percentile_disc(0.5) WITHIN GROUP (ORDER BY day.most) END
        FROM (SELECT max(b.opened) AS most FROM pool_budget b
              WHERE b.owner_id = x.owner AND b.sku_id = %(sku)s
                AND b.hour BETWEEN %(now)s - interval '28 days' AND %(now)s - interval '1 day'
              GROUP BY b.hour::date) day) END) AS most
    FROM unnest(%(owners)s::bigint[], %(owner_cards)s::int[]) AS x(owner, cards)
), pooled AS (
    INSERT INTO pool_budget AS p (owner_id, sku_id, hour, opened, free)
    SELECT owner, %(sku)s, date_trunc('hour', %(now)s::timestamptz), cards, CASE WHEN %(free)s THEN cards ELSE 0 END
    FROM pool WHERE cards <= most AND (NOT %(free)s OR cards <= %(free_limit)s::int) ORDER BY owner
    ON CONFLICT (owner_id, sku_id, hour) DO UPDATE
        SET opened = p.opened + excluded.opened, free = p.free + excluded.free
        WHERE p.opened + excluded.opened <= (SELECT most FROM pool WHERE owner = excluded.owner_id)
          AND (excluded.free = 0 OR p.free + excluded.free <= %(free_limit)s)
    RETURNING 1
), reading AS (
    INSERT INTO reading_budget AS r (merchant_id, hour, cards)
    SELECT %(merchant)s, date_trunc('hour', %(now)s::timestamptz), %(again_count)s
    WHERE %(again_count)s::int BETWEEN 1 AND %(again_limit)s::int
    ON CONFLICT (merchant_id, hour) DO UPDATE SET cards = r.cards + excluded.cards
        WHERE r.cards + excluded.cards <= %(again_limit)s
    RETURNING 1
), used AS (
    INSERT INTO evidence_use AS u (evidence, used_for)
    SELECT x.evidence, x.used_for FROM unnest(%(evidence)s::text[], %(used_for)s::text[]) AS x(evidence, used_for)
    ORDER BY x.evidence
    ON CONFLICT (evidence) DO UPDATE SET used_for = u.used_for RETURNING evidence, used_for
), {WALLET_USE}, due AS (
    SELECT d.id FROM delivery d JOIN order_line l ON l.id = d.line_id
    WHERE d.line_id = %(line)s AND d.state = 'sending' AND l.gate = 'none' FOR NO KEY UPDATE OF d
), opened AS (
    UPDATE card SET opened_at = %(now)s
    WHERE id = ANY (%(fresh)s::uuid[]) AND line_id = %(line)s AND state = 'claimed' AND opened_at IS NULL
      AND EXISTS (SELECT 1 FROM due) RETURNING 1
), audit AS (
    INSERT INTO audit_entry (at, actor_kind, actor_id, party_id, action, object_kind, object_id, detail)
    VALUES (%(now)s, 'system', NULL, %(merchant)s, %(action)s, 'line', %(line)s::text, %(detail)s)
)
SELECT (SELECT count(*) FROM budget), (SELECT count(*) FROM reading), (SELECT count(*) FROM opened),
       (SELECT coalesce(jsonb_agg(jsonb_build_array(evidence, used_for)), '[]') FROM used),
       (SELECT count(*) FROM pooled), (SELECT count(*) FROM wallet)
"""  # noqa: S608 - constants of this module only
"""The audit entry, the cards' opening, the budgets and the use of the evidence: one statement, committed before any
plaintext leaves. The caller rolls back unless every count is as it must be. Openings are counted per merchant and SKU,
and per pool (the owner that the batch was signed for, and the SKU) over all merchants, whose rows are not the vault's;
what is read again per merchant: whoever can write chat sessions can have delivered lines sealed to one of their own.
The delivery's lock keeps a refund of the line out until this is committed, and finds one that was faster.
"""

WALLET_FUNDS = f"""
SELECT {NOTICE}, a.holder,
       CASE WHEN e.booked_to <> 'wallet' AND e.resolution IS DISTINCT FROM 'wallet' THEN r.amount_minor END,
       p.order_id, r.line_id
FROM account a JOIN transfer t ON t.credit_id = a.id
LEFT JOIN refund r ON r.id = t.reference AND r.to_wallet AND r.state = 'succeeded'
JOIN payment_event e ON e.id = coalesce(r.event_id, t.reference) AND e.kind = 'paid'
JOIN gateway_account g ON g.id = e.gateway_account_id AND g.merchant_id = %(merchant)s
JOIN payment p ON p.id = e.payment_id
LEFT JOIN payment_confirmation c ON c.gateway_account_id = e.gateway_account_id AND c.external_id = e.external_id
WHERE a.kind = 'wallet' AND a.holder = ANY (%(holders)s) AND a.counterparty = 'party:' || %(merchant)s::text
  AND a.currency = %(currency)s AND (e.booked_to = 'wallet' OR e.resolution = 'wallet' OR r.id IS NOT NULL)
ORDER BY t.id
"""  # noqa: S608 - constants of this module only
"""The notices whose money came into a wallet, by its transfers, whose wallet that was then, and how much of the money:
NULL for all (a top-up, late money), else what a refund gave there; what the money's payment was for (no order: the
wallet), and which line was refunded. The caller believes none of it without the payment's id and the order's seal."""

MERGES = """
WITH RECURSIVE part (shopper) AS (
    SELECT %(shopper)s::uuid
    UNION
    SELECT CASE p.shopper WHEN b.kept_shopper_id THEN b.merged_shopper_id ELSE b.kept_shopper_id END
    FROM part p JOIN binding b ON p.shopper IN (b.kept_shopper_id, b.merged_shopper_id)
    WHERE b.merged_shopper_id IS NOT NULL
)
SELECT b.id, b.merchant_id, b.kept_shopper_id, b.merged_shopper_id, b.kept_identity_id, b.kept_address,
       b.merged_identity_id, b.merged_address, b.bound_at, b.ended_at, b.seal
FROM binding b WHERE b.merged_shopper_id IS NOT NULL AND b.kept_shopper_id IN (SELECT shopper FROM part) LIMIT 1000
"""
"""The bindings by which shoppers became parts of others, as far as they lead from one: whoever wrote them."""

WALLET_SPENT = """
SELECT (SELECT coalesce(sum(w.amount), 0) FROM wallet_use w
        WHERE w.holder = ANY (%(holders)s) AND w.currency = %(currency)s AND w.order_id <> %(order)s),
       coalesce(sum(h.captured), 0)
FROM money_hold h JOIN account a ON a.id = h.account_id
WHERE a.kind = 'wallet' AND a.holder = ANY (%(holders)s) AND h.order_id = %(order)s
  AND a.counterparty = 'party:' || %(merchant)s::text AND a.currency = %(currency)s AND h.state = 'captured'
"""
"""What a wallet gave for other opened orders, as the vault wrote it, and what a hold says it gives for this one."""

WALLETS_TURN = """
SELECT pg_advisory_xact_lock(hashtextextended('wallet of ' || w.holder, 0))
FROM (SELECT holder FROM unnest(%(holders)s::text[]) AS x(holder) ORDER BY holder) w
"""
"""Orders that one wallet pays are opened one after the other: each must see what the ones before used."""

QUARANTINE = """
WITH c AS (
    UPDATE card SET state = 'quarantined'
    WHERE id = ANY (%(cards)s::uuid[]) AND state IN ('free', 'held', 'claimed') RETURNING id, batch_no
)
INSERT INTO stock_event (kind, card_id, batch_no, detail, created_at)
SELECT 'broken_seal', c.id, c.batch_no, '{}', %(now)s FROM c
"""

SAY_STATE = """
INSERT INTO vault_state (open, reason, at) VALUES (%s::text IS NULL, %s, now())
ON CONFLICT (one) DO UPDATE SET open = excluded.open, reason = excluded.reason, at = excluded.at
"""
"""Orders are taken only while the vault can open what they pay for."""
