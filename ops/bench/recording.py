"""Records what the store says to the database: each statement with its parameters and rows, and each commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from core.db import StoreDatabase, db

BEGIN, COMMIT = "BEGIN", "COMMIT"
_UNCOUNTED = (BEGIN, COMMIT)


@dataclass(frozen=True)
class Step:
    """One round trip: its text, parameters, rows, and the phase of the order in which it was made.

    The parameters of a COMMIT are the wakes that travel with it: channel and payload of each.
    """

    sql: str
    params: Any
    rows: list[tuple[Any, ...]]
    phase: str


@dataclass
class Recording:
    """What one order said, in order."""

    steps: list[Step] = field(default_factory=list)
    phase: str = ""

    def statements(self, phase: str) -> int:
        """Round trips of a phase without BEGIN, COMMIT and set_config."""
        return sum(1 for step in self.steps if step.phase == phase and not _is_uncounted(step.sql))

    def commits(self, phase: str) -> int:
        """Transactions of a phase that wrote; a statement outside a transaction that writes is one of its own."""
        return sum(1 for step in self.steps if step.phase == phase and step.sql == COMMIT)

    @contextmanager
    def during(self, phase: str) -> Iterator[None]:
        """Note the phase of what is said inside the block."""
        before, self.phase = self.phase, phase
        try:
            yield
        finally:
            self.phase = before


class _Rows:
    """A cursor whose rows were fetched already."""

    def __init__(self, cursor: Any) -> None:
        self.connection = None  # the store says nothing more with it
        self.rownumber = cursor.rownumber
        self.rowcount = cursor.rowcount
        self.rows: list[tuple[Any, ...]] = [] if cursor.rownumber is None else cursor.fetchall()

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows."""
        return self.rows

    def fetchone(self) -> tuple[Any, ...] | None:
        """The first row."""
        return self.rows[0] if self.rows else None

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)


@contextmanager
def recorded() -> Iterator[Recording]:
    """Record what every thread says through `core.db` while the block runs."""
    recording = Recording()
    kind = StoreDatabase

    def execute_sql(sql: str, params: Sequence[Any] | None = None, named_cursor: bool | None = None) -> _Rows:
        rows = _Rows(kind.execute_sql(db, sql, params, named_cursor))
        recording.steps.append(Step(sql, params, rows.rows, recording.phase))
        return rows

    def begin(*arguments: Any) -> None:
        kind.begin(db, *arguments)
        recording.steps.append(Step(BEGIN, None, [], recording.phase))

    def commit() -> None:
        wakes = [[wake.channel, wake.payload] for wake in db.wakes]
        kind.commit(db)
        recording.steps.append(Step(COMMIT, wakes, [], recording.phase))

    changed: dict[str, Any] = {"execute_sql": execute_sql, "begin": begin, "commit": commit}
    for name, instead in changed.items():
        setattr(db, name, instead)  # on the object: the class stays as it is
    try:
        yield recording
    finally:
        for name in changed:
            delattr(db, name)


def _is_uncounted(sql: str) -> bool:
    return sql in _UNCOUNTED or "set_config(" in sql
