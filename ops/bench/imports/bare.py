"""The same rows by the usual way into the database: COPY into a temporary table, INSERT … ON CONFLICT, no more.

Its tables are the store's own, with the same columns, checks, unique indexes and foreign keys; a chunk and a commit are
as large, and it sorts by fingerprints in memory. It gets rows that are sealed: it neither reads a file nor seals, looks
for nobody else's copies, and keeps no progress.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import psycopg

_TABLES = """
DROP TABLE IF EXISTS bare_seal, bare_card;
CREATE TABLE bare_card (LIKE card INCLUDING ALL, FOREIGN KEY (batch_no, owner_id, sku_id)
    REFERENCES batch (no, owner_id, sku_id));
CREATE TABLE bare_seal (LIKE card_seal INCLUDING ALL, FOREIGN KEY (card_id) REFERENCES bare_card);
CREATE TEMP TABLE staged (id uuid, sealed bytea, fingerprint bytea, mask text, expires_on date) ON COMMIT DELETE ROWS
"""
_CHUNK = """
COPY (SELECT c.id, s.sealed, s.fingerprint, c.mask, c.expires_on FROM card c JOIN card_seal s ON s.card_id = c.id
      WHERE c.batch_no = {batch} AND c.pos >= {low} ORDER BY c.pos LIMIT {rows}) TO STDOUT (FORMAT binary)
"""
_NEXT = "SELECT max(pos) + 1 FROM (SELECT pos FROM card WHERE batch_no = %s AND pos >= %s ORDER BY pos LIMIT %s) c"
_ADD = """
WITH new AS (
    INSERT INTO bare_seal (card_id, sealed, fingerprint, issuer_id, uploader_id)
    SELECT id, sealed, fingerprint, %(issuer)s, %(owner)s FROM staged ORDER BY fingerprint
    ON CONFLICT DO NOTHING RETURNING card_id
)
INSERT INTO bare_card (id, batch_no, owner_id, sku_id, state, mask, expires_on)
SELECT s.id, %(batch)s, %(owner)s, %(sku)s, 'free', s.mask, s.expires_on FROM staged s JOIN new ON new.card_id = s.id
"""


def chunks_of(url: str, batch: int, rows: int) -> list[bytes]:
    """The rows of an imported batch as they are copied, `rows` at a time, in its own order."""
    found: list[bytes] = []
    with psycopg.connect(url) as connection:
        low: int | None = 0
        while low is not None:
            asked = _CHUNK.format(batch=int(batch), low=int(low), rows=int(rows))
            with connection.cursor().copy(asked.encode()) as copied:
                found.append(b"".join(bytes(part) for part in copied))
            low = connection.execute(_NEXT, (batch, low, rows)).fetchone()[0]  # type: ignore[index]
    return found[:-1]


def seconds(url: str, batch: int, chunks: Sequence[bytes], *, anew: bool) -> float:
    """How long a bare connection takes for those chunks, a commit each; `anew` begins with empty tables."""
    with psycopg.connect(url, prepare_threshold=None) as connection:
        connection.execute(_TABLES if anew else _TABLES.split(";")[3])
        one = "SELECT no AS batch, owner_id AS owner, sku_id AS sku, 1 AS issuer FROM batch WHERE no = %s"
        with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            named = cursor.execute(one, (batch,)).fetchone()
        connection.commit()
        connection.execute("SET work_mem = '16MB'")  # otherwise a chunk is sorted on the disk
        connection.commit()
        began = time.monotonic()
        for chunk in chunks:
            with connection.cursor().copy("COPY staged FROM STDIN (FORMAT binary)") as copy:
                copy.write(chunk)
            connection.execute(_ADD, named)
            connection.commit()
        return time.monotonic() - began
