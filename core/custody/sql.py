"""The fixed statements of the custodian: imports in chunks, openings in three round trips."""

from __future__ import annotations

IMPORT_FACTS = """
SELECT u.owner_id, u.file_name, u.complete, u.sealed_key,
       k.id, k.issuer_id, k.trim, k.case_sensitive, k.card_shape = 'number_secret',
       m.id, s.id
FROM upload u
LEFT JOIN sku k ON k.code = %(sku)s AND k.archived_at IS NULL
LEFT JOIN party m ON m.kind = 'merchant' AND (m.code = %(merchant)s OR (%(merchant)s::text IS NULL AND m.is_default))
LEFT JOIN party s ON s.kind = 'supplier' AND s.code = %(supplier)s
WHERE u.id = %(upload)s
"""
"""An upload and the SKU, merchant and supplier that its cards are said to belong to; NULLs where there is none."""

UPLOAD_CHUNK = "SELECT sealed FROM upload_chunk WHERE upload_id = %s AND n = %s"

BEGIN_BATCH = """
WITH b AS (
    INSERT INTO batch (id, owner_id, supplier_id, sku_id, terms, unit_cost_micro, state, upload_id, source_name,
                       created_at)
    VALUES (%(batch)s, %(owner)s, %(supplier)s, %(sku)s, %(terms)s, %(unit_cost)s, 'importing', %(upload)s, %(name)s,
            %(now)s)
    RETURNING no
), k AS (
    INSERT INTO batch_key (batch_no, vault_key_id, sealed_dek) SELECT no, %(key_id)s, %(sealed_key)s FROM b
), j AS (
    INSERT INTO import_job (id, upload_id, batch_id, secret_column, state, created_at, restock_id)
    VALUES (%(job)s, %(upload)s, %(batch)s, %(column)s, 'running', %(now)s, %(restock)s)
)
SELECT no FROM b
"""
"""A batch that is not on sale yet, its sealed data key, and the job that fills it."""

PLAN_EACH_CHUNK = "SET LOCAL plan_cache_mode = force_custom_plan"
"""A plan kept from small chunks joins 20,000 rows one by one."""

ADD_CARDS = """
WITH staged AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(sealed)s::bytea[], %(prints)s::bytea[], %(masks)s::text[], %(ends)s::date[])
        WITH ORDINALITY AS s(id, sealed, fingerprint, mask, expires_on, n)
), new AS (
    INSERT INTO card_seal (card_id, sealed, fingerprint, issuer_id, uploader_id)
    SELECT id, sealed, fingerprint, %(issuer)s, %(uploader)s FROM staged ORDER BY fingerprint, n
    ON CONFLICT DO NOTHING RETURNING card_id
)
INSERT INTO card (id, batch_no, owner_id, sku_id, state, mask, expires_on)
SELECT s.id, %(batch_no)s, %(owner)s, %(sku)s, 'free', s.mask, s.expires_on
FROM staged s JOIN new ON new.card_id = s.id ORDER BY s.n
RETURNING id
"""
"""One chunk, in the order of fingerprints (two imports of the same cards in other order deadlock otherwise)."""

ADD_CONTESTED = """
WITH staged AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(sealed)s::bytea[], %(prints)s::bytea[], %(masks)s::text[], %(ends)s::date[])
        WITH ORDINALITY AS s(id, sealed, fingerprint, mask, expires_on, n)
), new AS (
    INSERT INTO card_seal (card_id, sealed, fingerprint, issuer_id, uploader_id, contested)
    SELECT s.id, s.sealed, s.fingerprint, %(issuer)s, %(uploader)s, true FROM staged s
    WHERE NOT EXISTS (SELECT 1 FROM card_seal k WHERE k.uploader_id = %(uploader)s AND k.issuer_id = %(issuer)s
                      AND k.fingerprint = s.fingerprint)
    ORDER BY s.fingerprint, s.n
    ON CONFLICT DO NOTHING RETURNING card_id, fingerprint
), cards AS (
    INSERT INTO card (id, batch_no, owner_id, sku_id, state, contested, mask, expires_on)
    SELECT s.id, %(batch_no)s, %(owner)s, %(sku)s, 'quarantined', true, s.mask, s.expires_on
    FROM staged s JOIN new ON new.card_id = s.id RETURNING id
), events AS (
    INSERT INTO stock_event (kind, card_id, batch_no, detail, created_at)
    SELECT 'contested', new.card_id, %(batch_no)s, jsonb_build_object('first', k.card_id), %(now)s
    FROM new JOIN card_seal k ON k.issuer_id = %(issuer)s AND k.fingerprint = new.fingerprint AND NOT k.contested
)
SELECT count(*) FROM cards
"""
"""What the first statement left over: cards that another party uploaded before are kept aside, silently."""

