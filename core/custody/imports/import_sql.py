"""The fixed statements of imports: a chunk and its progress in one commit, from the first row to the batch on sale."""

from __future__ import annotations

IMPORT_FACTS = """
SELECT u.owner_id, u.file_name, u.complete, u.sealed_key,
       k.id, k.issuer_id, k.trim, k.case_sensitive, k.card_shape = 'number_secret', coalesce(k.secret_bits < 40, false),
       m.id, s.id
FROM upload u
LEFT JOIN sku k ON k.code = %(sku)s AND k.archived_at IS NULL
LEFT JOIN party m ON m.kind = 'merchant' AND (m.code = %(merchant)s OR (%(merchant)s::text IS NULL AND m.is_default))
LEFT JOIN party s ON s.kind = 'supplier' AND s.code = %(supplier)s
WHERE u.id = %(upload)s
"""
"""An upload and the SKU, merchant and supplier that its cards are said to belong to; NULLs where there is none."""

COUNT_CHUNKS = "SELECT count(*) FROM upload_chunk WHERE upload_id = %s"
UPLOAD_CHUNK = "SELECT sealed FROM upload_chunk WHERE upload_id = %s AND n = %s"

PARTYS_TURN = "SELECT pg_advisory_xact_lock(7140, hashint8(%s))"
UNDER_WAY = """
SELECT count(*) FROM import_job j JOIN batch b ON b.id = j.batch_id
WHERE j.state IN ('running', 'cancelling') AND coalesce(b.supplier_id, b.owner_id) = %s
"""

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
    INSERT INTO import_job (id, upload_id, batch_id, secret_column, state, created_at, restock_id, supplier_request_id)
    VALUES (%(job)s, %(upload)s, %(batch)s, %(column)s, 'running', %(now)s, %(restock)s, %(request)s)
)
SELECT no FROM b
"""
"""A batch that is not on sale yet, its sealed data key, and the job that fills it."""

CHUNKS_TURN = "SELECT pg_advisory_xact_lock_shared(7160, hashint8(%s))"
CHUNKS_TURN_ALONE = "SELECT pg_advisory_xact_lock(7160, hashint8(%s))"
"""Chunks of one issuer's cards go beside each other. One that lost a card to another goes alone, and loses no more."""

KNOWN = """
SELECT n, mine, first FROM (
    SELECT r.n, coalesce(
        (SELECT true FROM card_seal k WHERE k.uploader_id = %(uploader)s AND k.issuer_id = %(issuer)s
         AND k.fingerprint = r.fingerprint),
        (SELECT true FROM lost_card l WHERE l.fingerprint = r.fingerprint), false) AS mine,
        (SELECT k.card_id FROM card_seal k WHERE k.issuer_id = %(issuer)s AND k.fingerprint = r.fingerprint
         AND NOT k.contested) AS first
    FROM (SELECT n, substring(%(prints)s::bytea FROM 32 * n + 1 FOR 32) AS fingerprint
          FROM generate_series(0, %(cards)s - 1) AS n OFFSET 0) r
    OFFSET 0) p
WHERE mine OR first IS NOT NULL
"""
"""Which of a chunk's fingerprints are there: the uploader's own, or one that went out before the database was restored
from an older backup (`mine`, duplicates), or only another party's (its card, `first`: kept aside, silently).

Both are asked of every row, and every statement is said for every chunk: how long an import takes tells nobody of a
copy. Scalar subqueries: a join would be planned from what the tables were when somebody last counted them.
"""

COPY_CARDS = """
COPY card (id, batch_no, owner_id, sku_id, mask, expires_on, state, contested) FROM STDIN (FORMAT binary)
"""
COPY_SEALS = """
COPY card_seal (card_id, sealed, fingerprint, issuer_id, uploader_id, contested) FROM STDIN (FORMAT binary)
"""
"""What is new of a chunk (`core.custody.imports.preparing`), straight into the tables.

An `INSERT … ON CONFLICT` from a temporary table writes every card three times, and goes down each unique index twice.
"""

ADD_CONTESTED = """
INSERT INTO stock_event (kind, card_id, batch_no, detail, created_at)
SELECT 'contested', c.card, %(batch_no)s, jsonb_build_object('first', c.first), %(now)s
FROM unnest(%(cards)s::uuid[], %(firsts)s::uuid[]) AS c(card, first)
"""

ADD_REFUSALS = """
INSERT INTO import_refusal (job_id, n, place, reason, shape)
SELECT %s, r.n, r.place, r.reason, r.shape
FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[]) AS r(n, place, reason, shape)
"""

MOVE_JOB = """
UPDATE import_job SET rows_done = %(done)s, added = added + %(added)s, duplicates = duplicates + %(duplicates)s,
    refused = refused + %(refused)s, rows_about = greatest(%(about)s, %(done)s), moved_at = %(now)s
WHERE id = %(job)s AND rows_done = %(before)s AND state = 'running' RETURNING added, duplicates, refused
"""
"""Progress in the same commit as the chunk: a job that someone else moved on is not moved twice."""

