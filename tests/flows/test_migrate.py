"""Migrations: in order, once, each whole or not at all; what ran anywhere is never changed afterwards."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

import ops.migrate
from core.config import ConfigError
from ops.migrate import _LOCK, MIGRATIONS, Migration, is_migrated, migrate, migrations, pending
from tests.support.engines import Addresses, Databases

Look = Callable[[str], list[tuple[object, ...]]]


@pytest.fixture
def url(databases: Databases, addresses: Addresses) -> Iterator[str]:
    """The owner's address of an empty database."""
    name = databases.copy("template0")
    yield addresses.of(name)["owner"]
    databases.drop(name)


@pytest.fixture
def look(url: str) -> Look:
    def run(statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(url) as connection:
            return connection.execute(statement.encode()).fetchall()

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_first.sql").write_text("CREATE TABLE first (a int); INSERT INTO first VALUES (1);")
    (tmp_path / "0002_second.sql").write_text("INSERT INTO first VALUES (2);")
    return tmp_path


def test_what_is_missing_runs_in_order_and_once(url: str, folder: Path, look: Look) -> None:
    assert not is_migrated(url)
    assert pending(url, folder) == ["0001_first.sql", "0002_second.sql"]

    assert migrate(url, folder) == ["0001_first.sql", "0002_second.sql"]
    assert migrate(url, folder) == []
    (folder / "0003_third.sql").write_text("INSERT INTO first VALUES (3);")
    assert pending(url, folder) == ["0003_third.sql"]
    assert migrate(url, folder) == ["0003_third.sql"]

    assert look("SELECT a FROM first ORDER BY a") == [(1,), (2,), (3,)]
    assert is_migrated(url)


def test_one_that_fails_names_its_line_and_leaves_nothing(url: str, folder: Path, look: Look) -> None:
    (folder / "0002_second.sql").write_text("CREATE TABLE half (a int);\nINSERT INTO\n  nowhere VALUES (1);\n")

    with pytest.raises(ConfigError) as refused:
        migrate(url, folder)

    assert str(refused.value) == (
        'the migration 0002_second.sql failed in line 3 and left nothing behind: relation "nowhere" does not exist'
    )
    assert look("SELECT to_regclass('half')::text") == [(None,)]
    assert look("SELECT name FROM schema_migration") == [("0001_first.sql",)]


def test_a_file_that_was_changed_after_it_ran_is_refused(url: str, folder: Path) -> None:
    migrate(url, folder)
    (folder / "0001_first.sql").write_text("CREATE TABLE other (a int);")
    (folder / "0003_third.sql").write_text("INSERT INTO first VALUES (3);")

    with pytest.raises(ConfigError, match=r"the migration 0001_first\.sql was changed after it ran: put the file back"):
        migrate(url, folder)
    with pytest.raises(ConfigError, match=r"0001_first\.sql was changed"):
        pending(url, folder)


def test_a_database_newer_than_this_keystall_is_refused(url: str, folder: Path) -> None:
    (folder / "0002_second.sql").write_text("ALTER TABLE first DROP COLUMN a;")
    migrate(url, folder)
    (folder / "0002_second.sql").unlink()

    with pytest.raises(ConfigError, match=r"has the migration 0002_second\.sql, which this Keystall does not bring"):
        migrate(url, folder)


def test_a_number_below_one_that_ran_is_refused(url: str, folder: Path) -> None:
    (folder / "0001_first.sql").rename(folder / "0005_fifth.sql")
    (folder / "0002_second.sql").unlink()
    migrate(url, folder)
    (folder / "0004_late.sql").write_text("SELECT 1;")

    with pytest.raises(ConfigError, match=r"0004_late\.sql is numbered below one that ran already"):
        migrate(url, folder)


@pytest.mark.parametrize("name", ["0001_again.sql", "12_short.sql", "0003-dash.sql", "0003_UPPER.sql"])
def test_a_wrong_name_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_text("SELECT 1;")

    with pytest.raises(ConfigError, match=r"must be called NNNN_name\.sql with a number of its own"):
        migrations(folder)


def migrators(url: str, folder: Path, *, until: Callable[[], None]) -> list[list[str] | ConfigError]:
    """Three migrators at once, `until` called once they run; what each ran, or why it did not."""

    def work(_: int) -> list[str] | ConfigError:
        try:
            return migrate(url, folder)
        except ConfigError as error:
            return error

    with ThreadPoolExecutor(3) as threads:
        running = [threads.submit(work, number) for number in range(3)]
        until()
        return [migrator.result(30) for migrator in running]


def test_three_migrators_at_once_run_each_file_once(url: str, folder: Path, look: Look) -> None:
    waiting = (
        "SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid"
    )
    waiting += " FROM pg_database WHERE datname = current_database())"

    with psycopg.connect(url, autocommit=True) as first:
        first.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))

        def go_on_when_all_wait() -> None:
            end = time.monotonic() + 10
            while look(waiting) != [(3,)] and time.monotonic() < end:
                time.sleep(0.01)
            met.append(look(waiting))
            first.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))

        met: list[list[tuple[object, ...]]] = []
        ran = migrators(url, folder, until=go_on_when_all_wait)

    assert met == [[(3,)]]
    assert sorted(ran, key=str) == [["0001_first.sql", "0002_second.sql"], [], []]
    assert look("SELECT a FROM first ORDER BY a") == [(1,), (2,)]


def test_control_without_the_lock_the_others_run_into_the_same_file(
    url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert migrate(url, tmp_path_factory.mktemp("empty")) == []
    monkeypatch.setattr(ops.migrate, "_LOCK", None)
    looked, choose = threading.Barrier(3, timeout=10), ops.migrate._still_to_run

    def choose_together(files: list[Migration], applied: dict[str, str]) -> list[Migration]:
        looked.wait()
        return choose(files, applied)

    monkeypatch.setattr(ops.migrate, "_still_to_run", choose_together)

    ran = migrators(url, folder, until=lambda: None)

    assert sum(isinstance(one, ConfigError) for one in ran) == 2


def test_the_shipped_migrations_run_on_an_empty_database(url: str) -> None:
    ran = migrate(url)

    assert ran == [path.name for path in sorted(MIGRATIONS.glob("*.sql"))]
    assert [int(name[:4]) for name in ran] == list(range(1, len(ran) + 1))
