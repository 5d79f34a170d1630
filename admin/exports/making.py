"""Makes the file of an export: where its rows come from, and how it goes out piece by piece."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from admin.exports.cells import BOM, Value, csv_lines
from admin.exports.kinds import SORTS
from admin.exports.reading import batches
from admin.exports.workbook import write_workbook
from admin.platform.trail import first_from
from admin.reading import reading
from admin.reports.asked import number
from admin.reports.sales import told_profit
from bot.texts import Texts
from core import db
from core.ids import STRAY, first_id
from core.parties.rules import PLATFORM_ROLES
from core.parties.staff_sessions import StaffSession
from core.reports.exporting import ExportKind, end_export
from core.settlement.service import claim_views
from core.settlement.statement import statement_of

PIECE = 64 * 1024
AT_ONCE = 2
"""Exports of one process: each keeps a thread and a connection for as long as its reader takes."""

STATEMENT_DAYS = timedelta(days=365)
"""A statement is asked for in stretches, so that no answer grows with the range."""

slots = threading.BoundedSemaphore(AT_ONCE)
log = structlog.get_logger()


@dataclass
class Export:
    """One export under way; `now` is asked again at its end; `only`: the report's filters. `rows` counts what left."""

    session: StaffSession
    said: Texts
    id: UUID
    kind: ExportKind
    first: date
    last: date
    only: Mapping[str, str]
    now: Callable[[], datetime]
    gone: Future[Any] | None = None
    rows: int = 0
    is_whole: bool = field(default=False, init=False)
    folder: tempfile.TemporaryDirectory[str] | None = field(default=None, init=False)
    _has_ended: bool = field(default=False, init=False)

    @property
    def titles(self) -> list[str]:
        """The first row."""
        return [self.said.say(called) for called in SORTS[self.kind].columns[: self._width]]

    @property
    def _width(self) -> int:
        """How many columns somebody with these roles is told."""
        sort = SORTS[self.kind]
        return len(sort.columns) - (0 if told_profit(self.session.roles) else sort.profits)

    def pieces(self) -> Generator[bytes]:
        """The file as CSV. The slot is given back and the end written down, whichever way this ends."""
        try:
            yield BOM + csv_lines([self.titles])
            for rows in self._rows():
                self.rows += len(rows)
                yield csv_lines(rows)
                if self._has_gone():
                    return
            self.is_whole = True
        finally:
            self.end()

    def workbook(self) -> Generator[bytes]:
        """The file as a workbook, made whole before its first piece. Raises `TooLong` and OSError before that."""
        try:
            self.folder = tempfile.TemporaryDirectory(prefix="keystall-export-")
            file = Path(self.folder.name) / "export.xlsx"
            self.rows = write_workbook(file, self.titles, self._rows())
        except BaseException:
            self.end()
            raise
        return self._sent(file)

    def _sent(self, file: Path) -> Generator[bytes]:
        try:
            with file.open("rb") as whole:
                while piece := whole.read(PIECE):
                    yield piece
                    if self._has_gone():
                        return
            self.is_whole = True
        finally:
            self.end()

    def _rows(self) -> Iterator[list[list[Value]]]:
        sort = SORTS[self.kind]
        found = batches(self.session, sort.statement, self._asked()) if sort.statement else self._statement()
        with contextlib.closing(found):
            for rows in found:
                yield [sort.row(row, self.said)[: self._width] for row in rows]

    def _asked(self) -> dict[str, Any]:
        begin, end = self._from(self.first), self._from(self.last + timedelta(days=1))
        asked = {"first": self.first, "last": self.last, "begin": begin, "end": end, "party": self.session.party.id}
        asked |= {"all": bool(self.session.roles & PLATFORM_ROLES)}
        asked |= {name: self.only.get(name, "") for name in ("currency", "channel", "terms", "by")}
        asked |= {name: number(self.only.get(name, "")) for name in ("merchant", "supplier")}
        asked |= {"from_id": first_id(begin - STRAY), "to_id": first_id(end + STRAY)}
        if self.kind is ExportKind.AUDIT:
            with reading(self.session):
                asked |= {"from_entry": first_from(self.session, begin - STRAY)}
                asked |= {"to_entry": first_from(self.session, end + STRAY)}
        return asked

    def _statement(self) -> Generator[list[tuple[Any, ...]]]:
        """What changed each claim of the party, through the use case that pages ask too."""
        actor, party = self.session.actor, self.session.party.id
        for claim in claim_views(actor=actor, party_id=party, now=self.now()):
            asked = {"actor": actor, "party_id": party, "debtor_code": claim.debtor, "currency": claim.currency}
            day = self.first
            while day <= self.last:
                upto = min(day + STATEMENT_DAYS, self.last)
                lines = statement_of(**asked, first=day, last=upto, zone=self.said.zone)  # type: ignore[arg-type]
                yield [
                    (claim.debtor, claim.currency, one.day, one.code, one.count, one.came, one.went)
                    for one in sorted(lines, key=lambda line: (line.day, line.code))
                ]
                day = upto + timedelta(days=1)

    def _from(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.said.zone).astimezone(UTC)

    def _has_gone(self) -> bool:
        """Whether the reader went away: nothing more is read for nobody."""
        if self.gone is None or not self.gone.done():
            return False
        return self.gone.exception() is not None or self.gone.result().get("type") == "http.disconnect"

    def end(self) -> None:
        """Give the slot back and write down how many rows left; once, however often it is said."""
        if self._has_ended:
            return
        self._has_ended = True
        slots.release()
        if self.folder is not None:
            self.folder.cleanup()
        if self.gone is not None:
            self.gone.cancel()
        with db.connection():
            end_export(
                actor=self.session.actor, export_id=self.id, rows=self.rows, is_whole=self.is_whole, now=self.now()
            )
        log.info("exported", export=str(self.id), what=self.kind.value, rows=self.rows, is_whole=self.is_whole)


def leaving(body: Any) -> Future[Any] | None:
    """What is done once the reader of an answer is gone, where the server tells (a2wsgi's body of the request)."""
    receive, loop = getattr(body, "receive", None), getattr(body, "loop", None)
    return asyncio.run_coroutine_threadsafe(receive(), loop) if receive and loop else None
