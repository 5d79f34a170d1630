"""What `doctor` finds about server, logins, ways and machine: each defect is named with its mend."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from core.config import Config, Redis
from ops.doctor import server as examining_server
from ops.doctor.finding import Finding
from ops.doctor.roles import hop_findings, role_findings
from ops.doctor.server import server_findings
from ops.pools import BOT, VAULT, WEB, WORKER, most_sessions
from ops.processes.bot import INTAKE_THREADS as BOT_INTAKE
from ops.processes.bot import SPARE_CONNECTIONS as BOT_SPARE
from ops.processes.bot import THREADS as BOT_THREADS
from ops.processes.bot import URGENT_THREADS

Sql = Callable[..., list[tuple[Any, ...]]]
GOOD = {"server_version_num": "180000", "collation": "C.UTF-8", "max_connections": "150"}


def defects(findings: Iterator[Finding]) -> list[str]:
    return [one.text for one in findings if one.is_defect]


WRONG = [
    ("server_version_num", "150018", "PostgreSQL {}: the store is made for 16 and newer; move to a newer server"),
    ("server_encoding", "SQL_ASCII", "the database keeps text as SQL_ASCII: make it with ENCODING 'UTF8'"),
    ("fsync", "off", "fsync is off: a crash of the machine loses the database; set fsync = on"),
    ("full_page_writes", "off", "full_page_writes is off: a crash may tear pages; set full_page_writes = on"),
    (
        "synchronous_commit", "off",
        "synchronous_commit is off: a crash loses orders that were paid; set synchronous_commit = on",
    ),
    ("autovacuum", "off", "autovacuum is off: each sale makes the shop slower; set autovacuum = on"),
    ("track_counts", "off", "track_counts is off: autovacuum does nothing without it; set track_counts = on"),
    (
        "log_error_verbosity", "default",
        "log_error_verbosity is default: the server's log quotes rows that fail; as its superuser"
        " ALTER DATABASE … SET log_error_verbosity = 'terse'",
    ),
    (
        "log_min_messages", "warning",
        "log_min_messages is warning: the server's log repeats values that it could not read; as its superuser"
        " ALTER DATABASE … SET log_min_messages = 'log'",
    ),
    (
        "log_parameter_max_length_on_error", "-1",
        "log_parameter_max_length_on_error is -1: the server's log may quote what people sent; set it to 0",
    ),
    (
        "card_options", "autovacuum_enabled=false",
        "the table card is not vacuumed as it must be (autovacuum_enabled=false): ALTER TABLE card SET"
        " (autovacuum_enabled = true, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000)",
    ),
    (
        "max_connections", "100",
        "max_connections is 100, the processes may want 123: raise it, or put PgBouncer between",
    ),
]  # fmt: skip


def test_doctor_names_each_setting_of_the_server_that_loses_data_or_tells_secrets(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = examining_server.settings_of(config.database.roles.shop)
    found: dict[str, list[str]] = {}

    for setting, value, _ in WRONG:
        monkeypatch.setattr("ops.doctor.server.settings_of", lambda url, other={setting: value}: right | other)
        found[setting] = defects(server_findings(config))

    version = right["server_version"].split()[0]
    assert found == {setting: [said.replace("{}", version)] for setting, _, said in WRONG}


def test_doctor_finds_nothing_wrong_with_our_own_server(config: Config) -> None:
    found = list(server_findings(config))

    assert [one.what for one in found] == ["server", "clock"]
    assert not [one for one in found if one.is_defect or one.is_notice]


def test_statements_in_the_servers_log_must_not_carry_what_people_sent(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 97: the server's own log."""
    found = examining_server.settings_of(config.database.roles.shop)
    logging = found | {"log_min_duration_statement": "250", "log_parameter_max_length": "-1"}
    monkeypatch.setattr("ops.doctor.server.settings_of", lambda url: logging)

    assert defects(server_findings(config)) == [
        "the server logs statements with what people sent: set log_parameter_max_length = 0"
    ]


