"""Faults 17 and 18 on a whole store: the clock of its database jumps a day ahead and an hour back while it runs.

PostgreSQL's own clock cannot be set without setting the machine's. Every statement of the store that asks for the time
asks by a name without a schema; a schema that is searched before the built-in one answers it here, with an offset.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import psycopg
import pytest

from core.clock import DatabaseClock
from ops.engines.passwords import password
from ops.engines.postgres import SUPERUSER, PostgresServer
from ops.engines.roles import DATABASE
from tests.drills.conftest import ProcessOf
from tests.support.chatter import Chatter
from tests.support.whole import WholeStore

pytestmark = pytest.mark.drill

MOVABLE = """
CREATE SCHEMA moved;
CREATE TABLE moved.by (offset_by interval NOT NULL);
INSERT INTO moved.by VALUES ('0');
CREATE FUNCTION moved.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE SECURITY DEFINER AS
    $$ SELECT pg_catalog.clock_timestamp() + offset_by FROM moved.by $$;
CREATE FUNCTION moved.now() RETURNS timestamptz LANGUAGE sql STABLE SECURITY DEFINER AS
    $$ SELECT pg_catalog.now() + offset_by FROM moved.by $$;
GRANT USAGE ON SCHEMA moved TO PUBLIC;
"""
SEEN = DatabaseClock.EVERY + 5  # seconds until every process has measured the database's time again


@contextmanager
def superuser(store: WholeStore) -> Iterator[psycopg.Connection]:
    """A look behind the scenes."""
    url = PostgresServer(store.folder).url(SUPERUSER, DATABASE)
    assert password(store.folder, SUPERUSER) in url
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def movable(store: WholeStore) -> WholeStore:
    """The store, started again with a clock that can be moved."""
    with superuser(store) as connection:
        connection.execute(MOVABLE)
        connection.execute(f"ALTER DATABASE {DATABASE} SET search_path = public, moved, pg_catalog")
    store.stop()
    return store.start()


def jump(store: WholeStore, by: str) -> None:
    """The database's clock jumps; every process has noticed when this returns."""
    with superuser(store) as connection:
        connection.execute("UPDATE moved.by SET offset_by = offset_by + %s::interval", [by])
    time.sleep(SEEN)


def one(store: WholeStore, question: str) -> object:
    """The single value that answers a question."""
    with superuser(store) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0]


def violations(store: WholeStore) -> list[str]:
    """The lines of `verify` that count something."""
    return [line for line in store.run("verify").stdout.splitlines() if not line.endswith(" 0")]


def wait_for(store: WholeStore, question: str, value: object, seconds: float = 60) -> None:
    """Until a question has this answer."""
    end = time.monotonic() + seconds
    while (found := one(store, question)) != value:
        assert time.monotonic() < end, f"{question}: {found}, not {value}"
        time.sleep(0.5)


@pytest.fixture
def stopped_vault(process_of: ProcessOf, movable: WholeStore) -> Iterator[psutil.Process]:
    """The vault does not answer until it is told to go on."""
    vault = process_of("vault")
    vault.send_signal(signal.SIGSTOP)
    yield vault
    vault.send_signal(signal.SIGCONT)


def test_fault_17_a_day_ahead_unpaid_orders_expire_once_and_what_is_paid_is_delivered(
    movable: WholeStore, stopped_vault: psutil.Process
) -> None:
    unpaid, paid = Chatter(movable.address), Chatter(movable.address)
    unpaid.order("A1", 2)
    assert paid.press_sandbox_pay(paid.order("A1", 1)).status_code == 200
    wait_for(movable, "SELECT count(*) FROM shop_order WHERE state = 'paid'", 1)

    jump(movable, "1 day")

    wait_for(movable, "SELECT count(*) FROM shop_order WHERE state = 'expired'", 1)
    assert one(movable, "SELECT count(*) FROM message WHERE kind = 'order_expired'") == 1
    assert one(movable, "SELECT count(*) FROM card WHERE state = 'held'") == 0
    assert one(movable, "SELECT count(*) FROM shop_order WHERE state IN ('cancelled', 'returned')") == 0
    stopped_vault.send_signal(signal.SIGCONT)
    assert len(paid.wait_for("cards", seconds=180)["cards"]) == 1
    assert violations(movable) == []
    for guest in (unpaid, paid):
        guest.close()


def test_fault_18_an_hour_back_the_shop_goes_on_selling(movable: WholeStore) -> None:
    before, after = Chatter(movable.address), Chatter(movable.address)
    pay = before.order("A1", 1)

    jump(movable, "-1 hour")

    assert len(after.buy("A1", 1)) == 1
    assert before.press_sandbox_pay(pay).status_code == 200
    assert len(before.wait_for("cards", seconds=120)["cards"]) == 1
    assert one(movable, "SELECT count(*) - count(DISTINCT id) FROM shop_order") == 0
    assert violations(movable) == []
    for guest in (before, after):
        guest.close()
