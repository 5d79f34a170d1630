"""The one database: PostgreSQL through peewee on psycopg 3; errors lose the rows that they would quote."""

from __future__ import annotations

import contextlib
import random
import select
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, TypeVar, cast

import peewee
import psycopg
from playhouse.pool import MaxConnectionsExceeded
from playhouse.postgres_ext import PooledPsycopg3Database, Psycopg3Database

from core.troubles import as_peewee, told_by_peewee, without_rows
from core.waking import Wake, check_stands, commit_text, said, wake_text

Result = TypeVar("Result")
Params = Sequence[Any] | Mapping[str, Any]

SESSION_OPTIONS = "-c timezone=UTC -c statement_timeout=30000 -c idle_in_transaction_session_timeout=60000"
"""What every session of the store asks for when it begins."""

RETRIED = {"40001", "40P01", "55P03"}  # serialization failure, deadlock, lock not available
GONE = {"57P01", "57P02", "57P03", "08000", "08003", "08006"}  # the server went away before it could answer


FEW = 100
"""A cursor keeps the answer that it gave last: after more rows than this it is not kept for the next statement."""


class OutcomeUnknown(peewee.OperationalError):
    """The answer to COMMIT was lost: whether the work was done is not known. Look before doing it again."""


class ThreadConnections(threading.local):
    """Of this thread: how many outer scopes manage its connection, whom its transaction will wake (once each), and a
    cursor that nobody reads any more.
    """

    def __init__(self) -> None:
        self.depth = 0
        self.wakes: dict[Wake, None] = {}
        self.spare: psycopg.Cursor[Any] | None = None


_scope = ThreadConnections()


class SharedSessions(Psycopg3Database):
    """New connections notice a pooler in between: a statement that is prepared there belongs to somebody else next."""

    def _connect(self) -> Any:
        connection = super()._connect()
        if is_shared(connection):
            connection.prepare_threshold = None
        return connection


def is_shared(connection: psycopg.Connection[Any]) -> bool:
    """Whether the sessions behind it are handed out by a pooler (PgBouncer): not the one that greeted us answers."""
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return row is not None and row[0] != connection.info.backend_pid


class StoreDatabase(PooledPsycopg3Database, SharedSessions):
    """Pooled connections; a database error keeps SQLSTATE and constraint name and drops the failing row."""

    def execute_sql(self, sql: str, params: Params | None = None, named_cursor: bool | None = None) -> Any:
        """Peewee's own way without what the store has no use for: it took as long as psycopg's part of a statement."""
        try:
            if named_cursor:
                return super().execute_sql(sql, params, named_cursor)
            return self._free_cursor().execute(sql, params or ())
        except psycopg.Error as error:
            raise as_peewee(error) from None
        except peewee.DatabaseError as error:
            raise without_rows(error) from None

    def _free_cursor(self) -> psycopg.Cursor[Any]:
        """The cursor that was given back last, which knows the types already, or a new one."""
        connection, spare = self.connection(), _scope.spare
        _scope.spare = None
        if spare is not None and spare.connection is connection and not spare.closed:
            return spare
        return cast("psycopg.Cursor[Any]", connection.cursor())

    def begin(self, isolation_level: str | None = None) -> None:
        """Begin a transaction that wakes nobody yet."""
        _scope.wakes.clear()
        if isolation_level:
            super().begin(isolation_level)
            return
        with told_by_peewee:
            said(self.connection(), b"BEGIN")

    def commit(self) -> None:
        """Commit; what a deferred constraint says at this point is cleaned as well. Raises `OutcomeUnknown`."""
        was_lost = self.is_lost()  # then COMMIT is never sent
        try:
            self.send_commit()
        except (peewee.DatabaseError, peewee.InterfaceError) as error:
            clean = without_rows(error)
            if not was_lost and (sqlstate(clean) in GONE or self.is_lost()):
                raise OutcomeUnknown("the answer to COMMIT was lost") from None
            raise clean from None

    def send_commit(self) -> None:
        """Say COMMIT and, in the same message, wake whoever waits for what is committed."""
        if self.is_closed():
            raise peewee.InterfaceError("Cannot commit, database connection not open.")
        connection, wakes = self.connection(), self.wakes
        _scope.wakes.clear()
        with told_by_peewee:
            check_stands(connection)
            said(connection, commit_text(connection, wakes))

    def wake(self, wake: Wake) -> None:
        """Wake once this thread's transaction is committed, or now where there is none."""
        if self.in_transaction():
            _scope.wakes[wake] = None
            return
        connection = self.connection()
        with told_by_peewee, contextlib.suppress(psycopg.errors.ProgramLimitExceeded):  # nobody reads the notices
            said(connection, wake_text(connection, [wake]))

    @property
    def wakes(self) -> tuple[Wake, ...]:
        """Whom this thread's commit will wake."""
        return tuple(_scope.wakes)

    def rollback(self) -> None:
        """Roll back; a lost connection has done so by itself, and what lost it is the error to tell."""
        try:
            super().rollback()
        except (peewee.OperationalError, peewee.InterfaceError):
            if not self.is_lost():
                raise

    def _is_closed(self, conn: psycopg.Connection[Any]) -> bool:
        """Whether a connection of the pool has ended; the server is asked only where its socket holds something unread.

        Asking each time (peewee's way) is a round trip for which every thread that wants a connection waits.
        """
        if conn.closed:
            return True
        if conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE and not _has_unread(conn):
            return False
        return bool(super()._is_closed(conn))

    def is_lost(self) -> bool:
        """Whether this thread has no connection to a server (any more)."""
        return bool(self.is_closed() or self.connection().closed)


