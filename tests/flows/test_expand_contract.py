"""Fault 99: a migration is interrupted, and two versions of the store work on one schema."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

import ops.migrate
from core.config import ConfigError
from ops.migrate import MIGRATIONS, migrate, pending
from tests.builders import Shop
from tests.support.engines import Addresses, Databases

ROOT = Path(__file__).resolve().parents[2]
FIRST = "CREATE TABLE first (a int); INSERT INTO first VALUES (1);"
SLOW = "SELECT pg_sleep(1) FROM first WHERE a = 1;"
"""Long enough to be killed in; gone with its row."""
PLACES = {
    "between two files": f"{SLOW} CREATE TABLE second (a int); INSERT INTO first VALUES (2);",
    "in the middle of a file": f"CREATE TABLE second (a int); {SLOW} INSERT INTO first VALUES (2);",
    "after its last statement": f"CREATE TABLE second (a int); INSERT INTO first VALUES (2); {SLOW}",
}
NOTE = "ALTER TABLE shop_order ADD COLUMN note text NOT NULL DEFAULT '';\nCREATE TABLE order_note (id uuid);"


@pytest.fixture
def url(databases: Databases, addresses: Addresses) -> Iterator[str]:
    """The owner's address of an empty database."""
    name = databases.copy("template0")
    yield addresses.of(name)["owner"]
    databases.drop(name)


