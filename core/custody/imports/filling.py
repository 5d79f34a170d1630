"""Sees import jobs to their end: again after a decoder that died or a database that went away.

Once a chunk is committed its cards' fingerprints are taken, so from then on a job is never thrown away: it goes on, or
its batch goes on sale with the rows that were read, and says that the rest was not.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

import peewee
import structlog

from core import db
from core.custody.imports import import_sql as sql
from core.custody.imports.cancelling import finish as finish_cancelling
from core.custody.imports.decoding import DecoderDied
from core.custody.imports.importing import AlreadyMoved, Counts, Importer, Progress
from core.custody.imports.jobs import ImportRefused, give_up, left_behind
from core.custody.imports.preparing import Job
from core.vault.primitives import SealError
from core.workbooks.problems import FileRefused

PAUSES = (1.0, 5.0, 20.0)
"""Seconds before an import is tried again, by how often it came no further."""

LOOK_EVERY = 30.0
"""Seconds between two looks for imports that were left; one that fails is left alone twice as long each time."""

LONGEST_REST = 1800.0
_AWAY = (peewee.OperationalError, peewee.InterfaceError, AlreadyMoved, OSError)

log = structlog.get_logger()


class ImportCancelled(Exception):
    """Somebody took the import back while it ran."""


class ImportLeft(Exception):
    """The import is not at its end; the vault goes on with it by itself."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What an import came to; `unread`: the file could not be read to its end, the counts are of the rows before."""

    counts: Counts
    unread: bool


class Filler:
    """Runs jobs, each in one thread at a time."""

    def __init__(self, importer: Importer) -> None:
        self._importer = importer
        self._turn = threading.Condition()
        self._running: set[UUID] = set()
        self._resting: dict[UUID, tuple[int, float]] = {}
        self.stop = threading.Event()

    def fill(self, job: Job, progress: Progress) -> Filled:
        """Import what is left of a job, trying again while that may help.

        Raises `FileRefused` or `SealError` when not one row was stored (then the job has ended), `ImportCancelled`,
        `ImportLeft`.
        """
        with self._alone(job.id):
            tries = 0
            while True:
                try:
                    now = self._as_it_stands(job)
                    if isinstance(now, Filled):
                        return now
                    tries, job = (0 if now.rows_done > job.rows_done else tries), now
                    return self._tried(job, progress, last=tries >= len(PAUSES))
                except (DecoderDied, *_AWAY) as problem:
                    log.warning("an import was interrupted", batch=str(job.batch), kind=type(problem).__name__)
                    too_often = tries >= len(PAUSES) and not isinstance(problem, DecoderDied)
                    if too_often or self.stop.wait(PAUSES[min(tries, len(PAUSES) - 1)]):
                        raise ImportLeft from problem
                    tries += 1

    def keep_going(self) -> None:
        """Go on with what a crash or an absence left behind, until `stop` is set."""
        while True:
            self.resume()
            if self.stop.wait(LOOK_EVERY):
                return

    def resume(self) -> None:
        """Once: every job that was left and is not resting after a failure; one that fails stops no other."""
        with db.connection():
            try:
                rows = db.execute(sql.UNFINISHED_JOBS)
            except _AWAY as error:
                log.warning("the vault cannot look for imports", kind=type(error).__name__)
                return
            for row in rows:
                failures, until = self._resting.get(row[0], (0, 0.0))
                if row[0] in self._running or time.monotonic() < until:
                    continue
                try:
                    job = left_behind(self._importer.vault, row)
                    log.info("an import goes on", batch=str(job.batch), rows_done=job.rows_done)
                    self.fill(job, lambda done, about: None)
                    self._resting.pop(row[0], None)
                except ImportCancelled:
                    log.info("an import was taken back", batch=str(row[2]))
                except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the others go on
                    rest = min(LONGEST_REST, LOOK_EVERY * 2**failures)
                    self._resting[row[0]] = failures + 1, time.monotonic() + rest
                    log.error("an import could not go on", job=str(row[0]), kind=type(error).__name__)

    def _tried(self, job: Job, progress: Progress, *, last: bool) -> Filled:
        try:
            return Filled(self._importer.run(job, progress=progress), unread=False)
        except (FileRefused, SealError) as refused:
            now = self._as_it_stands(job)
            if isinstance(now, Filled):
                return now
            if not now.rows_done:
                if not give_up(job, error=str(refused), now=self._importer.now()):
                    self._as_it_stands(job)  # says what became of it meanwhile
                raise _for_good(refused) from None
            if isinstance(refused, DecoderDied) and not (last and now.rows_done == job.rows_done):
                raise
            log.error("a file could not be read to its end", batch=str(job.batch), rows_done=now.rows_done)
            return Filled(self._importer.finish_early(now, error=str(refused)), unread=True)

    def _as_it_stands(self, job: Job) -> Job | Filled:
        """The job with the progress that the table knows, or its counts if it is done.

        Raises `ImportRefused`, `ImportCancelled` (then what was there is taken back).
        """
        state, done, error, *counts = db.execute(sql.JOB_STANDING, (job.id,))[0]
        if state in ("cancelling", "cancelled"):
            finish_cancelling(job.id, job.batch, now=self._importer.now())
            raise ImportCancelled
        if state == "failed":
            raise ImportRefused("the import was given up: no row of its file was imported")
        return Filled(Counts(*counts), unread=error is not None) if state == "done" else replace(job, rows_done=done)

    @contextlib.contextmanager
    def _alone(self, job: UUID) -> Iterator[None]:
        with self._turn:
            self._turn.wait_for(lambda: job not in self._running)
            self._running.add(job)
        try:
            yield
        finally:
            with self._turn:
                self._running.discard(job)
                self._turn.notify_all()


def _for_good(refused: FileRefused | SealError) -> FileRefused | SealError:
    """A refusal that no further try follows."""
    return FileRefused(refused.problem) if isinstance(refused, DecoderDied) else refused
