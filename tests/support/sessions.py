"""Sessions that a test has closed, kept for the next: what a new one reads of the catalogs costs 15 ms of processor.

As a pooler hands them out: rolled back and with DISCARD ALL said, which leaves of a session what it began with. On our
side of it everything is new.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import ConnStatus, ExecStatus, PGconn, TransactionStatus

from ops.processes.queue import APPLICATION_NAME

AT_MOST = 2
"""Sessions of one login to one database; a race has 24, and the server 300 for all."""

NAMES = {None, "keystall", "keystall panel", APPLICATION_NAME}
"""What sessions are called that nobody looks for: by that of one which listens, others see that a process is there."""

Connection = psycopg.Connection[Any]
_ENDS = (TransactionStatus.IDLE, TransactionStatus.INTRANS, TransactionStatus.INERROR)


class Sessions:
    """Those of databases that are handed out again, for this process alone and not for one that was forked from it."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._databases: set[str] = set()
        self._idle: dict[str, list[PGconn]] = {}  # by all that was asked for when it was begun

    def keep(self, database: str) -> None:
        """From now on, sessions there are kept."""
        with self._lock:
            self._databases.add(database)

    def forget(self, database: str) -> None:
        """End those that are kept there, and keep no others."""
        with self._lock:
            self._databases.discard(database)
            for session in [one for kept in self._idle.values() for one in kept if one.db == database.encode()]:
                session.finish()
            self._idle = {asked: alive for asked, kept in self._idle.items() if (alive := _open(kept))}

    def of(self, database: str) -> list[int]:
        """The server's processes of those that are kept."""
        with self._lock:
            return [one.backend_pid for kept in self._idle.values() for one in kept if one.db == database.encode()]

    def take(self, asked: str) -> PGconn | None:
        """One that was begun in the same way, and still answers."""
        if os.getpid() != self._process:
            return None
        while True:
            with self._lock:
                kept = self._idle.get(asked)
                if not kept:
                    return None
                session = kept.pop()
            if not _has_unread(session):
                return session
            session.finish()

    def give(self, asked: str, session: PGconn) -> bool:
        """Keep it if it can be kept; False: it is to be closed."""
        if conninfo_to_dict(asked).get("application_name") not in NAMES:
            return False
        with self._lock:
            full = len(self._idle.get(asked, ())) >= AT_MOST or session.db.decode() not in self._databases
        if full or os.getpid() != self._process or not _is_as_it_began(session):
            return False
        with self._lock:
            self._idle.setdefault(asked, []).append(session)
        return True

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Every connection of psycopg that this process opens and closes meanwhile comes from here and goes here."""
        opened, closed, ended = psycopg.Connection._connect_gen.__func__, psycopg.Connection.close, _ended()

        def connect(cls: type[Connection], asked: str = "") -> Generator[Any, Any, Connection]:
            kept = self.take(asked)
            connection = cls(kept) if kept else (yield from opened(cls, asked))
            connection.asked = asked
            return connection

        def close(connection: Connection) -> None:
            asked = vars(connection).pop("asked", None)
            if asked is not None and not connection.closed and self.give(asked, connection.pgconn):
                connection._closed, connection.pgconn = True, ended
            closed(connection)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(psycopg.Connection, "_connect_gen", classmethod(connect))
            patch.setattr(psycopg.Connection, "close", close)
            yield


def _open(sessions: list[PGconn]) -> list[PGconn]:
    return [one for one in sessions if one.status == ConnStatus.OK]


def _ended() -> PGconn:
    """What a closed connection has."""
    session = PGconn.connect_start(b"host=/nowhere")
    session.finish()
    return session


def _has_unread(session: PGconn) -> bool:
    look = select.poll()
    look.register(session.socket, select.POLLIN)
    return bool(look.poll(0))


def _is_as_it_began(session: PGconn) -> bool:
    """Bring it back there; False: it has ended, or is in the middle of something."""
    if session.status != ConnStatus.OK or session.transaction_status not in _ENDS or _has_unread(session):
        return False
    steps = [b"DISCARD ALL"] if session.transaction_status == TransactionStatus.IDLE else [b"ROLLBACK", b"DISCARD ALL"]
    return all(session.exec_(step).status == ExecStatus.COMMAND_OK for step in steps)
