"""Brought files as the panel reads them: what the vault saw, how their import stands; rows of the own party only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from werkzeug.exceptions import NotFound

from admin.panel import request_time, signed_in, words
from admin.reading import panel_db, reading
from core.conversations.brought_files import KEPT

MOST = 50
_FILES = """
SELECT f.id, f.sku_id, f.upload_id, k.code, k.names, p.names, u.file_name, u.size, f.secret_column, f.brought_at,
       u.created_at, f.left_at IS NOT NULL, f.restock_id IS NOT NULL,
       l.state, coalesce(l.rows_done, 0), coalesce(l.rows_about, 0), coalesce(l.added, 0), coalesce(l.duplicates, 0),
       coalesce(l.refused, 0), coalesce(l.found, '{}'), coalesce(l.problem, ''),
       r.state, coalesce(r.problem, ''), r.cancel_asked_at IS NOT NULL,
       j.id, j.state, coalesce(j.rows_done, 0), coalesce(j.rows_about, 0), coalesce(j.added, 0),
       coalesce(j.duplicates, 0), coalesce(j.refused, 0), j.error IS NOT NULL AND j.state = 'done', b.id,
       coalesce(b.state = 'selling', false)
FROM brought_file f JOIN upload u ON u.id = f.upload_id
JOIN sku k ON k.id = f.sku_id JOIN product p ON p.id = k.product_id
LEFT JOIN file_look l ON l.file_id = f.id
LEFT JOIN restock r ON r.id = f.restock_id
LEFT JOIN import_job j ON j.restock_id = f.restock_id
LEFT JOIN batch b ON b.id = j.batch_id
"""
LATEST = _FILES + "WHERE f.party_id = %s ORDER BY f.id DESC LIMIT %s"
ONE = _FILES + "WHERE f.party_id = %s AND f.id = %s"
REFUSED = "SELECT place, reason, shape FROM import_refusal WHERE job_id = %s ORDER BY n LIMIT %s"


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of one look or import; `about` is how many the file has, 0 while nobody knows."""

    done: int
    about: int
    added: int
    duplicates: int
    refused: int

    @property
    def percent(self) -> int:
        """How much is done; 100 only at the end."""
        return min(99, 100 * self.done // self.about) if self.about else 0


@dataclass(frozen=True, slots=True)
class BroughtFile:
    """One file, from its last byte to its batch."""

    id: UUID
    sku_id: int
    upload_id: UUID
    sku_code: str
    sku_names: Mapping[str, str]
    product_names: Mapping[str, str]
    file_name: str
    size: int
    column: str | None
    brought_at: datetime
    came_at: datetime
    is_left: bool
    is_confirmed: bool
    look: str | None
    looked: Counts
    found: Mapping[str, Any]
    look_problem: str
    restock: str | None
    problem: str
    is_unwanted: bool
    job_id: UUID | None
    job: str | None
    imported: Counts
    is_unread: bool
    batch: UUID | None
    is_selling: bool

    @property
    def called(self) -> str:
        """The goods, as people read them."""
        return words().goods(self.product_names, self.sku_names)

    @property
    def stage(self) -> str:
        """Where it is: a key of `admin.imports.standing.STAGES`."""
        if self.is_confirmed:
            return self._import_stage()
        if self.is_left:
            return "left"
        if self.look == "refused":
            return "refused"
        if self.look == "looked":
            return "old" if request_time() - self.came_at > KEPT - timedelta(minutes=5) else "looked"
        return "looking"

    @property
    def moves(self) -> bool:
        """Whether something is under way, so that a page looks again."""
        return self.stage in ("looking", "importing", "taking_back")

    def _import_stage(self) -> str:
        if self.restock == "done":
            return "done"
        if self.restock == "refused":
            return "cancelled" if self.problem == "cancelled" else "failed"
        return "taking_back" if self.is_unwanted else "importing"


def latest_files() -> Sequence[BroughtFile]:
    """The last files of the party that somebody acts for."""
    session = signed_in()
    with reading(session):
        rows = panel_db.execute_sql(LATEST, (session.party.id, MOST)).fetchall()
    return [_file(row) for row in rows]


def a_file(file_id: UUID) -> BroughtFile:
    """One of them. Raises NotFound, also for a foreign one."""
    session = signed_in()
    with reading(session):
        row = panel_db.execute_sql(ONE, (session.party.id, file_id)).fetchone()
    if row is None:
        raise NotFound()
    return _file(row)


def refused_rows(file: BroughtFile, most: int) -> Sequence[Sequence[str]]:
    """The refused rows of an import, or of the look before it (then the first 1,000): place, reason, shape."""
    if file.job_id is None:
        return list(file.found.get("rows", []))[:most]
    with reading(signed_in()):
        return list(panel_db.execute_sql(REFUSED, (file.job_id, most)).fetchall())


def _file(row: Sequence[Any]) -> BroughtFile:
    looked, imported = Counts(*row[14:19]), Counts(*row[26:31])
    values = (*row[:14], looked, *row[19:26], imported, *row[31:])
    return BroughtFile(*values)
