"""Rows in the queue's table are untrusted data: whoever holds a database login can write them (fault 105)."""

import pickle
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from core import db
from core.clock import FixedClock
from core.errors import NotFound
from core.work import Work, encode, enqueue
from ops.processes.worker import Worker
from tests.attacks.queue_rows import FORGED, INSERT, RunsCode

Sql = Callable[..., list[tuple[Any, ...]]]


class Seen:
    """What handlers were called with, in order; `wait_for` returns once so many calls were made."""

    def __init__(self) -> None:
        self.calls: list[tuple[Work, UUID]] = []
        self._changed = threading.Condition()

    def handler(self, kind: Work) -> Callable[[UUID], None]:
        def handle(reference: UUID) -> None:
            with self._changed:
                self.calls.append((kind, reference))
                self._changed.notify_all()

        return handle

    def wait_for(self, count: int) -> list[tuple[Work, UUID]]:
        with self._changed:
            self._changed.wait_for(lambda: len(self.calls) >= count, timeout=10)
            return list(self.calls)


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def worker(urls: dict[str, str], clock: FixedClock, seen: Seen) -> Iterator[Worker]:
    handlers = {kind: seen.handler(kind) for kind in Work} | {Work.ALERT: lambda _: None}
    worker = Worker(
        take_url=urls["worker"], listen_url=urls["direct"], handlers=handlers, sweeps=[], clock=clock, threads=2
    )
    worker.start()
    yield worker
    worker.stop()


def queued(sql: Sql) -> int:
    """Rows that wait, but for those that ask for the operator to be told."""
    return int(sql("SELECT count(*) FROM keystall_task WHERE data NOT LIKE %s", [b'%"alert"%'])[0][0])


def alerts(sql: Sql, count: int) -> list[tuple[Any, ...]]:
    """The audit entries of dropped rows, once there are so many."""
    end = time.monotonic() + 10
    while True:
        found = sql("SELECT actor_kind, object_kind, detail FROM audit_entry WHERE action = 'queue.forged' ORDER BY id")
        if len(found) >= count or time.monotonic() > end:
            return found
        time.sleep(0.02)


def test_control_the_pickle_would_run_if_anybody_unpickled_it(tmp_path: Path) -> None:
    mark = tmp_path / "ran"

    pickle.loads(pickle.dumps(RunsCode(mark)))

    assert mark.exists()


def test_a_pickle_row_inserted_by_the_web_role_runs_nothing_and_is_alerted(
    worker: Worker, seen: Seen, sql: Sql, tmp_path: Path
) -> None:
    """Fault 105: huey itself would run it."""
    mark = tmp_path / "ran"
    row = pickle.dumps(RunsCode(mark))

    sql(INSERT, [row], role="shop")

    assert alerts(sql, 1) == [("system", "queue", {"size": len(row)})]
    assert queued(sql) == 0
    assert sql("SELECT kind, subject, seen FROM alert") == [("forged_work", "queue", 1)]
    assert not mark.exists()
    assert seen.calls == []


@pytest.mark.parametrize("row", FORGED.values(), ids=FORGED)
def test_any_other_row_is_dropped_and_alerted_and_honest_work_goes_on(
    worker: Worker, seen: Seen, sql: Sql, row: bytes
) -> None:
    honest = uuid4()

    sql(INSERT, [row], role="shop")
    sql(INSERT, [encode(Work.DELIVER, honest)], role="shop")

    assert seen.wait_for(1) == [(Work.DELIVER, honest)]
    assert alerts(sql, 1) == [("system", "queue", {"size": len(row)})]
    assert queued(sql) == 0


def test_rows_that_huey_itself_would_store_are_never_read(worker: Worker, seen: Seen, sql: Sql, tmp_path: Path) -> None:
    mark, honest = tmp_path / "ran", uuid4()
    row = pickle.dumps(RunsCode(mark))

    sql("INSERT INTO keystall_schedule (queue, data, timestamp) VALUES ('work', %s, 0)", [row])
    sql("INSERT INTO keystall_kv (queue, key, value) VALUES ('work', 'rt:ops.processes.worker.work', %s)", [row])
    sql(INSERT, [encode(Work.REFUND, honest)], role="shop")

    assert seen.wait_for(1) == [(Work.REFUND, honest)]
    assert sql("SELECT (SELECT count(*) FROM keystall_schedule), (SELECT count(*) FROM keystall_kv)") == [(1, 1)]
    assert not mark.exists()


def test_work_joins_the_transaction_of_its_cause(worker: Worker, seen: Seen, sql: Sql) -> None:
    undone, done = uuid4(), uuid4()

    with db.connection(), db.atomic() as transaction:
        enqueue(Work.DELIVER, undone)
        transaction.rollback()
    with db.connection(), db.atomic():
        enqueue(Work.DELIVER, done)

    assert seen.wait_for(1) == [(Work.DELIVER, done)]
    assert queued(sql) == 0


def test_work_is_taken_at_once_when_its_transaction_commits(worker: Worker, seen: Seen) -> None:
    began = time.monotonic()

    with db.connection(), db.atomic():
        enqueue(Work.DELIVER, uuid4())
    seen.wait_for(1)

    assert time.monotonic() - began < 0.5


def test_a_handler_that_fails_takes_nothing_else_with_it(urls: dict[str, str], clock: FixedClock, seen: Seen) -> None:
    bad, missing, good = uuid4(), uuid4(), uuid4()
    note = seen.handler(Work.DELIVER)

    def deliver(reference: UUID) -> None:
        note(reference)
        if reference == bad:
            raise ZeroDivisionError
        if reference == missing:
            raise NotFound("delivery")

    worker = Worker(
        take_url=urls["worker"],
        listen_url=urls["direct"],
        handlers={Work.DELIVER: deliver},
        sweeps=[],
        clock=clock,
        threads=1,
    )
    worker.start()
    with db.connection(), db.atomic():
        for reference in (bad, missing, good):
            enqueue(Work.DELIVER, reference)
    calls = seen.wait_for(3)
    worker.stop()

    assert calls == [(Work.DELIVER, bad), (Work.DELIVER, missing), (Work.DELIVER, good)]


def test_who_has_paid_is_served_before_those_who_are_about_to(
    urls: dict[str, str], clock: FixedClock, seen: Seen
) -> None:
    asked, paid = uuid4(), uuid4()
    worker = Worker(
        take_url=urls["worker"],
        listen_url=urls["direct"],
        handlers={kind: seen.handler(kind) for kind in Work},
        sweeps=[],
        clock=clock,
        threads=1,
    )
    with db.connection(), db.atomic():
        enqueue(Work.SANDBOX_PAY, asked)
        enqueue(Work.DELIVER, paid)

    worker.start()
    calls = seen.wait_for(2)
    worker.stop()

    assert calls == [(Work.DELIVER, paid), (Work.SANDBOX_PAY, asked)]