def test_a_sorting_that_the_machine_may_change_is_worth_a_look(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    found = examining_server.settings_of(config.database.roles.shop) | {"collation": "zh_CN.UTF-8"}
    monkeypatch.setattr("ops.doctor.server.settings_of", lambda url: found)

    notices = [one.text for one in server_findings(config) if one.is_notice]
    assert notices == ["the database sorts as zh_CN.UTF-8: after an upgrade of the machine's C library REINDEX it"]


@pytest.mark.parametrize(("moved", "way"), [(-3600.0, "ahead of"), (3600.0, "behind")])
def test_two_clocks_that_differ_are_a_defect(
    config: Config, monkeypatch: pytest.MonkeyPatch, moved: float, way: str
) -> None:
    real = examining_server.time.time
    monkeypatch.setattr("ops.doctor.server.time.time", lambda: real() + moved)

    assert defects(server_findings(config)) == [
        f"the database's clock is 3,600 s {way} this machine's: set both by NTP"
    ]


def test_sessions_that_a_pooler_gave_without_limits_are_a_defect(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.doctor.server.SESSION_OPTIONS", "-c timezone=UTC")

    said = defects(server_findings(config))

    assert len(said) == 4
    assert said[0] == (
        "sessions of database.roles.shop lack statement_timeout, idle_in_transaction_session_timeout: the pooler before"
        " it drops what they ask for; set its connect_query (docs/howto/production.md)"
    )


def test_the_pools_that_doctor_counts_are_those_of_the_processes() -> None:
    from core.custody.server import POOL
    from ops.processes.web import INTAKE_THREADS, PANEL_THREADS, SPARE_CONNECTIONS, THREADS
    from ops.processes.worker import _OTHER_CONNECTIONS
    from ops.processes.worker import THREADS as WORKER_THREADS

    assert THREADS + INTAKE_THREADS + PANEL_THREADS + SPARE_CONNECTIONS == WEB
    assert BOT_THREADS + BOT_INTAKE + URGENT_THREADS + BOT_SPARE == BOT
    assert WORKER_THREADS + _OTHER_CONNECTIONS == WORKER
    assert POOL == VAULT
    assert most_sessions(Config()) == 2 * 31 + 17 + 18 + 10 + 6 + 10


@pytest.fixture
def other_login(urls: dict[str, str]) -> Iterator[Callable[[str], str]]:
    """Makes a login with these powers; gives its address. The roles of the run stay as they are."""
    made: list[str] = []

    def make(powers: str) -> str:
        name = f"login_{secrets.token_hex(4)}"
        with psycopg.connect(urls["superuser"], autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'known-only-here' {powers}".encode())
        made.append(name)
        return urls["shop"].replace(urls["shop"].split("@")[0], f"postgresql://{name}:known-only-here")

    yield make
    with psycopg.connect(urls["superuser"], autocommit=True) as connection:
        for name in made:
            connection.execute(f"DROP ROLE {name}".encode())


POWERS = [
    ("IN ROLE keystall_panel", None),
    (
        "CREATEDB CREATEROLE IN ROLE keystall_panel",
        "the login of database.roles.panel has CREATEROLE, CREATEDB: ALTER ROLE login_… NOCREATEROLE NOCREATEDB",
    ),
    ("SUPERUSER IN ROLE keystall_panel", "the login of database.roles.panel is superuser or owner: give the role"),
    (
        "IN ROLE keystall_panel, keystall_worker",
        "the login of database.roles.panel is also keystall_worker: REVOKE keystall_worker FROM login_…",
    ),
    ("IN ROLE keystall_shop", "the login of database.roles.panel is login_…, which is not keystall_panel: give"),
]


def test_doctor_names_a_login_that_may_do_more_than_its_process(
    config: Config, other_login: Callable[[str], str]
) -> None:
    for powers, said in POWERS:
        url = other_login(powers)
        roles = replace(config.database.roles, panel=url)
        name = url.split("//")[1].split(":")[0]

        found = defects(role_findings(replace(config, database=replace(config.database, roles=roles))))

        assert bool(found) == (said is not None), (powers, found)
        assert said is None or found[0].replace(name, "login_…").startswith(said), found


GRANTED = [
    (
        "GRANT TRUNCATE ON transfer TO keystall_panel",
        "the login of database.roles.panel may do too much: transfer (TRUNCATE); REVOKE it",
    ),
    (
        "GRANT SELECT ON card_seal TO keystall_worker",
        "the login of database.roles.worker may do too much: card_seal (SELECT); REVOKE it",
    ),
    ("GRANT SELECT ON party TO PUBLIC", "others have rights on the store's tables: party (everyone); REVOKE them"),
    ("GRANT CREATE ON SCHEMA public TO keystall_panel", "the login of database.roles.panel may make tables"),
]


def test_doctor_names_each_right_that_no_migration_gave(config: Config, sql: Sql) -> None:
    for statement, said in GRANTED:
        assert defects(role_findings(config)) == []
        sql(statement, role="superuser")

        found = defects(role_findings(config))

        assert len(found) == 1
        assert found[0].startswith(said)
        sql(statement.replace("GRANT", "REVOKE").replace(" TO ", " FROM "), role="superuser")


@pytest.mark.parametrize(
    ("url", "is_open"),
    [
        ("postgresql://keystall_shop:x@/k?host=/var/run", False),
        ("postgresql://keystall_shop:x@127.0.0.1/k", False),
        ("postgresql://keystall_shop:x@localhost:6432/k", False),
        ("postgresql://keystall_shop:x@db.example/k", True),
        ("postgresql://keystall_shop:x@db.example/k?sslmode=require", True),
        ("postgresql://keystall_shop:x@db.example/k?sslmode=verify-ca&sslrootcert=/ca", True),
        ("postgresql://keystall_shop:x@db.example/k?sslmode=verify-full&sslrootcert=/ca", False),
        ("postgresql://keystall_shop:x@127.0.0.1,db.example/k", True),
        ("postgresql://keystall_shop:x@10.0.0.5/k?sslmode=disable", True),
    ],
)
def test_a_way_to_another_machine_is_encrypted_and_checked_or_a_defect(url: str, is_open: bool) -> None:
    config = Config()
    roles = replace(config.database.roles, shop=url)

    found = defects(hop_findings(replace(config, database=replace(config.database, roles=roles))))

    assert len(found) == is_open
    assert not [text for text in found if ":x@" in text]
    if is_open:
        assert found[0].startswith("database.roles.shop: the way to ")
        assert found[0].endswith("add ?sslmode=verify-full&sslrootcert=/path/to/ca.crt to the address")


@pytest.mark.parametrize(
    ("url", "is_open"),
    [
        ("unix:///run/valkey.sock", False),
        ("redis://127.0.0.1/0", False),
        ("redis://:x@cache.example/0", True),
        ("rediss://:x@cache.example/0?ssl_ca_certs=/ca", False),
        ("rediss://:x@cache.example/0?ssl_cert_reqs=none", True),
        ("rediss://:x@cache.example/0?ssl_check_hostname=false", True),
    ],
)
def test_the_same_holds_for_redis(url: str, is_open: bool) -> None:
    found = defects(hop_findings(replace(Config(), redis=Redis(url=url))))

    assert [text.partition(":")[0] for text in found] == [
        "redis.url leads to another machine without checked TLS"
    ] * is_open
