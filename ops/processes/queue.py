"""The queue that the worker takes work from: huey over our own tables, whose rows are untrusted data.

huey pickles by default, and one INSERT by another role would then run code here. A row is exactly one kind and one
reference (core.work); anything else is dropped and alerted. What huey could keep besides (results, schedules, locks,
revocations, counters) is off: nothing that was stored is ever turned into an object.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

import psycopg
import structlog
from huey.api import Huey, Task
from huey.constants import EmptyData
from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import PostgresStorage

from core.db import is_shared
from core.work import QUEUE, Work, decode, encode, enqueue

TABLE_PREFIX = "keystall"
APPLICATION_NAME = "keystall-worker"
LISTENING_NAME = "keystall-worker-listens"
"""The name of a worker's connections that listen: by them others see that a worker is there."""

LISTEN_SECONDS = 1.0  # how long a thread listens before it looks for a stop and for rows again
KEEPALIVES: dict[str, Any] = {
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "connect_timeout": 5,
}

Handler = Callable[[UUID], object]
Forged = Callable[[bytes], None]

log = structlog.get_logger()


class WorkStorage(PostgresStorage):
    """Takes rows with the worker's login, listens with the login that may only listen; keeps nothing else."""

    def __init__(self, name: str = QUEUE, *, take_url: str, listen_url: str) -> None:
        super().__init__(
            name,
            dsn=take_url,
            blocking=True,
            read_timeout=LISTEN_SECONDS,
            table_prefix=TABLE_PREFIX,
            create_tables=False,
            application_name=APPLICATION_NAME,
            **KEEPALIVES,
        )
        self._listen_url = listen_url
        self._listening: list[psycopg.Connection[Any]] = []
        self._listening_lock = threading.Lock()

    def _create_connection(self) -> psycopg.Connection[Any]:
        connection: psycopg.Connection[Any] = super()._create_connection()
        if is_shared(connection):
            connection.prepare_threshold = None
        return connection

    def _listen_conn(self) -> psycopg.Connection[Any]:
        local = self._listen_local
        connection: psycopg.Connection[Any] | None = getattr(local, "conn", None)
        if connection is not None and not (connection.closed or connection.broken):
            return connection
        connection = psycopg.connect(self._listen_url, autocommit=True, application_name=LISTENING_NAME, **KEEPALIVES)
        with self._listening_lock:
            self._listening = [*(one for one in self._listening if not one.closed), connection]
        connection.execute(f'LISTEN "{self.channel}"')
        local.conn = connection
        return connection

    def dequeue(self) -> bytes | None:
        """The next row, or None after a second without any; it listens before it looks: no commit slips between."""
        self._listen_conn()
        row: bytes | None = super().dequeue()
        return row

    def close(self) -> bool:
        """Close the taking connection and every listening one, also those of threads that have ended."""
        with self._listening_lock:
            listening, self._listening = self._listening, []
        for connection in listening:
            connection.close()
        return bool(super().close())

    def enqueue(self, data: bytes, _priority: float | None = None) -> None:
        """Join the caller's transaction: the row is written through the store's own connection."""
        enqueue(*decode(data))

    # What huey would keep beside the rows: reads find nothing, writes are refused.

    def read_schedule(self, ts: datetime) -> list[bytes]:
        """Nothing is scheduled here: what is due is found by the sweeps."""
        return []

    def peek_many(self, keys: Sequence[object]) -> dict[str, bytes]:
        """No revocations."""
        return {}

    def peek_data(self, key: object) -> object:
        """Nothing is stored."""
        return EmptyData

    def pop_data(self, key: object) -> object:
        """Nothing is stored."""
        return EmptyData

    def has_data_for_key(self, key: object) -> bool:
        """Nothing is stored."""
        return False

    def put_data(self, key: object, value: bytes, is_result: bool = False) -> NoReturn:
        """No results, revocations or locks."""
        raise TypeError("the queue keeps rows of work only")

    def put_if_empty(self, key: object, value: bytes, ttl: int | None = None) -> NoReturn:
        """No locks."""
        raise TypeError("the queue keeps rows of work only")

    def add_to_schedule(self, data: bytes, ts: datetime) -> NoReturn:
        """No schedule."""
        raise TypeError("the queue keeps rows of work only")

    def incr(self, key: object, amount: int = 1) -> NoReturn:
        """No chords."""
        raise TypeError("the queue keeps rows of work only")


class ReferenceSerializer(Serializer):
    """A row's bytes are JSON with a kind and a reference, in both directions; pickle is never called."""

    def __init__(self, task_name: str) -> None:
        super().__init__()
        self._task_name = task_name

    def _serialize(self, data: object) -> bytes:
        if not isinstance(data, Message) or data.kwargs or len(data.args) != 2:
            raise TypeError("only a kind of work and its reference are queued")
        return encode(*data.args)

    def _deserialize(self, data: bytes) -> Message:
        return Message(name=self._task_name, args=decode(data), kwargs={})


class WorkQueue(Huey):
    """huey with one task: look up the handler of the row's kind and call it with the row's reference."""

    def __init__(self, *, take_url: str, listen_url: str, do: Callable[[Work, UUID], None], forged: Forged) -> None:
        super().__init__(
            QUEUE,
            results=False,
            serializer=ReferenceSerializer(f"{do.__module__}.work"),
            storage_class=WorkStorage,
            take_url=take_url,
            listen_url=listen_url,
        )
        self._forged = forged
        self.task(name="work")(do)
        logging.getLogger("huey").setLevel(logging.WARNING)

    def dequeue(self) -> Task | None:
        """The next piece of work, or None when a while went by without any; a forged row is dropped and alerted."""
        row: bytes | None = self.storage.dequeue()
        if row is None:
            return None
        try:
            return self.deserialize_task(row)
        except (ValueError, RecursionError):
            self._forged(row)
            return None
