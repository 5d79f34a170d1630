"""The worker outlives what it stands on: ended connections, a database that stops at once, a vault that is away."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from core import db
from core.clock import DatabaseClock, FixedClock
from core.config import Config
from core.fulfilment.service import deliver
from core.work import ENQUEUE, QUEUE, Work, encode
from ops.engines.passwords import password
from ops.engines.postgres import SUPERUSER, PostgresServer
from ops.engines.roles import OWNER, ROLES, create_roles
from ops.migrate import migrate
from ops.processes.rounds import sweeps
from ops.processes.worker import Worker
from tests.builders import NOON, Shop
from tests.support.carriers import NOBODY
from tests.support.sales import a_counter
from tests.support.till import PUBLIC_KEY, Till
from tests.support.vaults import VaultProcess, vault_process

Sql = Callable[..., list[tuple[Any, ...]]]


def wait_until(is_so: Callable[[], bool], seconds: float = 20) -> bool:
    """Whether it came to be so in time."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


class Noted:
    """References that a handler was called with."""

    def __init__(self) -> None:
        self.seen: list[UUID] = []

    def __call__(self, reference: UUID) -> None:
        self.seen.append(reference)


@pytest.fixture
def noted() -> Noted:
    return Noted()


def a_worker(take_url: str, listen_url: str, handler: Callable[[UUID], None]) -> Worker:
    worker = Worker(
        take_url=take_url,
        listen_url=listen_url,
        handlers={Work.DELIVER: handler},
        sweeps=[],
        clock=FixedClock(NOON),
        threads=2,
    )
    worker.start()
    return worker


def put(url: str, reference: UUID) -> None:
    """A queue row of honest work."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(ENQUEUE.encode(), (QUEUE, encode(Work.DELIVER, reference), 0))


def test_fault_8_connections_that_the_server_ended_are_made_anew(urls: dict[str, str], sql: Sql, noted: Noted) -> None:
    worker, before, after = a_worker(urls["worker"], urls["direct"], noted), uuid4(), uuid4()
    put(urls["worker"], before)
    assert wait_until(lambda: noted.seen == [before])

    sql(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
        " AND usename IN ('keystall_worker', 'keystall_direct')",
        role="superuser",
    )
    put(urls["worker"], after)

    assert wait_until(lambda: noted.seen == [before, after])
    worker.stop()


@pytest.fixture
def own_server(data_dir: Path) -> Iterator[PostgresServer]:
    """A migrated server that a test may break."""
    server = PostgresServer(data_dir)
    server.start()
    create_roles(server.url(SUPERUSER, "postgres"), {role: password(data_dir, role) for role in (OWNER, *ROLES)})
    migrate(server.url(OWNER, "keystall"))
    yield server
    server.stop()


def test_fault_7_a_database_that_stops_at_once_loses_no_work_and_the_worker_goes_on(
    own_server: PostgresServer, noted: Noted
) -> None:
    url = own_server.url("keystall_worker", "keystall")
    worker = a_worker(url, own_server.url("keystall_direct", "keystall"), noted)
    first, waiting, last = uuid4(), uuid4(), uuid4()
    put(url, first)
    assert wait_until(lambda: noted.seen == [first])

    assert own_server.pid is not None
    os.kill(own_server.pid, signal.SIGQUIT)  # pg_ctl -m immediate stop
    assert wait_until(lambda: not own_server.is_running())
    own_server.start()
    put(url, waiting)
    put(url, last)

    assert wait_until(lambda: sorted(noted.seen) == sorted([first, waiting, last]))
    worker.stop()


def test_work_under_way_is_finished_before_the_worker_ends(urls: dict[str, str]) -> None:
    begun, finished = threading.Event(), threading.Event()

    def slow(reference: UUID) -> None:
        begun.set()
        time.sleep(0.7)
        finished.set()

    worker = a_worker(urls["worker"], urls["direct"], slow)
    put(urls["worker"], uuid4())
    assert begun.wait(5)

    began = time.monotonic()
    worker.stop()

    assert finished.is_set()
    assert time.monotonic() - began < 2.5


@pytest.fixture
def vault(sql: Sql, store_db: db.StoreDatabase, config: Config) -> Iterator[VaultProcess]:
    sql("UPDATE installation SET sandbox_public_key = %s", [PUBLIC_KEY])
    with vault_process(config) as running:
        yield running


def test_fault_72_deliveries_wait_while_the_vault_is_away_and_go_out_once_when_it_is_back(
    vault: VaultProcess, sql: Sql, urls: dict[str, str]
) -> None:
    counter = a_counter(vault, sql)
    shop: Shop = counter.shop
    clock = DatabaseClock(db.database_now)
    till = Till(shop, clock=FixedClock(clock.now()))
    for _ in range(3):
        talker = shop.a_shopper()
        counter.a_session(talker)
        till.pay(shop.place(talker, counter.listing, 2, now=till.now))
    vault.supervisor.stop()

    worker = Worker(
        take_url=urls["worker"],
        listen_url=urls["direct"],
        handlers={
            Work.DELIVER: lambda one: deliver(delivery_id=one, vault=vault.client, carrier=NOBODY, now=clock.now()),
        },
        sweeps=sweeps(policy=shop.policy),
        clock=clock,
    )
    worker.start()
    states = "SELECT DISTINCT state FROM delivery"
    assert wait_until(lambda: sql(states) == [("unknown",)])
    vault.restart()

    assert wait_until(lambda: sql(states) == [("delivered",)])
    worker.stop()
    assert shop.card_states() == {"free": 34, "delivered": 6}
    assert sql("SELECT count(*) FROM message WHERE kind = 'cards'") == [(3,)]
    assert sql("SELECT count(*) FROM card WHERE opened_at IS NOT NULL") == [(6,)]