LOOKING = """
CREATE TEMPORARY TABLE looked (fingerprint bytea PRIMARY KEY)
"""
LOOKED = "DROP TABLE IF EXISTS pg_temp.looked"
LOOK = """
WITH new AS (
    INSERT INTO pg_temp.looked
    SELECT r.fingerprint FROM (
        SELECT substring(%(prints)s::bytea FROM 32 * n + 1 FOR 32) AS fingerprint
        FROM generate_series(0, %(cards)s - 1) AS n OFFSET 0) r
    WHERE (SELECT k.card_id FROM card_seal k WHERE k.uploader_id = %(uploader)s AND k.issuer_id = %(issuer)s
           AND k.fingerprint = r.fingerprint) IS NULL
      AND (SELECT l.card_id FROM lost_card l WHERE l.fingerprint = r.fingerprint) IS NULL
    ON CONFLICT DO NOTHING RETURNING 1
)
SELECT count(*) FROM new
"""
"""How many of the rows an import would add: asked of the uploader's own cards only, as the import counts."""

FINISH_BATCH = """
WITH c AS (
    SELECT count(*) AS cards, count(*) FILTER (WHERE state = 'free') AS free, min(expires_on) AS ends FROM (
        SELECT state, expires_on FROM card WHERE batch_no = %(batch_no)s AND state = 'free'
        UNION ALL SELECT state, expires_on FROM card WHERE batch_no = %(batch_no)s AND contested) k
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
    UPDATE import_job SET state = 'done', error = %(error)s, finished_at = %(now)s, rows_about = rows_done
    FROM b WHERE import_job.id = %(job)s
)
SELECT c.cards - c.free FROM b, c
"""
"""A finished batch goes on sale, signed over the cards that are really there; nothing when their number is another.

Returns how many of them are contested.
"""

KEEP_FOR_ITS_LINES = "UPDATE batch SET state = 'locked', reason = 'supplied' WHERE no = %s AND state = 'selling'"
"""What a supplier brought for paid lines is theirs first: on sale is only what they leave (`core.fulfilment.supplied`).
In the transaction that finishes the batch, so that nobody else takes a card of it."""

COUNTED = """
SELECT added, duplicates, refused FROM import_job WHERE id = %s AND state = 'running' FOR UPDATE
"""
"""What a job came to; locked, so that whoever cancels it is either before its end or too late."""

FORGET_OLD_UPLOADS = """
DELETE FROM upload_chunk c USING upload u
WHERE u.id = c.upload_id AND u.id IS DISTINCT FROM %(but)s::uuid AND u.created_at < %(now)s - interval '1 day'
  AND NOT EXISTS (SELECT 1 FROM import_job j WHERE j.upload_id = u.id AND j.state IN ('running', 'cancelling'))
  AND NOT EXISTS (SELECT 1 FROM restock r WHERE r.upload_id = u.id AND r.state = 'asked')
  AND NOT EXISTS (SELECT 1 FROM supplier_request q WHERE q.upload_id = u.id AND q.settled_at IS NULL)
"""
"""Files that were uploaded and never imported: their rows stay, what they held goes after a day."""

PLACES = """
SELECT b.sku_id, b.uploader, k.trim, k.case_sensitive, k.card_shape = 'number_secret',
       coalesce(k.secret_bits < 40, false)
FROM (SELECT DISTINCT sku_id, coalesce(supplier_id, owner_id) AS uploader FROM batch) b JOIN sku k ON k.id = b.sku_id
"""
"""Where cards that can be guessed may lie, each with its SKU's rule."""

FORGET_UPLOAD = "DELETE FROM upload WHERE id = %s"
FORGET_CHUNKS = "DELETE FROM upload_chunk WHERE upload_id = %s"

WAS_LOOKED_AT = """EXISTS (
    SELECT 1 FROM brought_file bf JOIN file_look bl ON bl.file_id = bf.id AND bl.state = 'looked'
    WHERE bf.restock_id = r.id AND bf.upload_id = r.upload_id
      AND bf.secret_column IS NOT DISTINCT FROM r.secret_column)"""
"""Whether the vault has looked at the very file of a restock `r`: its rows were counted then."""

_JOBS = f"""
SELECT j.id, j.upload_id, j.batch_id, j.secret_column, j.rows_done, b.no, b.owner_id, b.supplier_id, b.sku_id, b.terms,
       b.unit_cost_micro, b.source_name, u.sealed_key, k.sealed_dek,
       s.issuer_id, s.trim, s.case_sensitive, s.card_shape = 'number_secret', coalesce(s.secret_bits < 40, false),
       j.restock_id, r.staff_id,
       j.supplier_request_id, {WAS_LOOKED_AT}
FROM import_job j JOIN batch b ON b.id = j.batch_id JOIN upload u ON u.id = j.upload_id
JOIN batch_key k ON k.batch_no = b.no JOIN sku s ON s.id = b.sku_id LEFT JOIN restock r ON r.id = j.restock_id
"""  # noqa: S608 - a constant of this module
UNFINISHED_JOBS = _JOBS + "WHERE j.state IN ('running', 'cancelling') AND b.state = 'importing' ORDER BY j.created_at"
JOB_OF_RESTOCK = _JOBS + "WHERE j.restock_id = %s"
JOB_OF_REQUEST = _JOBS + "WHERE j.supplier_request_id = %s"

JOB_STANDING = "SELECT state, rows_done, error, added, duplicates, refused FROM import_job WHERE id = %s"

REFUSALS = "SELECT place, reason, shape FROM import_refusal WHERE job_id = %s ORDER BY n LIMIT 1000"
