"""How imports stand, as a page or a command shows it: percent, rows, refusals, and whether one can be cancelled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from core.actor import Actor, ActorKind
from core.db import execute


class ImportState(StrEnum):
    """Where one import is."""

    RUNNING = "running"  # rows arrive, nothing of it is on sale; a vault that was away goes on with it by itself
    CANCELLING = "cancelling"  # somebody took it back: what was stored goes
    DONE = "done"  # its batch is on sale; `problem` says why its file was not read to its end, if it was not
    FAILED = "failed"  # the file was refused as a whole: `problem`
    CANCELLED = "cancelled"  # nothing of it is there; the same file may come again


@dataclass(frozen=True, slots=True)
class ImportStanding:
    """One import; `rows_about` is how many rows its file has, 0 while nobody knows."""

    batch: UUID
    state: ImportState
    sku: str
    party: str
    file_name: str
    rows_done: int
    rows_about: int
    added: int
    duplicates: int
    refused: int
    problem: str | None
    began_at: datetime
    moved_at: datetime | None
    finished_at: datetime | None

    @property
    def percent(self) -> int:
        """How much of the file is done; 100 only at its end."""
        if self.state is ImportState.DONE:
            return 100
        return min(99, 100 * self.rows_done // self.rows_about) if self.rows_about else 0

    @property
    def can_be_cancelled(self) -> bool:
        """Whether it may still be taken back."""
        return self.state is ImportState.RUNNING


STANDING = """
SELECT b.id, j.state, k.code, p.code, b.source_name, j.rows_done, j.rows_about, j.added, j.duplicates, j.refused,
       j.error, j.created_at, j.moved_at, j.finished_at
FROM import_job j JOIN batch b ON b.id = j.batch_id JOIN sku k ON k.id = b.sku_id
JOIN party p ON p.id = coalesce(b.supplier_id, b.owner_id)
WHERE %(party)s::bigint IS NULL OR coalesce(b.supplier_id, b.owner_id) = %(party)s
ORDER BY j.state NOT IN ('running', 'cancelling'), j.created_at DESC LIMIT %(most)s
"""


def imports(*, actor: Actor, most: int = 20) -> list[ImportStanding]:
    """Imports under way, then the last ones that ended; a party sees those that it brought, the platform all."""
    party = None if actor.kind is ActorKind.OPERATOR else actor.party_id or 0
    return [
        ImportStanding(row[0], ImportState(row[1]), *row[2:])
        for row in execute(STANDING, {"party": party, "most": most})
    ]
