"""Brings the schema up to date: numbered SQL files, run by the owner, each in one transaction and once.

Two versions may run on one schema: beside files that only add (`ops.doctor.expanding`) older code starts and goes on;
any other file is a contract, which older code refuses.
"""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import cast

import psycopg

from core.config import ConfigError
from ops.doctor.expanding import contractions

MIGRATIONS = Path(__file__).parent / "migrations"
_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_LOCK = 0x6B65797374616C6C  # "keystall": one migrator at a time
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migration (
    name text PRIMARY KEY,
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    applied_at timestamptz NOT NULL DEFAULT now(),
    kind text NOT NULL DEFAULT 'contract' CHECK (kind IN ('expand', 'contract'))
);
ALTER TABLE schema_migration ADD COLUMN IF NOT EXISTS
    kind text NOT NULL DEFAULT 'contract' CHECK (kind IN ('expand', 'contract'))"""
LOCK_WAIT = 2.0
"""Seconds that a file waits for a table: longer, and everything that comes after it would stand behind it."""
LOCK_TRIES = 15
"""So often a file is tried again, a second apart, while long transactions have its tables."""


class Kind(StrEnum):
    """What a migration means for code that does not know it."""

    EXPAND = "expand"  # it adds; older code works on as before
    CONTRACT = "contract"  # it changes or takes away; older code must be gone before it runs


@dataclass(frozen=True)
class Migration:
    """One file; its number and name are `name`, its content is fixed once it has run anywhere."""

    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Of the content: a changed file is noticed."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def kind(self) -> Kind:
        """Whether it only adds, by its statements."""
        return Kind.CONTRACT if contractions(self.text) else Kind.EXPAND


@dataclass(frozen=True)
class _Applied:
    sha256: str
    kind: Kind


def migrations(folder: Path = MIGRATIONS) -> list[Migration]:
    """All files in order. Raises ConfigError when a name or number is wrong."""
    found: dict[str, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        named = _NAME.fullmatch(path.name)
        if named is None or named[1] in found:
            raise ConfigError(f"the migration {path.name} must be called NNNN_name.sql with a number of its own")
        found[named[1]] = Migration(path.name, path.read_text("utf-8"))
    return list(found.values())


def is_migrated(url: str) -> bool:
    """Whether any migration has run in this database."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT to_regclass('public.schema_migration') IS NOT NULL").fetchone()
    return bool(row and row[0])


def pending(url: str, folder: Path = MIGRATIONS) -> list[str]:
    """The names that still have to run. Raises ConfigError as `migrate` does; changes nothing."""
    applied: dict[str, _Applied] = {}
    if is_migrated(url):
        with psycopg.connect(url, autocommit=True) as connection:
            applied = _applied(connection)
    return [item.name for item in _still_to_run(migrations(folder), applied)]


def migrate(url: str, folder: Path = MIGRATIONS) -> list[str]:
    """Run what has not run yet, as the owner at `url`; returns the names that ran.

    Killed at any moment it leaves whole files only, and the next call goes on after them. A file that does not get its
    tables waits without holding anybody up. Raises ConfigError when a file that ran was changed, when the database has
    a contract that this Keystall does not bring, or when a file fails (it then left nothing).
    """
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        connection.execute(_TABLE)
        todo = _still_to_run(migrations(folder), _applied(connection))
        for item in todo:
            _run(connection, item)
        return [item.name for item in todo]


def _run(connection: psycopg.Connection[tuple[object, ...]], item: Migration) -> None:
    for left in reversed(range(LOCK_TRIES)):
        try:
            return _run_once(connection, item)
        except psycopg.errors.LockNotAvailable:
            if not left:
                raise ConfigError(
                    f"the migration {item.name} did not get its tables and left nothing behind: a transaction has held"
                    " them all the time (pg_stat_activity names it); end that and run `migrate` again"
                ) from None
            time.sleep(min(LOCK_WAIT, 1.0))
        except psycopg.Error as error:
            line = _line(item.text, error.diag.statement_position)
            reason = error.diag.message_primary or str(error).splitlines()[0]
            raise ConfigError(f"the migration {item.name} failed{line} and left nothing behind: {reason}") from error
    return None


def _run_once(connection: psycopg.Connection[tuple[object, ...]], item: Migration) -> None:
    with connection.transaction():
        connection.execute("SELECT set_config('lock_timeout', %s, true)", (f"{int(LOCK_WAIT * 1000)}ms",))
        connection.execute(item.text.encode())
        connection.execute(
            "INSERT INTO schema_migration (name, sha256, kind) VALUES (%s, %s, %s)", (item.name, item.sha256, item.kind)
        )


def _line(text: str, position: str | None) -> str:
    return f" in line {text[: int(position)].count(chr(10)) + 1}" if position else ""


def _applied(connection: psycopg.Connection[tuple[object, ...]]) -> dict[str, _Applied]:
    rows = connection.execute(
        "SELECT name, sha256, coalesce(to_jsonb(m) ->> 'kind', 'contract') FROM schema_migration m"
    ).fetchall()
    return {name: _Applied(sha256, Kind(kind)) for name, sha256, kind in cast("list[tuple[str, str, str]]", rows)}


def _still_to_run(files: list[Migration], applied: dict[str, _Applied]) -> list[Migration]:
    names = {item.name for item in files}
    for name in sorted(applied.keys() - names):
        if applied[name].kind is Kind.CONTRACT:
            raise ConfigError(
                f"the database has the migration {name}, which this Keystall does not bring and cannot work with:"
                " update Keystall, or go back to a backup from before it"
            )
    for item in files:
        if item.name in applied and applied[item.name].sha256 != item.sha256:
            raise ConfigError(f"the migration {item.name} was changed after it ran: put the file back, add a new one")
    todo = [item for item in files if item.name not in applied]
    late = [item.name for item in todo if applied and item.name < max(applied)]
    if late:
        raise ConfigError(f"the migration {late[0]} is numbered below one that ran already: give it the next number")
    return todo
