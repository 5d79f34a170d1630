"""Wakes ride behind COMMIT: NOTIFY inside a transaction makes every such commit of the database wait for every other.

PostgreSQL keeps one lock for all of a database's notices from the moment before a commit until the disk has it (so that
all listeners hear them in one order). With a notice in each commit of an order, orders waited for the disk one after
another. So COMMIT and the notice travel in one message, as two transactions: the first waits for the disk and holds no
lock, the second holds the lock and waits for nothing, since nothing is lost with it (docs/adr/0033).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import errors, generators
from psycopg.pq import Escaping, ExecStatus, TransactionStatus

DOORS = "keystall_wake"
"""Where doors listen for the chats, payments and pages of those who wait; the payload is a topic."""

WORKERS = "keystall.q.work"
"""Where workers listen for queue rows (the name is huey's)."""

_UNWAITED = b"SELECT set_config('synchronous_commit', 'off', true)"


@dataclass(frozen=True, slots=True)
class Wake:
    """A hint to whoever listens on a channel of the database; it says where to look, never what there is."""

    channel: str
    payload: str = ""


def commit_text(connection: psycopg.Connection[Any], wakes: Iterable[Wake]) -> bytes:
    """COMMIT, and the wakes in a transaction of their own behind it: one message of the simple protocol."""
    told = wake_text(connection, wakes)
    return b"COMMIT; " + told if told else b"COMMIT"


def check_stands(connection: psycopg.Connection[Any]) -> None:
    """Raise `InFailedSqlTransaction` where a statement failed and nobody rolled back.

    PostgreSQL answers COMMIT with ROLLBACK then, and no error: work that is lost would be told as done.
    """
    if connection.info.transaction_status == TransactionStatus.INERROR:
        raise errors.InFailedSqlTransaction("a statement failed before COMMIT: nothing is kept")


def wake_text(connection: psycopg.Connection[Any], wakes: Iterable[Wake]) -> bytes:
    """A statement whose transaction wakes and does not wait for the disk; empty without any wakes."""
    quoted = Escaping(connection.pgconn).escape_literal
    calls = [b"pg_notify(%s, %s)" % (quoted(wake.channel.encode()), quoted(wake.payload.encode())) for wake in wakes]
    return b", ".join([_UNWAITED, *calls]) if calls else b""


def said(connection: psycopg.Connection[Any], text: bytes) -> None:
    """Say a text without parameters, in one round trip, and raise what its first statement raises.

    What a wake behind it raises (the database's queue of notices is full) is nobody's error: the work is committed,
    and who listens looks again by itself after a while.
    """
    with connection.lock:
        connection.pgconn.send_query(text)
        first = connection.wait(generators.execute(connection.pgconn))[0]
    if first.status == ExecStatus.FATAL_ERROR:
        raise errors.error_from_result(first, connection.info.encoding)
