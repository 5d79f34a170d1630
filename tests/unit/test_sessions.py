"""A session that a test has closed is the next one's without anything that the first one did there."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import psycopg
import pytest

from core import db
from ops.health import LISTENER
from ops.processes.queue import LISTENING_NAME
from tests.support.sessions import AT_MOST

STATE = """SELECT pg_backend_pid(),
    current_setting('default_transaction_read_only'), current_setting('work_mem'), current_setting('statement_timeout'),
    (SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_listening_channels()),
    (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
    (SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relname = 'beside'),
    (SELECT count(*) FROM issuer WHERE code = 'x')"""
TRACES = """SET work_mem = '1MB'; SET statement_timeout = '5s'; LISTEN beside; PREPARE beside AS SELECT 1;
    SELECT pg_advisory_lock(7);
    SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"""
AT_FIRST = ("off", "4MB", "30s", 0, 0, 0, 0, 0)
"""With what the store asks for when it begins a session."""


def settled(count: Callable[[], int], at: int) -> int:
    """The count, once it is no more than that: a session that was closed ends a moment later."""
    end = time.monotonic() + 10
    while (left := count()) > at and time.monotonic() < end:
        time.sleep(0.01)
    return left


def state(connection: psycopg.Connection) -> tuple[int, tuple[object, ...]]:
    row = connection.execute(STATE).fetchone()
    return row[0], row[1:]


@pytest.fixture
def asked(urls: dict[str, str]) -> dict[str, str]:
    """How the owner's sessions of this test are begun."""
    return {"conninfo": urls["owner"], "options": db.SESSION_OPTIONS}


def test_a_closed_session_comes_again_without_its_traces(asked):
    with psycopg.connect(**asked, autocommit=True) as first:
        before, at_first = state(first)
        first.execute(TRACES)
        _, traces = state(first)
    second = psycopg.connect(**asked)
    again, then = state(second)
    second.close()

    assert traces == ("on", "1MB", "5s", 1, 1, 1, 0, 0)
    assert (again, then, at_first) == (before, AT_FIRST, AT_FIRST)


def test_what_was_not_committed_is_rolled_back(asked):
    first = psycopg.connect(**asked)
    before, _ = state(first)
    first.execute("CREATE TEMPORARY TABLE beside ()")
    first.execute("INSERT INTO issuer (code, names) VALUES ('x', '{}')")
    first.close()

    with psycopg.connect(**asked) as second:
        assert state(second) == (before, AT_FIRST)


def test_who_closed_it_has_it_no_more(asked):
    first = psycopg.connect(**asked)
    first.close()

    assert (first.closed, first.broken) == (True, False)
    with pytest.raises(psycopg.OperationalError, match="closed"):
        first.execute("SELECT 1")


def test_a_session_that_was_ended_is_not_given_again(asked, sql):
    first = psycopg.connect(**asked)
    before, _ = state(first)
    first.close()
    sql("SELECT pg_terminate_backend(%s, 5000)", [before], role="superuser")

    with psycopg.connect(**asked) as second:
        assert state(second)[0] != before


def test_sessions_begun_in_another_way_are_others(asked, urls):
    with psycopg.connect(**asked) as first:
        before, _ = state(first)

    with psycopg.connect(**asked, application_name="keystall") as second, psycopg.connect(urls["owner"]) as third:
        assert before not in (state(second)[0], state(third)[0])


@pytest.mark.parametrize("name", [LISTENING_NAME, LISTENER])
def test_a_session_by_which_others_see_a_process_ends_with_it(urls, sql, name):
    there = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s"
    with psycopg.connect(urls["owner"], application_name=name):
        meanwhile = sql(there, [name])

    assert meanwhile == [(1,)]
    assert settled(lambda: sql(there, [name])[0][0], 0) == 0


def test_no_more_than_a_few_are_kept(asked, sql):
    alive = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY (%s)"
    many = [psycopg.connect(**asked) for _ in range(AT_MOST + 3)]
    servers = [state(one)[0] for one in many]
    for one in many:
        one.close()

    assert settled(lambda: sql(alive, [servers], role="superuser")[0][0], AT_MOST) == AT_MOST


def test_a_process_that_was_forked_begins_its_own(asked):
    first = psycopg.connect(**asked)
    before, _ = state(first)
    first.close()

    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with psycopg.connect(**asked) as own:
                os.write(write, str(state(own)[0]).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    its_own = int(os.read(read, 20))
    os.close(read)
    os.close(write)

    assert its_own != before
    with psycopg.connect(**asked) as second:
        assert state(second)[0] == before
