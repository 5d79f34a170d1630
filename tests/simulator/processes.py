"""The store's processes in one thread: each with its database role and pool, each may be killed at any step.

No failpoint stands in the store's own code: what a process says to the database is counted here, and before or after
its n-th word it dies as by kill -9 (its transaction is gone, its memory too), or loses its connection and lives on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import peewee

from core import db


class Process(StrEnum):
    """Who is at work; the value is the short name of its database role."""

    WEB = "shop"
    WORKER = "worker"
    VAULT = "vault"


class How(StrEnum):
    """What happens at a failpoint."""

    KILLED = "killed"  # before its n-th statement or commit
    KILLED_AFTER_COMMIT = "killed after the commit"  # nobody hears that the n-th commit was done
    ANSWER_LOST = "answer lost"  # the n-th commit is done, its answer lost with the connection; the process lives
    CUT_OFF = "cut off"  # the connection is lost before its n-th statement; the process lives


IS_A_DEATH = frozenset({How.KILLED, How.KILLED_AFTER_COMMIT})
AT_A_COMMIT = frozenset({How.KILLED_AFTER_COMMIT, How.ANSWER_LOST})


@dataclass(frozen=True)
class Failpoint:
    """Where the next step fails: at the `at`-th statement or commit of `process` (of its commits alone, by `how`)."""

    process: Process
    how: How
    at: int

    def __str__(self) -> str:
        return f"{self.process.name.lower()} {self.how} at {self.at}"


class Killed(BaseException):
    """The process that was at work is gone; nothing that it does afterwards reaches the database."""


@dataclass
class Processes:
    """Connections of each process, and the failpoint that waits. Install with `installed`; one thread only."""

    urls: Mapping[str, str]
    now_running: Process = Process.WEB
    dead: set[Process] = field(default_factory=set)
    fired: bool = False
    has_fired: bool = False  # since the last failpoint was armed, also when nothing waits any more
    _armed: Failpoint | None = None
    _words: int = 0
    _pools: dict[Process, dict[str, Any]] = field(default_factory=dict)

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Take `core.db` over until the block ends."""
        kind, outside = type(db.db), vars(db.db)
        execute, commit = kind.execute_sql, kind.send_commit

        def counted_execute(this: db.StoreDatabase, *arguments: Any, **named: Any) -> Any:
            self._before_a_word()
            return execute(this, *arguments, **named)

        def counted_commit(this: db.StoreDatabase) -> None:
            self._before_a_word(may_be_cut=False)
            commit(this)
            self._after_a_commit()

        kind.execute_sql, kind.send_commit = counted_execute, counted_commit
        try:
            for process in Process:
                self._begin(process)
            self._be(Process.WEB)
            yield
        finally:
            kind.execute_sql, kind.send_commit = execute, commit
            for process in Process:
                self._be(process)
                db.disconnect()
            db.db.__dict__ = outside

    @contextlib.contextmanager
    def at_work(self, process: Process) -> Iterator[None]:
        """Until the block ends, what talks to the database is this process."""
        before = self.now_running
        self._be(process)
        try:
            with db.connection():
                yield
        finally:
            self._be(before)

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        """As the web process, for a look of the simulator's own: no failpoint counts it."""
        waiting, self._armed = self._armed, None
        try:
            with self.at_work(Process.WEB):
                yield
        finally:
            self._armed = waiting

    def arm(self, failpoint: Failpoint | None) -> None:
        """From now on this failpoint waits, and no other."""
        self._armed, self._words, self.fired = failpoint, 0, False
        self.has_fired = self.has_fired and failpoint is None

    @property
    def armed(self) -> Failpoint | None:
        """The failpoint that waits, or has waited."""
        return self._armed

    def restart(self, process: Process) -> None:
        """A process that died comes back with nothing but its settings: also its connections are new."""
        before = self.now_running
        self._begin(process)
        self.dead.discard(process)
        self._be(before)

    def _begin(self, process: Process) -> None:
        """An empty pool, once what a predecessor left behind is closed."""
        if process in self._pools:
            self._be(process)
            db.disconnect()
        self._pools[process] = vars(db.StoreDatabase(None))
        self._be(process)
        db.connect(self.urls[process.value], size=4)

    def _be(self, process: Process) -> None:
        self.now_running = process
        db.db.__dict__ = self._pools[process]

    def _before_a_word(self, *, may_be_cut: bool = True) -> None:
        if self.now_running in self.dead:
            raise Killed
        how = self._due(at_commit=False)
        if how is How.KILLED:
            self._die()
        if how is How.CUT_OFF and may_be_cut and not db.db.is_closed():
            self.fired = self.has_fired = True
            self._cut()

    def _after_a_commit(self) -> None:
        how = self._due(at_commit=True)
        if how is How.KILLED_AFTER_COMMIT:
            self._die()
        if how is How.ANSWER_LOST:
            self.fired = self.has_fired = True
            self._cut()
            raise peewee.OperationalError("server closed the connection unexpectedly")

    def _due(self, *, at_commit: bool) -> How | None:
        """What is due now, if this word is the one that the failpoint waits for."""
        armed = self._armed
        if armed is None or self.fired or armed.process is not self.now_running:
            return None
        if (armed.how in AT_A_COMMIT) is not at_commit:
            return None
        self._words += 1
        return armed.how if self._words == armed.at else None

    def _die(self) -> None:
        self.fired = self.has_fired = True
        self.dead.add(self.now_running)
        self._cut()
        raise Killed

    def _cut(self) -> None:
        """End the connection; the server rolls back, and has done so before anybody else says a word."""
        if not db.db.is_closed():
            connection = db.db.connection()
            connection.rollback()
            connection.close()