ADD_REFUSALS = """
INSERT INTO import_refusal (job_id, n, place, reason, shape)
SELECT %s, r.n, r.place, r.reason, r.shape
FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[]) AS r(n, place, reason, shape)
"""

MOVE_JOB = """
UPDATE import_job SET rows_done = %(done)s, added = added + %(added)s, duplicates = duplicates + %(duplicates)s,
    refused = refused + %(refused)s
WHERE id = %(job)s AND rows_done = %(before)s AND state = 'running' RETURNING added, duplicates, refused
"""
"""Progress in the same commit as the chunk: a job that someone else moved on is not moved twice."""

KNOWN_PRINTS = """
SELECT fingerprint FROM card_seal WHERE uploader_id = %s AND issuer_id = %s AND fingerprint = ANY (%s::bytea[])
"""

FINISH_BATCH = """
WITH c AS (
    SELECT count(*) AS cards, count(*) FILTER (WHERE state = 'free') AS free, min(expires_on) AS ends
    FROM card WHERE batch_no = %(batch_no)s
), b AS (
    UPDATE batch SET state = %(state)s, card_count = c.cards, expires_on = c.ends, source_hash = %(source_hash)s,
        finished_at = %(now)s
    FROM c WHERE batch.no = %(batch_no)s AND batch.state = 'importing' AND c.cards = %(count)s RETURNING batch.no
), k AS (
    UPDATE batch_key SET signature = %(signature)s FROM b WHERE batch_key.batch_no = b.no
), m AS (
    INSERT INTO batch_mark (batch_no, free_count, updated_at) SELECT b.no, c.free, %(now)s FROM b, c
    ON CONFLICT (batch_no) DO NOTHING
), j AS (
    UPDATE import_job SET state = 'done', error = %(error)s, finished_at = %(now)s FROM b WHERE import_job.id = %(job)s
)
SELECT no FROM b
"""
"""A finished batch goes on sale, signed over the cards that are really there; nothing when their number is another."""

FAIL_JOB = "UPDATE import_job SET state = 'failed', error = %s, finished_at = %s WHERE id = %s"
ABANDON_BATCH = "UPDATE batch SET state = 'abandoned', reason = %s WHERE id = %s AND state = 'importing'"

FORGET_OLD_UPLOADS = """
DELETE FROM upload_chunk c USING upload u
WHERE u.id = c.upload_id AND u.id IS DISTINCT FROM %(but)s::uuid AND u.created_at < %(now)s - interval '1 day'
  AND NOT EXISTS (SELECT 1 FROM import_job j WHERE j.upload_id = u.id AND j.state = 'running')
  AND NOT EXISTS (SELECT 1 FROM restock r WHERE r.upload_id = u.id AND r.state = 'asked')
"""
"""Files that were uploaded and never imported: their rows stay, what they held goes after a day."""

FORGET_CHUNKS = "DELETE FROM upload_chunk WHERE upload_id = %s"

