"""How much a supplier may bring who is not vetted: so many rows a day, so that guessing is not worth the days.

Rows count where they are read, in dry runs too, and in the commit that stores them; what is refused as a whole counts
for nothing. What a supplier's system answers is bounded by the lines that were paid, and is not counted here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from core.actor import OPERATOR
from core.audit.service import append
from core.custody.imports.import_sql import WAS_LOOKED_AT
from core.custody.imports.jobs import ImportRefused
from core.custody.imports.preparing import Job
from core.db import changed, execute, in_transaction
from core.workbooks.problems import FileProblem, FileRefused

_LEFT = """
SELECT %(most)s - coalesce((SELECT q.rows FROM import_quota q WHERE q.party_id = p.id AND q.day = %(day)s), 0)
FROM party p WHERE p.id = %(uploader)s AND p.kind = 'supplier'
AND NOT EXISTS (SELECT 1 FROM supplier_vetting v WHERE v.party_id = p.id AND v.ended_at IS NULL)
"""
_TAKE = """
INSERT INTO import_quota AS q (party_id, day, rows) SELECT %(uploader)s, %(day)s, %(rows)s WHERE %(rows)s <= %(most)s
ON CONFLICT (party_id, day) DO UPDATE SET rows = q.rows + excluded.rows WHERE q.rows + excluded.rows <= %(most)s
RETURNING rows
"""
_LOOKED = f"SELECT 1 FROM restock r WHERE r.id = %s AND {WAS_LOOKED_AT}"  # noqa: S608 - a constant of this package
_SUPPLIER = "SELECT id FROM party WHERE kind = 'supplier' AND code = %s"
_VET = """
INSERT INTO supplier_vetting (party_id, reason, vetted_at) VALUES (%(party)s, %(reason)s, %(now)s)
ON CONFLICT DO NOTHING
"""
_END = """
UPDATE supplier_vetting SET ended_at = %(now)s, end_reason = %(reason)s WHERE party_id = %(party)s AND ended_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Quota:
    """What one supplier who is not vetted may still bring on a day; `most` is what he may on any."""

    uploader: int
    day: date
    most: int
    left: int

    def take(self, rows: int) -> None:
        """Count rows, in the caller's transaction. Raises `FileRefused` when another file was faster."""
        if rows and not execute(_TAKE, {"uploader": self.uploader, "day": self.day, "rows": rows, "most": self.most}):
            raise self.refusal()

    def refusal(self) -> FileRefused:
        """Why no more of his rows are read today."""
        return FileRefused(FileProblem.OVER_QUOTA, most=self.most, left=max(0, self.left))


def quota_of(job: Job, *, most: int, day: date) -> Quota | None:
    """The quota that a job falls under; None for a merchant, a vetted supplier, an answer that was paid for."""
    if job.request is not None or job.rows_done:  # what is being stored was counted when it began
        return None
    if job.restock and execute(_LOOKED, (job.restock,)):
        return None
    rows = execute(_LEFT, {"uploader": job.uploader_id, "day": day, "most": most})
    return Quota(job.uploader_id, day, most, int(rows[0][0])) if rows else None


def vet(code: str, *, is_vetted: bool, reason: str, now: datetime) -> None:
    """Say that a supplier is vetted, or is not any more. Raises `ImportRefused`, also where it was so already."""

    def write() -> None:
        rows = execute(_SUPPLIER, (code,))
        if not rows:
            raise ImportRefused(f"there is no supplier {code}")
        party = int(rows[0][0])
        if not changed(_VET if is_vetted else _END, {"party": party, "reason": reason, "now": now}):
            raise ImportRefused(f"{code} is {'vetted already' if is_vetted else 'not vetted'}: nothing was changed")
        append(
            actor=OPERATOR,
            action="supplier.vetted" if is_vetted else "supplier.vetting_ended",
            object_kind="party",
            object_id=code,
            party_id=party,
            now=now,
        )

    in_transaction(write)