def look(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def until(what: Callable[[], bool]) -> bool:
    end = time.monotonic() + 15
    while not what() and time.monotonic() < end:
        time.sleep(0.01)
    return what()


def killed_while_it_sleeps(url: str, folder: Path) -> None:
    """A migrator of its own, killed with -9 in the middle of the second file."""
    code = "import sys, pathlib, ops.migrate; ops.migrate.migrate(sys.argv[1], pathlib.Path(sys.argv[2]))"
    migrator = subprocess.Popen([sys.executable, "-c", code, url, str(folder)], cwd=ROOT)
    sleeping = (
        "SELECT count(*)::int FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
    )
    try:
        assert until(lambda: look(url, sleeping) == [(1,)])
    finally:
        migrator.kill()
        migrator.wait(10)


@pytest.mark.parametrize("second", PLACES.values(), ids=PLACES)
def test_fault_99_a_migrator_that_is_killed_leaves_whole_files_and_the_next_one_goes_on(
    url: str, tmp_path: Path, second: str
) -> None:
    (tmp_path / "0001_first.sql").write_text(FIRST)
    (tmp_path / "0002_second.sql").write_text(second)

    killed_while_it_sleeps(url, tmp_path)
    names = look(url, "SELECT name FROM schema_migration")
    tables = look(url, "SELECT to_regclass('second') IS NULL")
    look(url, "DELETE FROM first")
    ran = migrate(url, tmp_path)

    assert (names, tables, ran) == ([("0001_first.sql",)], [(True,)], ["0002_second.sql"])
    assert look(url, "SELECT a FROM first") == [(2,)]
    assert migrate(url, tmp_path) == []


def test_fault_99_older_code_starts_beside_what_only_adds_and_refuses_a_contract(url: str, tmp_path: Path) -> None:
    """Each says what to do; a newer Keystall on an older schema says what is missing."""
    (tmp_path / "0001_first.sql").write_text(FIRST)
    added, taken = tmp_path / "0002_added.sql", tmp_path / "0003_taken.sql"
    added.write_text("ALTER TABLE first ADD COLUMN b int;")
    migrate(url, tmp_path)
    taken.write_text("ALTER TABLE first DROP COLUMN b;")
    newer = pending(url, tmp_path)
    taken_text = taken.read_text()
    added_text = added.read_text()
    taken.unlink()
    added.unlink()
    beside = (pending(url, tmp_path), migrate(url, tmp_path))  # older code, without either file

    added.write_text(added_text)
    taken.write_text(taken_text)
    migrate(url, tmp_path)
    taken.unlink()

    assert newer == ["0003_taken.sql"]
    assert beside == ([], [])
    for start in (pending, migrate):
        with pytest.raises(ConfigError) as refused:
            start(url, tmp_path)
        assert str(refused.value) == (
            "the database has the migration 0003_taken.sql, which this Keystall does not bring and cannot work with:"
            " update Keystall, or go back to a backup from before it"
        )


def test_a_schema_of_before_there_were_kinds_is_all_contracts(url: str, tmp_path: Path) -> None:
    (tmp_path / "0001_first.sql").write_text(FIRST)
    migrate(url, tmp_path)
    look(url, "ALTER TABLE schema_migration DROP COLUMN kind")
    (tmp_path / "0001_first.sql").rename(tmp_path / "0002_other.sql")

    with pytest.raises(ConfigError, match=r"0001_first\.sql, which this Keystall does not bring"):
        pending(url, tmp_path)


@pytest.fixture
def with_a_note(tmp_path: Path) -> Path:
    """All that is shipped, and one file more that only adds."""
    for path in MIGRATIONS.glob("*.sql"):
        (tmp_path / path.name).write_text(path.read_text("utf-8"), "utf-8")
    (tmp_path / "9999_note.sql").write_text(NOTE)
    return tmp_path


def migrated_beside_a_long_report(shop: Shop, owner: str, folder: Path) -> tuple[bool, list[str]]:
    """This code sells while a newer one's migration waits for a long report: whether a sale got through, what ran."""
    listing, _ = shop.a_listing(), shop.a_batch(cards=10)
    ran: list[str] = []
    shop.place(shop.a_shopper(), listing)
    with psycopg.connect(owner) as report:
        report.execute("SELECT count(*) FROM shop_order")
        newer = threading.Thread(target=lambda: ran.extend(migrate(owner, folder)))
        newer.start()
        waiting = (  # of this database: other tests of the cluster wait for locks of theirs
            "SELECT count(*) > 0 FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE datname = current_database()"
            " AND NOT granted AND mode = 'AccessExclusiveLock'"
        )
        assert until(lambda: bool(shop.sql(waiting)[0][0]))
        sale = threading.Thread(target=lambda: shop.place(shop.a_shopper(), listing), daemon=True)
        sale.start()
        sale.join(1.5)
        got_through = not sale.is_alive()
    newer.join(30)
    sale.join(30)
    shop.place(shop.a_shopper(), listing)  # and on the newer schema
    return got_through, ran


@pytest.mark.usefixtures("store_db")
def test_fault_99_the_older_code_sells_while_and_after_a_newer_schema_is_made(
    shop: Shop, urls: dict[str, str], with_a_note: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ops.migrate, "LOCK_WAIT", 0.2)

    assert migrated_beside_a_long_report(shop, urls["owner"], with_a_note) == (True, ["9999_note.sql"])
    assert shop.card_states() == {"free": 7, "held": 3}


@pytest.mark.usefixtures("store_db")
def test_control_a_migration_that_waits_without_end_stops_every_sale_behind_it(
    shop: Shop, urls: dict[str, str], with_a_note: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ops.migrate, "LOCK_WAIT", 20.0)

    got_through, _ = migrated_beside_a_long_report(shop, urls["owner"], with_a_note)

    assert not got_through


def test_a_table_that_is_never_free_ends_with_a_sentence_and_nothing_left(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0001_first.sql").write_text(FIRST)
    migrate(url, tmp_path)
    (tmp_path / "0002_added.sql").write_text("CREATE TABLE half (a int); ALTER TABLE first ADD COLUMN b int;")
    monkeypatch.setattr(ops.migrate, "LOCK_WAIT", 0.05)
    monkeypatch.setattr(ops.migrate, "LOCK_TRIES", 3)

    with psycopg.connect(url) as report:
        report.execute("SELECT * FROM first")
        with pytest.raises(ConfigError, match=r"0002_added\.sql did not get its tables and left nothing behind"):
            migrate(url, tmp_path)

    assert look(url, "SELECT to_regclass('half') IS NULL") == [(True,)]