_JOBS = """
SELECT j.id, j.upload_id, j.batch_id, j.secret_column, j.rows_done, b.no, b.owner_id, b.supplier_id, b.sku_id, b.terms,
       b.unit_cost_micro, b.source_name, u.sealed_key, k.sealed_dek,
       s.issuer_id, s.trim, s.case_sensitive, s.card_shape = 'number_secret', j.restock_id, r.staff_id
FROM import_job j JOIN batch b ON b.id = j.batch_id JOIN upload u ON u.id = j.upload_id
JOIN batch_key k ON k.batch_no = b.no JOIN sku s ON s.id = b.sku_id LEFT JOIN restock r ON r.id = j.restock_id
"""
UNFINISHED_JOBS = _JOBS + "WHERE j.state = 'running' AND b.state = 'importing' ORDER BY j.created_at"
JOB_OF_RESTOCK = _JOBS + "WHERE j.restock_id = %s"

JOB_STANDING = "SELECT state, rows_done, error, added, duplicates, refused FROM import_job WHERE id = %s"

REFUSALS = "SELECT place, reason, shape FROM import_refusal WHERE job_id = %s ORDER BY n LIMIT 1000"

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
       (SELECT jsonb_agg(jsonb_build_array(s.id, encode(s.answer_public_key, 'base64')))
        FROM (SELECT s.id, s.answer_public_key FROM chat_session s JOIN conversation c ON c.id = s.conversation_id
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
       k.next_sealed_dek, k.next_signature
FROM card c JOIN card_seal s ON s.card_id = c.id JOIN batch b ON b.no = c.batch_no JOIN batch_key k ON k.batch_no = b.no
WHERE c.line_id = %s ORDER BY c.pos, c.id
"""

RECORD_OPENING = """
WITH budget AS (
    INSERT INTO opening_budget AS b (merchant_id, sku_id, hour, opened)
    SELECT %(merchant)s, %(sku)s, date_trunc('hour', %(now)s::timestamptz), %(fresh_count)s
    WHERE %(fresh_count)s::int BETWEEN 1 AND %(limit)s::int
    ON CONFLICT (merchant_id, sku_id, hour) DO UPDATE SET opened = b.opened + excluded.opened
        WHERE b.opened + excluded.opened <= %(limit)s
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
), opened AS (
    UPDATE card SET opened_at = %(now)s
    WHERE id = ANY (%(fresh)s::uuid[]) AND line_id = %(line)s AND state = 'claimed' AND opened_at IS NULL RETURNING 1
), audit AS (
    INSERT INTO audit_entry (at, actor_kind, actor_id, party_id, action, object_kind, object_id, detail)
    VALUES (%(now)s, 'system', NULL, %(merchant)s, %(action)s, 'line', %(line)s::text, %(detail)s)
)
SELECT (SELECT count(*) FROM budget), (SELECT count(*) FROM reading), (SELECT count(*) FROM opened),
       (SELECT coalesce(jsonb_agg(jsonb_build_array(evidence, used_for)), '[]') FROM used)
"""
"""The audit entry, the cards' opening, the budgets and the use of the evidence: one statement, committed before any
plaintext leaves. The caller rolls back unless every count is as it must be. Openings are counted per SKU, what is read
again per merchant: whoever can write chat sessions can have delivered lines sealed to one of their own."""

WALLET_FUNDS = f"""
SELECT {NOTICE}, a.holder,
       CASE WHEN e.booked_to <> 'wallet' AND e.resolution IS DISTINCT FROM 'wallet' THEN r.amount_minor END
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
NULL for all (a top-up, late money), else what a refund of an order gave there."""

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
SELECT coalesce(sum(h.captured), 0), coalesce(sum(h.captured) FILTER (WHERE h.order_id = %(order)s), 0)
FROM money_hold h JOIN account a ON a.id = h.account_id
WHERE a.kind = 'wallet' AND a.holder = ANY (%(holders)s)
  AND a.counterparty = 'party:' || %(merchant)s::text AND a.currency = %(currency)s AND h.state = 'captured'
"""

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

TRACE = "SELECT card_id FROM card_seal WHERE fingerprint = ANY (%s::bytea[])"
