"""Taking an import back: its cards go with their fingerprints, so that the same file can come again.

Nothing of it was on sale: a batch is `importing` until its last row. Whoever cancels locks the job's row, which each
chunk and the end of the import lock too, so it is either before them or too late. What was stored goes in chunks; a
kill in between leaves the job `cancelling`, and the vault goes on with it when it starts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.actor import OPERATOR
from core.audit.service import append
from core.custody.imports import import_sql as sql
from core.custody.imports.jobs import ImportRefused
from core.db import changed, execute, in_transaction

ROWS = 10_000  # that go in one commit

_ASK = """
UPDATE import_job SET state = 'cancelling' WHERE batch_id = %s AND state = 'running' RETURNING id
"""
_STANDING = "SELECT j.id, j.state, b.no FROM import_job j JOIN batch b ON b.id = j.batch_id WHERE b.id = %s"
_TAKE_BACK = """
WITH gone AS (
    (SELECT id FROM card WHERE batch_no = %(batch_no)s AND state = 'free' LIMIT %(rows)s)
    UNION ALL
    (SELECT id FROM card WHERE batch_no = %(batch_no)s AND contested LIMIT %(rows)s)
), seals AS (
    DELETE FROM card_seal k USING gone WHERE k.card_id = gone.id
), events AS (
    UPDATE stock_event e SET handled_at = %(now)s FROM gone
    WHERE e.kind = 'contested' AND e.batch_no = %(batch_no)s AND e.card_id = gone.id AND e.handled_at IS NULL
)
DELETE FROM card c USING gone WHERE c.id = gone.id
"""
_END_JOB = """
UPDATE import_job SET state = 'cancelled', finished_at = %s WHERE id = %s AND state = 'cancelling'
RETURNING added, upload_id
"""
_ABANDON = """
UPDATE batch SET state = 'abandoned', reason = 'cancelled', finished_at = %s WHERE id = %s RETURNING owner_id
"""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """How many cards had come and were taken back."""

    taken_back: int


def cancel(batch: UUID, *, now: datetime) -> Cancelled:
    """Take an import back that is under way; asked again it answers the same.

    Raises `ImportRefused` when it is over.
    """
    in_transaction(lambda: execute(_ASK, (batch,)))
    rows = execute(_STANDING, (batch,))
    if not rows:
        raise ImportRefused("there is no import into a batch of this number")
    job, state, _ = rows[0]
    if state in ("done", "failed"):
        what = "its cards are on sale: lock the batch instead" if state == "done" else "none of its rows was imported"
        raise ImportRefused(f"the import is over: {what}")
    if state == "cancelling":
        finish(job, batch, now=now)
    return Cancelled(int(execute("SELECT added FROM import_job WHERE id = %s", (job,))[0][0]))


def finish(job: UUID, batch: UUID, *, now: datetime) -> None:
    """Take back what is there of an import that is `cancelling`, and end it; safe from several threads at once."""
    batch_no = execute(_STANDING, (batch,))[0][2]
    some = {"batch_no": batch_no, "rows": ROWS, "now": now}
    while in_transaction(lambda: changed(_TAKE_BACK, some)):
        continue
    in_transaction(lambda: _end(job, batch, now))


def _end(job: UUID, batch: UUID, now: datetime) -> None:
    ended = execute(_END_JOB, (now, job))
    if not ended:
        return  # by another thread
    added, upload = ended[0]
    owner = execute(_ABANDON, (now, batch))[0][0]
    execute(sql.FORGET_CHUNKS, (upload,))
    append(
        actor=OPERATOR,
        action="batch.cancelled",
        object_kind="batch",
        object_id=batch,
        detail={"taken_back": added},
        party_id=owner,
        now=now,
    )