def _has_unread(connection: psycopg.Connection[Any]) -> bool:
    """Whether the server has said something that nobody asked for, its end among it."""
    look = select.poll()
    look.register(connection.fileno(), select.POLLIN)
    return bool(look.poll(0))


db = StoreDatabase(None)


class Row(peewee.Model):
    """Base of all models."""

    class Meta:
        database = db
        legacy_table_names = False


def connect(url: str, *, size: int = 16) -> None:
    """Point the store at a database: `url` is a postgresql:// URL of one role, `size` the most connections."""
    disconnect()
    db.init(
        url,
        max_connections=size,
        timeout=10,
        application_name="keystall",
        options=SESSION_OPTIONS,
    )


def disconnect() -> None:
    """Close every connection, also those that other threads use; the next use opens new ones."""
    if not db.deferred:
        db.close_all()


def close() -> None:
    """Close every connection of the pool that no thread is using, and this thread's own."""
    if not db.is_closed():
        db.close()
    db.close_idle()


def execute(sql: str, params: Params = ()) -> list[tuple[Any, ...]]:
    """Run one fixed statement and return all its rows (an empty list where it returns none)."""
    cursor = db.execute_sql(sql, params)
    if cursor.rownumber is None:  # `description` would make an object of each column
        return []
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    if len(rows) <= FEW:
        _scope.spare = cursor
    return rows


def changed(sql: str, params: Params = ()) -> int:
    """Run one fixed writing statement and return its row count."""
    return int(db.execute_sql(sql, params).rowcount)


def wake(channel: str, payload: str = "") -> None:
    """Hint to who listens on a channel, once the caller's transaction is committed (now, without one).

    A hint may be lost with its process or the server: whoever listens looks again by itself, and when it has connected.
    """
    db.wake(Wake(channel, payload))


def copy_in(sql: str, parts: Iterable[bytes]) -> None:
    """Send rows by one fixed `COPY … FROM STDIN`, in the caller's transaction; `parts` together as its format wants."""
    try:
        with told_by_peewee, db.connection().cursor() as cursor, cursor.copy(sql) as copy:
            for part in parts:
                copy.write(part)
    except peewee.DatabaseError as error:
        raise without_rows(error) from None


@contextlib.contextmanager
def planned_each_time() -> Iterator[None]:
    """Statements in this block are planned anew each time: a plan kept from few rows joins 20,000 one by one.

    `plan_cache_mode` would do that to the checks of foreign keys as well, which doubles what a row costs.
    """
    connection = db.connection()
    kept, connection.prepare_threshold = connection.prepare_threshold, None
    try:
        yield
    finally:
        connection.prepare_threshold = kept


def atomic() -> AbstractContextManager[Any]:
    """A transaction, or a savepoint inside one."""
    return cast("AbstractContextManager[Any]", db.atomic())


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database did not answer, which tells nothing about what was asked of it."""
    return isinstance(error, peewee.OperationalError | peewee.InterfaceError | MaxConnectionsExceeded)


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE of a cleaned database error, or None."""
    return getattr(error, "sqlstate", None)


def constraint(error: BaseException) -> str | None:
    """The name of the constraint that a cleaned database error broke, or None."""
    return getattr(error, "constraint", None)


def in_transaction(work: Callable[[], Result], *, repeatable: bool = False, tries: int = 5) -> Result:
    """Run `work` in one transaction; again, with jitter, at most `tries` times, where that is right.

    Right after a deadlock or a serialization failure, and where the connection was lost before COMMIT was sent: nothing
    was done then, provided that all effects of `work` are in the database. When the answer to COMMIT was lost, the work
    may be done: only work that is `repeatable`, because a submission or a state that it finds lets it take effect once,
    runs again; other work raises `OutcomeUnknown`. Raises the last error when the tries are used up.
    """
    for attempt in range(1, tries + 1):
        try:
            with db.atomic():
                return work()
        except (peewee.OperationalError, peewee.InterfaceError, peewee.InternalError) as error:
            if db.in_transaction():  # a part of a greater transaction, which is tried again as a whole
                raise
            lost = isinstance(error, OutcomeUnknown) or sqlstate(error) in GONE or db.is_lost()
            if lost and not db.is_closed():
                db.close()
            right = repeatable if isinstance(error, OutcomeUnknown) else lost or sqlstate(error) in RETRIED
            if attempt == tries or not right:
                raise
            time.sleep(random.uniform(0.5, 1.5) * 0.02 * 2**attempt)  # noqa: S311 - jitter, not a secret
    raise AssertionError("unreachable: the last try returns or raises")


def database_now() -> datetime:
    """The database's own time (UTC, aware): what `DatabaseClock` measures. Takes no connection along."""
    with connection():
        return cast("datetime", execute("SELECT clock_timestamp()")[0][0])


class connection(AbstractContextManager[None]):  # noqa: N801 - reads as a phrase: with db.connection()
    """A scope that gives this thread's connection back to the pool at its end; scopes may nest.

    Inside a transaction it gives nothing back: the connection belongs to whoever began that.
    """

    def __enter__(self) -> None:
        _scope.depth += 1

    def __exit__(self, *_: object) -> None:
        _scope.depth -= 1
        if _scope.depth == 0 and not db.is_closed() and not db.in_transaction():
            _scope.spare = None
            db.close()
