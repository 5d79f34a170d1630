"""Faults 13 and 14: a disk is full, of the database, of the logs, of what the command line writes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from core import db
from core.clock import FixedClock
from core.config import Config, Database, DatabaseRoles, Pay, PaySandbox, Store, Web
from ops.engines.passwords import password
from ops.engines.postgres import SUPERUSER, PostgresServer
from ops.engines.roles import DATABASE, OWNER, ROLES, create_roles
from ops.installation import Kind, mark
from ops.migrate import migrate
from tests.builders import Shop
from tests.drills.conftest import mounted
from tests.support.chatter import Chatter
from tests.support.till import PUBLIC_KEY, Till
from tests.support.web import web_server
from tests.support.whole import WholeStore, free_port

pytestmark = pytest.mark.drill


def write_on(connection: psycopg.Connection, rows: int) -> None:
    """Write ballast until the database says that it cannot."""
    while True:
        connection.execute(
            "INSERT INTO ballast SELECT string_agg(md5(i::text || random()::text), '') FROM generate_series(1, %s) i",
            [rows],
        )


def fill(connection: psycopg.Connection) -> None:
    """Until there is no room, not for the smallest thing."""
    connection.execute("CREATE UNLOGGED TABLE IF NOT EXISTS ballast (filler text)")
    for rows in (30_000, 300, 3):
        with pytest.raises(psycopg.errors.DiskFull, match="could not extend file"):
            write_on(connection, rows)


def write_over(path: Path) -> None:
    """Write a file until there is no room."""
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


@pytest.fixture
def server(small_disk: Path) -> Iterator[PostgresServer]:
    """A migrated server on the small disk."""
    running = PostgresServer(small_disk)
    running.start()
    create_roles(running.url(SUPERUSER, "postgres"), {role: password(small_disk, role) for role in (OWNER, *ROLES)})
    migrate(running.url(OWNER, DATABASE))
    yield running
    running.stop()


@pytest.fixture
def shop_config(server: PostgresServer, keys: Config, data_dir: Path, redis_url: str) -> Config:
    """The settings of a web process on it, whose own files lie elsewhere."""
    roles = {name: server.url(f"keystall_{name}", DATABASE) for name in vars(DatabaseRoles())}
    return dataclasses.replace(
        keys,
        store=Store(data_dir=data_dir),
        database=Database(url=server.url(OWNER, DATABASE), roles=DatabaseRoles(**roles)),
        redis=dataclasses.replace(keys.redis, url=redis_url),
        web=Web(port=free_port(), ops_port=free_port()),
        pay=Pay(sandbox=PaySandbox(enabled=True)),
    )


def test_fault_13_a_callback_on_a_full_disk_is_answered_503_and_pays_once_there_is_room(
    server: PostgresServer, shop_config: Config
) -> None:
    mark(shop_config.database.url, Kind.TEST, shop_config)
    with psycopg.connect(server.url(SUPERUSER, DATABASE), autocommit=True) as owner:
        owner.execute("UPDATE installation SET sandbox_public_key = %s", [PUBLIC_KEY])
    db.connect(shop_config.database.roles.shop, size=8)
    with (
        psycopg.connect(server.url(SUPERUSER, DATABASE), autocommit=True) as owner,
        web_server(shop_config) as web,
    ):

        def sql(statement: str, params: object = None, *, role: str = "owner") -> list[tuple[object, ...]]:
            cursor = owner.execute(statement.encode(), params)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

        shop = Shop(sql)
        till = Till(shop, clock=FixedClock(db.database_now()))
        listing, _ = shop.a_listing(price=1000), shop.a_batch(cards=10)
        order = shop.place(shop.a_shopper(), listing, now=till.now)
        payment = till.start(order)
        hook = f"{web.url}/hooks/pay/sandbox/{till.account()[1]}"
        fill(owner)

        notice = till.notice(payment, 1000)
        refused = httpx.post(hook, content=notice.body, headers=notice.headers, trust_env=False)
        while_full = (till.order_state(order), shop.count("payment_event"), shop.card_states())
        owner.execute("DROP TABLE ballast")
        taken = httpx.post(hook, content=notice.body, headers=notice.headers, trust_env=False)
        again = httpx.post(hook, content=notice.body, headers=notice.headers, trust_env=False)

        assert refused.status_code == 503
        assert while_full == ("awaiting_payment", 0, {"free": 9, "held": 1})
        assert (taken.status_code, again.status_code) == (200, 200)
        assert (till.order_state(order), shop.count("payment_event")) == ("paid", 1)
        assert shop.card_states() == {"free": 9, "claimed": 1}
        assert server.is_running()
    db.disconnect()


def test_fault_14_a_store_whose_log_has_no_room_goes_on_selling() -> None:
    store = WholeStore()
    logs = store.folder / "log"
    logs.mkdir(mode=0o700)
    with mounted(logs, "1m"):
        (logs / "ballast").write_bytes(b"x" * (600 * 1024))
        try:
            store.start()
            with pytest.raises(OSError, match="No space left"):
                write_over(logs / "more")
            guest = Chatter(store.address)

            assert len(guest.buy("A1", 1)) == 1
            assert httpx.get(f"{store.address}/healthz", trust_env=False).status_code == 200
            guest.close()
        finally:
            store.stop()
    store.remove()


def test_fault_14_a_report_for_which_there_is_no_room_is_said_to_be_missing_and_removed(
    store: WholeStore, tmp_path: Path
) -> None:
    file, small = tmp_path / "cards.csv", tmp_path / "small"
    small.mkdir()
    file.write_text("卡密,有效期\n" + "".join(f"OVER-{number:06},2020-01-01\n" for number in range(3000)))
    with mounted(small, "64k"):
        imported = store.run("import", str(file), "--batch-of", "A2", "--report", str(small / "report.csv"))

        assert imported.returncode == 2
        assert "No space left on device" in imported.stderr
        assert "is removed; the import itself is done" in imported.stderr
        assert not (small / "report.csv").exists()
