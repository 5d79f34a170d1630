"""Who listens is woken by what is committed, and no commit holds the database's one lock of notices while it waits."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import peewee
import psycopg
import pytest

from core import db, waking
from core.config import Config
from core.waking import DOORS, WORKERS, Wake
from ops.bench.recording import COMMIT, recorded
from tests.support.walking import a_known_shopper, a_path

Sql = Callable[..., list[tuple[Any, ...]]]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def heard(urls: dict[str, str], store_db: db.StoreDatabase) -> Iterator[Callable[[], list[tuple[str, str]]]]:
    """Call it: what was heard on both channels until now, a mark of its own at the end."""
    with psycopg.connect(urls["direct"], autocommit=True) as listener:
        listener.execute(f'LISTEN {DOORS}; LISTEN "{WORKERS}"')

        def until_now() -> list[tuple[str, str]]:
            listener.execute("SELECT pg_notify(%s, 'end')", (DOORS,))
            found: list[tuple[str, str]] = []
            for notice in listener.notifies(timeout=5):
                if notice.payload == "end":
                    return found
                found.append((notice.channel, notice.payload))
            raise AssertionError("the mark was not heard")

        yield until_now


def test_a_commit_wakes_each_topic_once_and_only_then(heard: Callable[[], list[tuple[str, str]]]) -> None:
    with db.atomic():
        db.wake(DOORS, "conv:1")
        db.wake(WORKERS)
        db.wake(DOORS, "conv:1")
        db.execute("SELECT 1")
        assert heard() == []

    assert heard() == [(DOORS, "conv:1"), (WORKERS, "")]


def test_a_transaction_that_is_given_up_wakes_nobody_nor_does_the_next_one(
    heard: Callable[[], list[tuple[str, str]]],
) -> None:
    with db.connection():
        with db.atomic() as transaction:
            db.wake(DOORS, "conv:1")
            transaction.rollback()
        with db.atomic():
            db.execute("SELECT 1")

    assert heard() == []


def test_outside_a_transaction_whoever_listens_is_woken_at_once(heard: Callable[[], list[tuple[str, str]]]) -> None:
    db.wake(DOORS, "it's 取卡")

    assert heard() == [(DOORS, "it's 取卡")]


def test_a_commit_that_is_refused_wakes_nobody_and_says_why(
    urls: dict[str, str], heard: Callable[[], list[tuple[str, str]]]
) -> None:
    db.connect(urls["owner"])
    db.execute("CREATE TABLE late (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)")

    def work() -> None:
        db.execute("INSERT INTO late VALUES (77), (77)")
        db.wake(DOORS, "conv:1")

    with pytest.raises(peewee.IntegrityError) as refused:
        db.in_transaction(work)

    assert str(refused.value) == "23505 late_n_key IntegrityError"
    assert db.execute("SELECT count(*) FROM late") == [(0,)]
    assert heard() == []


def test_fault_7_a_transaction_that_failed_is_never_told_as_committed(
    sql: Sql, heard: Callable[[], list[tuple[str, str]]]
) -> None:
    """PostgreSQL answers such a COMMIT with ROLLBACK and no error; the connection is good for the next transaction."""

    def work() -> None:
        db.execute("INSERT INTO send_pause (scope, until) VALUES ('here', now())")
        db.wake(DOORS, "conv:1")
        with contextlib.suppress(peewee.DatabaseError):
            db.execute("SELECT 1 / 0")

    with db.connection():
        with pytest.raises(peewee.InternalError) as refused:
            db.in_transaction(work, repeatable=True)
        with db.atomic():
            db.execute("INSERT INTO send_pause (scope, until) VALUES ('there', now())")

    assert db.sqlstate(refused.value) == "25P02"
    assert sql("SELECT scope FROM send_pause") == [("there",)]
    assert heard() == []


def test_only_the_wake_does_not_wait_for_the_disk(store_db: db.StoreDatabase) -> None:
    """The work before it waits as ever, and so does whatever the session commits next."""
    with db.connection():
        db.execute("SET synchronous_commit = on")
        with db.atomic():
            db.wake(DOORS, "conv:1")
            assert db.execute("SHOW synchronous_commit") == [("on",)]
        assert db.execute("SHOW synchronous_commit") == [("on",)]
        text = waking.commit_text(db.db.connection(), [Wake(DOORS, "conv:1"), Wake(WORKERS)])

    assert text == (
        b"COMMIT; SELECT set_config('synchronous_commit', 'off', true), "
        b"pg_notify('keystall_wake', 'conv:1'), pg_notify('keystall.q.work', '')"
    )


def test_a_wake_that_fails_leaves_the_work_committed(
    store_db: db.StoreDatabase, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the queue of notices is full, because a listener's transaction stays open for ever."""
    monkeypatch.setattr("core.db.commit_text", lambda *_: b"COMMIT; SELECT 1 / 0")

    with db.atomic():
        db.execute("INSERT INTO send_pause (scope, until) VALUES ('here', now())")
        db.wake(DOORS, "conv:1")

    assert sql("SELECT count(*) FROM send_pause") == [(1,)]


def test_an_order_says_no_notice_inside_a_transaction(sql: Sql, store_db: db.StoreDatabase, config: Config) -> None:
    """Every commit with a notice in it waits for every other until the disk has it: a shop has one such queue."""
    path = a_path(sql, config, cards=20)
    session = a_known_shopper(path, sql).session
    with recorded() as recording:
        path.walk(session, recording=recording)

    assert not any("notify" in step.sql for step in recording.steps)
    topic = f"conv:{session.conversation_id}"
    assert [(step.phase, step.params) for step in recording.steps if step.sql == COMMIT and step.params] == [
        ("intent", [[WORKERS, ""]]),
        ("settle", [[WORKERS, ""], [DOORS, topic]]),
        ("deliver", [[DOORS, topic]]),
    ]


def test_nothing_but_the_module_of_wakes_says_notify() -> None:
    those = [*ROOT.glob("core/**/*.py"), *ROOT.glob("channels/**/*.py"), *ROOT.glob("ops/migrations/*.sql")]
    saying = {str(file.relative_to(ROOT)) for file in those if "pg_notify" in file.read_text("utf-8")}

    assert saying == {"core/waking.py"}
