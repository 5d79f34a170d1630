"""What `doctor` finds about the database server: version, settings that keep data and secrets, room, clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

import psycopg

from core.config import Config
from core.db import SESSION_OPTIONS, is_shared
from ops.doctor.finding import Finding
from ops.pools import most_sessions

OLDEST = 16
MOST_SKEW = 5.0  # seconds between the clocks of this machine and of the database

SETTINGS = """
SELECT name, setting FROM pg_settings WHERE name = ANY (%s)
UNION ALL SELECT 'collation', datcollate FROM pg_database WHERE datname = current_database()
UNION ALL SELECT 'card_options', coalesce(array_to_string(reloptions, ' '), '')
FROM pg_class WHERE oid = to_regclass('public.card')
"""

Rule = tuple[str, Callable[[str], bool], str]
_ON = "on".__eq__
RULES: tuple[Rule, ...] = (
    ("server_encoding", "UTF8".__eq__, "the database keeps text as {value}: make it with ENCODING 'UTF8'"),
    ("fsync", _ON, "fsync is {value}: a crash of the machine loses the database; set fsync = on"),
    ("full_page_writes", _ON, "full_page_writes is {value}: a crash may tear pages; set full_page_writes = on"),
    (
        "synchronous_commit",
        lambda value: value != "off",
        "synchronous_commit is {value}: a crash loses orders that were paid; set synchronous_commit = on",
    ),
    ("autovacuum", _ON, "autovacuum is {value}: each sale makes the shop slower; set autovacuum = on"),
    ("track_counts", _ON, "track_counts is {value}: autovacuum does nothing without it; set track_counts = on"),
    (
        "log_error_verbosity",
        "terse".__eq__,
        "log_error_verbosity is {value}: the server's log quotes rows that fail; as its superuser"
        " ALTER DATABASE … SET log_error_verbosity = 'terse'",
    ),
    (
        "log_min_messages",
        {"log", "fatal", "panic"}.__contains__,
        "log_min_messages is {value}: the server's log repeats values that it could not read; as its superuser"
        " ALTER DATABASE … SET log_min_messages = 'log'",
    ),
    (
        "log_parameter_max_length_on_error",
        "0".__eq__,
        "log_parameter_max_length_on_error is {value}: the server's log may quote what people sent; set it to 0",
    ),
    (
        "card_options",
        lambda value: (
            not value or ("autovacuum_vacuum_scale_factor=0" in value and "autovacuum_enabled=f" not in value)
        ),
        "the table card is not vacuumed as it must be ({value}): ALTER TABLE card SET"
        " (autovacuum_enabled = true, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000)",
    ),
)
_ASKED = [
    *(name for name, _, _ in RULES), "server_version_num", "server_version", "max_connections", "log_statement",
    "log_min_duration_statement", "log_parameter_max_length",
]  # fmt: skip
SESSION = {"TimeZone": "UTC", "statement_timeout": "30s", "idle_in_transaction_session_timeout": "1min"}


def settings_of(url: str) -> dict[str, str]:
    """The settings that matter, as a session at this address has them."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(SETTINGS, (_ASKED,)).fetchall()
    return {str(name): str(value) for name, value in rows}


def server_findings(config: Config) -> Iterator[Finding]:
    """Everything about the server that answers `database.roles.shop`."""
    url = config.database.roles.shop
    found = settings_of(url)
    texts = [*_version(found), *_rules(found), *_logged(found), *_room(found, config)]
    yield from (Finding("server", text, is_defect=True) for text in texts)
    if not texts:
        version = found["server_version"].split()[0]
        yield Finding("server", f"PostgreSQL {version}: its settings keep data and secrets; room for every process")
    if found["collation"] not in ("C", "C.UTF-8", "C.utf8", "POSIX"):
        text = f"the database sorts as {found['collation']}: after an upgrade of the machine's C library REINDEX it"
        yield Finding("server", text, is_notice=True)
    yield from _clock(url)
    yield from _sessions(config)


def _version(found: Mapping[str, str]) -> Iterator[str]:
    if int(found["server_version_num"]) < OLDEST * 10_000:
        version = found["server_version"].split()[0]
        yield f"PostgreSQL {version}: the store is made for {OLDEST} and newer; move to a newer server"


def _rules(found: Mapping[str, str]) -> Iterator[str]:
    for name, is_right, text in RULES:
        if name in found and not is_right(found[name]):
            yield text.format(value=found[name])


def _logged(found: Mapping[str, str]) -> Iterator[str]:
    """Parameters in the log would be buyer fields, contacts and sealed answers."""
    logs = found["log_statement"] != "none" or found["log_min_duration_statement"] != "-1"
    if logs and found["log_parameter_max_length"] != "0":
        yield "the server logs statements with what people sent: set log_parameter_max_length = 0"


def _room(found: Mapping[str, str], config: Config) -> Iterator[str]:
    most, needed = int(found["max_connections"]), most_sessions(config)
    is_past_pooler = _is_past_pooler(config.database.roles.shop)
    if most < needed and not is_past_pooler:
        yield f"max_connections is {most}, the processes may want {needed}: raise it, or put PgBouncer between"


def _clock(url: str) -> Iterator[Finding]:
    with psycopg.connect(url) as connection:
        before = time.time()
        row = connection.execute("SELECT extract(epoch FROM clock_timestamp())").fetchone()
        after = time.time()
    skew = float(row[0]) - (before + after) / 2 if row else 0.0
    if abs(skew) > MOST_SKEW:
        way = "ahead of" if skew > 0 else "behind"
        text = f"the database's clock is {abs(skew):,.0f} s {way} this machine's: set both by NTP"
        yield Finding("clock", text, is_defect=True)
    else:
        yield Finding("clock", f"this machine and the database differ by {abs(skew):.1f} s")


def _sessions(config: Config) -> Iterator[Finding]:
    """A pooler drops the options that the store asks for, and LISTEN is lost in it."""
    for role in ("shop", "panel", "worker", "vault"):
        with psycopg.connect(getattr(config.database.roles, role), options=SESSION_OPTIONS) as connection:
            rows = {name: connection.execute(f"SHOW {name}").fetchone() for name in SESSION}
        other = [name for name, value in SESSION.items() if rows[name] != (value,)]
        if other:
            text = (
                f"sessions of database.roles.{role} lack {', '.join(other)}: the pooler before it drops what they ask"
                " for; set its connect_query (docs/howto/production.md)"
            )
            yield Finding("sessions", text, is_defect=True)
    if _is_past_pooler(config.database.roles.direct):
        text = "notices get lost in a pooler: set database.roles.direct to an address past it"
        yield Finding("sessions", text, is_defect=True)


def _is_past_pooler(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return is_shared(connection)
