"""A database that a test has had is handed out again only if nothing tells it from a fresh one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from core import db
from tests.builders import Shop
from tests.support.engines import Addresses, Databases
from tests.support.reset import PAGES, Fresh, Session

RELATIONS = """SELECT c.oid::regclass::text, nspname = 'pg_catalog'
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'S') AND NOT relisshared AND nspname <> 'information_schema' ORDER BY 1"""


SIZES = ("relpages", "reltuples", "relallvisible", "relallfrozen", "relfrozenxid", "relminmxid")
BUT_FOR = {
    "pg_class": f"to_jsonb(pg_class) - ARRAY{list(SIZES)} FROM pg_class WHERE oid < 16384"
    " UNION ALL SELECT xmin::text, to_jsonb(pg_class) FROM pg_class WHERE oid >= 16384",
    "pg_statistic": "* FROM pg_statistic WHERE starelid >= 16384",
}
"""What the server's own vacuum writes of its catalogs meanwhile, when it likes, is not what a test left behind."""


def everything(session: Session) -> dict[str, Any]:
    """Each row in its order, of tables, sequences and catalogs; of these with the transaction that wrote it."""
    found = {}
    for name, is_catalog in session.execute(RELATIONS).fetchall():
        writer = "xmin::text, " if is_catalog else ""
        rows = session.execute(f"SELECT {writer}{BUT_FOR.get(name, f'* FROM {name}')}".encode()).fetchall()
        found[str(name)] = sorted(rows, key=str) if name in BUT_FOR else rows
    return found


@pytest.fixture
def used(databases: Databases, addresses: Addresses) -> Iterator[str]:
    """A database of which nobody else gets to know."""
    name = databases.copy()
    yield name
    databases.drop(name)


@pytest.fixture
def session(addresses: Addresses, used: str) -> Iterator[Session]:
    """A superuser's session there."""
    with psycopg.connect(addresses.of(used)["superuser"], autocommit=True) as session:
        yield session


@pytest.fixture
def fresh(session: Session) -> Fresh:
    """What it was like."""
    return Fresh.of(session)


def trade(addresses: Addresses, used: str) -> None:
    """Parties, goods, cards and two orders, of which one is rolled back."""

    def sql(statement: str, params: Any = None, **_: Any) -> list[Any]:
        cursor = owner.execute(statement.encode(), params)
        return cursor.fetchall() if cursor.description else []

    urls = addresses.of(used)
    with psycopg.connect(urls["owner"], autocommit=True) as owner:
        db.connect(urls["shop"])
        shop = Shop(sql)
        shop.a_batch()
        shop.place(shop.a_shopper(), shop.a_listing())
        with contextlib.suppress(KeyError), db.atomic():
            shop.place(shop.a_shopper(), shop.a_listing())
            raise KeyError
        db.disconnect()


SEEDS_CHANGED = "DELETE FROM schema_migration WHERE name LIKE '0001%'; UPDATE installation SET kind = 'demo'"


def test_a_used_database_is_made_like_a_fresh_one(databases, addresses, used, session, fresh):
    trade(addresses, used)
    session.execute(f"SET session_replication_role = replica; {SEEDS_CHANGED}")
    changed = everything(session)

    assert fresh.restored(session)

    other = databases.copy()
    with psycopg.connect(addresses.of(other)["superuser"], autocommit=True) as beside:
        as_new = everything(beside)
    databases.drop(other)
    assert everything(session) == as_new
    touched = {name for name, rows in changed.items() if rows != as_new[name]}
    assert {"card", "shop_order", "schema_migration", "installation", "party_id_seq", "batch_no_seq"} <= touched
    assert len(touched) > 15


@pytest.mark.parametrize(
    "done",
    [
        "ALTER TABLE party ADD note text",
        "ALTER TABLE card DISABLE TRIGGER ALL",
        "ALTER TABLE card DISABLE ROW LEVEL SECURITY; ALTER TABLE card FORCE ROW LEVEL SECURITY",
        "ALTER TABLE card ALTER mask SET STATISTICS 10",
        "CREATE TABLE beside ()",
        "CREATE TABLE beside (); DROP TABLE beside; CREATE VIEW beside AS SELECT 1",
        "CREATE TEMPORARY TABLE beside ()",
        "CREATE FUNCTION beside() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA beside",
        "CREATE INDEX ON party (created_at)",
        "DROP INDEX card_free",
        "GRANT SELECT ON card TO keystall_panel",
        "REVOKE SELECT ON party FROM keystall_shop",
        "GRANT CREATE ON SCHEMA public TO keystall_shop",
        "COMMENT ON TABLE card IS 'of paper'",
        "SELECT lo_create(0)",
        "TRUNCATE audit_entry",
        "ANALYZE currency",
        "VACUUM currency",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = 1000', current_database()); END $$",
        "DO $$ BEGIN EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM keystall_shop', current_database()); END $$",
        "ALTER ROLE keystall_shop IN DATABASE {} SET work_mem = 1000",
    ],
)
def test_what_cannot_be_undone_is_seen(session, fresh, used, done):
    session.execute(done.replace("{}", used).encode())

    assert not fresh.restored(session)


@pytest.mark.parametrize(("pages", "again"), [(PAGES - 1, True), (PAGES, False)])
def test_a_table_that_has_grown_is_no_more_like_a_fresh_one(session, fresh, pages, again):
    session.execute("SET session_replication_role = replica")
    size = "SELECT pg_relation_size('issuer') / current_setting('block_size')::int"
    while session.execute(size).fetchall()[0][0] < pages:
        session.execute(
            "INSERT INTO issuer (code, names) SELECT gen_random_uuid()::text, '{}' FROM generate_series(1, 9)"
        )

    assert fresh.restored(session) is again


def test_whoever_is_still_connected_is_ended(addresses, used, session, fresh):
    left = psycopg.connect(addresses.of(used)["shop"])
    left.execute("LOCK TABLE party IN ACCESS SHARE MODE")

    assert fresh.restored(session)

    with pytest.raises(psycopg.errors.AdminShutdown):
        left.execute("SELECT 1")


def test_a_database_comes_again_and_a_broken_one_does_not(addresses):
    databases, seen = Databases(addresses), []
    for statement in ("INSERT INTO issuer (code, names) VALUES ('x', '{}')", "CREATE TABLE beside ()", "SELECT 1") * 2:
        seen.append(databases.create())
        with psycopg.connect(addresses.of(seen[-1])["owner"], autocommit=True) as owner:
            assert owner.execute("SELECT count(*), to_regclass('beside') FROM issuer").fetchall() == [(0, None)]
            owner.execute(statement.encode())
        databases.drop(seen[-1])
    databases.close()

    used, broken, used_again, instead, *_ = seen
    assert seen == [used, broken, used_again, instead, used_again, instead]
    assert used_again == used
    assert len({used, broken, instead}) == 3
