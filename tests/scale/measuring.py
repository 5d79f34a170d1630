"""What is measured on a filled store: checkpoints, `verify`, and a `verify --full` that is killed and goes on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core import db
from core.reports import checks
from core.reports.full import Reading, find_reading, read_everything
from core.reports.vouching import recount, standing
from tests.scale.filling import Sql
from tests.support.books import Books

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Size:
    """What a store has."""

    orders: int
    cards: int
    transfers: int
    accounts: int
    audit: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds, and what was found; `killed_at` is where the killed reading stood, `reread` what it read again."""

    size: Size
    checkpoints: int
    checkpointing: float
    verifying: float
    violations: int
    killed_at: str
    reading: float
    is_clean: bool


def size_of(sql: Sql) -> Size:
    """Exact counts."""
    tables = ("shop_order", "card", "transfer", "account", "audit_entry")
    return Size(*(int(sql(f"SELECT count(*) FROM {table}")[0][0]) for table in tables))


class Store:
    """A filled database with its vault."""

    def __init__(self, urls: dict[str, str], sql: Sql, folder: Path) -> None:
        self._urls, self._sql = urls, sql
        self._books = Books(urls, folder / "vault")
        self._began = self._now = datetime.now(UTC)

    @property
    def days(self) -> int:
        """How many days from now the last checkpoint was made: what is sold next is sold then."""
        return (self._now - self._began).days

    def close(self) -> tuple[int, float]:
        """Two checkpoints a day apart (more where a period is full), so that what was sold is old."""
        began = time.monotonic()
        made = 0
        for _ in range(2):
            self._now += DAY
            made += self._books.checkpoint(self._now)
        return made, time.monotonic() - began

    def verify(self) -> tuple[int, float]:
        """The violations that `verify` finds, the vault's word included, and its seconds."""
        vouched = self._books.vouch()
        with self._as_worker():
            began = time.monotonic()
            found = checks.verify()
            wrong = standing(_Said(vouched)).wrong
            recounted = recount()
            took = time.monotonic() - began
        for sentence in (*wrong, *recounted.wrong, *recounted.unseen):
            print(f"  {sentence}", flush=True)
        return sum(one.violations for one in found) + len(wrong) + len(recounted.wrong), took

    def killed_after(self, seconds: float) -> Reading | None:
        """Where a `verify --full` stands that was killed after so long; None where it had ended before."""
        db.disconnect()
        child = os.fork()
        if child == 0:
            db.connect(self._urls["worker"], size=2)
            read_everything(again=True, now=self._now, told=lambda stage, done, of: None)
            os._exit(0)
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with self._as_worker():
            reading = find_reading()
        return reading if reading is not None and reading.ended_at is None else None

    def read(self, tell: Callable[[str], None]) -> tuple[Reading, float]:
        """Go on with it to its end."""
        told = {"at": time.monotonic()}

        def say(stage: str, done: int, of: int) -> None:
            if time.monotonic() > told["at"] + 10:
                told["at"] = time.monotonic()
                tell(f"  {stage} {done:,}" + (f" of {of:,}" if of else ""))

        with self._as_worker():
            began = time.monotonic()
            reading = read_everything(again=False, now=self._now, told=say)
            return reading, time.monotonic() - began

    @contextmanager
    def _as_worker(self) -> Iterator[None]:
        db.connect(self._urls["worker"], size=2)
        try:
            yield
        finally:
            db.disconnect()


class _Said:
    """The vault's answer, asked before."""

    def __init__(self, vouched: object) -> None:
        self.vouch_for_books = lambda: vouched


def measure(store: Store, sql: Sql, *, kill_after: float, tell: Callable[[str], None]) -> Measured:
    """Checkpoint, verify, kill a full reading, and have it end."""
    made, checkpointing = store.close()
    violations, verifying = store.verify()
    killed = store.killed_after(kill_after)
    reading, took = store.read(tell)
    return Measured(
        size=size_of(sql),
        checkpoints=made,
        checkpointing=checkpointing,
        verifying=verifying,
        violations=violations,
        killed_at=f"{killed.stage.value} {killed.position}".strip() if killed else "its end",
        reading=took,
        is_clean=reading.is_clean,
    )
