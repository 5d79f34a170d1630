"""`upgrade --check`: what it finds before a new version starts, and that it changes nothing."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from core import db
from core.config import Config
from ops.migrate import MIGRATIONS, migrate, migrations, pending
from tests.builders import Shop
from tests.support.command_line import Command, free_port

LAST = "9999_later.sql"


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """This Keystall brings one more migration, with this text."""

    def bring(text: str) -> None:
        folder = tmp_path / "migrations"
        shutil.copytree(MIGRATIONS, folder)
        (folder / LAST).write_text(text, "utf-8")
        monkeypatch.setattr("ops.migrate.pending", lambda url: pending(url, folder))
        monkeypatch.setattr("ops.migrate.migrations", lambda _=None: migrations(folder))

    return bring


@pytest.fixture
def store(config: Config) -> Config:
    """A store as this version left it."""
    return replace(config, web=replace(config.web, port=free_port(), ops_port=free_port()))


def test_a_store_that_is_up_to_date_fits(command: Command, store: Config) -> None:
    status, out, err = command(store, "upgrade", "--check")

    assert (status, err) == (0, "")
    assert "ok      schema     up to date: `python run.py restart` brings the new code, no request is lost" in out
    assert "ok      backups    none was made yet: `python run.py backup` makes one while the store sells" in out
    assert out.endswith("This version fits.\n")
    assert "DEFECT" not in out
    assert "LOOK" not in out


def test_a_migration_that_only_adds_goes_in_beside_the_running_store(
    command: Command, store: Config, later: Callable[[str], None]
) -> None:
    later("ALTER TABLE party ADD COLUMN motto text; CREATE TABLE later (id bigint);")

    status, out, _ = command(store, "upgrade", "--check")

    assert status == 0
    assert f"ok      schema     would run {LAST}: only adds: the old code may run beside it" in out
    assert "ok      way        `python run.py migrate` beside the running store, then `python run.py restart`" in out
    with psycopg.connect(store.database.url) as connection:
        assert connection.execute("SELECT to_regclass('later')").fetchone() == (None,)


def test_a_migration_that_takes_something_away_needs_a_stop(
    command: Command, store: Config, later: Callable[[str], None]
) -> None:
    later("ALTER TABLE party DROP COLUMN names; CREATE INDEX party_at ON party (created_at);")

    status, out, _ = command(store, "upgrade", "--check")

    assert status == 0
    assert f"LOOK    schema     would run {LAST}: needs a stop, it drops a column of party" in out
    assert "LOOK    way        stop the store, make a backup, `python run.py migrate`, `python run.py up`" in out


def test_a_long_index_is_said(
    command: Command, store: Config, later: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.doctor.upgrading.MANY_ROWS", 0)
    later("CREATE INDEX party_at ON party (created_at);")

    out = command(store, "upgrade", "--check")[1]

    assert f"LOOK    schema     {LAST} builds an index on party with about 0 rows: nobody writes to it meanwhile" in out


@pytest.mark.parametrize(
    ("damage", "defect"),
    [
        (
            "newer",
            "DEFECT  schema     the database has the migration 9998_future.sql, which this Keystall does not bring",
        ),
        ("key", "DEFECT  keys       secrets.inbox_key is missing: put it back from your copy"),
        ("owner", "DEFECT  schema     database.url is empty: migrations run as the owner, set it for them"),
        ("packages", "DEFECT  packages   no-such-package is missing: pip install -r requirements.txt"),
    ],
)
def test_what_does_not_fit_is_a_defect_with_its_mend(
    command: Command, store: Config, later: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, damage: str,
    defect: str,
) -> None:  # fmt: skip
    match damage:
        case "newer":
            with psycopg.connect(store.database.url) as connection:
                connection.execute("INSERT INTO schema_migration VALUES ('9998_future.sql', repeat('0', 64))")
        case "key":
            store = replace(store, secrets=replace(store.secrets, inbox_key="file:keys/gone.key"))
        case "owner":
            later("CREATE TABLE later (id bigint);")
            store = replace(store, database=replace(store.database, url=""))
        case "packages":
            monkeypatch.setattr("ops.doctor.machine.pins", lambda: [("no-such-package", "1")])

    status, out, _ = command(store, "upgrade", "--check")

    assert status == 1
    assert defect in out
    assert out.endswith("1 defects: do not start this version yet.\n")


def test_without_check_it_says_what_to_ask(command: Command, store: Config) -> None:
    status, out, err = command(store, "upgrade")

    assert (status, out) == (2, "")
    assert "`python run.py upgrade --check` says what would be done and the way" in err


def test_code_of_before_goes_on_selling_on_a_schema_that_only_grew(
    shop: Shop, urls: dict[str, str], tmp_path: Path
) -> None:
    """Fault 99: expand first. What a newer version adds, the code that runs does not see."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    (folder / LAST).write_text(
        "ALTER TABLE shop_order ADD COLUMN gift boolean NOT NULL DEFAULT false;"
        " CREATE TABLE gift (order_id uuid PRIMARY KEY REFERENCES shop_order);"
    )
    talker, listing = shop.a_shopper(), shop.a_listing()
    shop.a_batch(cards=5)
    shop.place(talker, listing)

    assert migrate(urls["owner"], folder) == [LAST]
    shop.place(talker, listing)

    assert shop.count("shop_order") == 2
    assert db.execute("SELECT count(*) FROM shop_order WHERE NOT gift") == [(2,)]
