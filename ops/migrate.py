"""Brings the schema up to date: numbered SQL files, run by the owner, each in one transaction and once."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import psycopg

from core.config import ConfigError

MIGRATIONS = Path(__file__).parent / "migrations"
_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_LOCK = 0x6B65797374616C6C  # "keystall": one migrator at a time
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migration (
    name text PRIMARY KEY,
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    applied_at timestamptz NOT NULL DEFAULT now()
)"""


@dataclass(frozen=True)
class Migration:
    """One file; its number and name are `name`, its content is fixed once it has run anywhere."""

    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Of the content: a changed file is noticed."""
        return hashlib.sha256(self.text.encode()).hexdigest()


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
    applied: dict[str, str] = {}
    if is_migrated(url):
        with psycopg.connect(url, autocommit=True) as connection:
            applied = _applied(connection)
    return [item.name for item in _still_to_run(migrations(folder), applied)]


def migrate(url: str, folder: Path = MIGRATIONS) -> list[str]:
    """Run what has not run yet, as the owner at `url`; returns the names that ran.

    Raises ConfigError when a file that ran was changed or is gone, or when one fails (it then left nothing).
    """
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        connection.execute(_TABLE)
        todo = _still_to_run(migrations(folder), _applied(connection))
        for item in todo:
            _run(connection, item)
        return [item.name for item in todo]


def _run(connection: psycopg.Connection[tuple[object, ...]], item: Migration) -> None:
    try:
        with connection.transaction():
            connection.execute(item.text.encode())
            connection.execute("INSERT INTO schema_migration (name, sha256) VALUES (%s, %s)", (item.name, item.sha256))
    except psycopg.Error as error:
        line = _line(item.text, error.diag.statement_position)
        reason = error.diag.message_primary or str(error).splitlines()[0]
        raise ConfigError(f"the migration {item.name} failed{line} and left nothing behind: {reason}") from error


def _line(text: str, position: str | None) -> str:
    return f" in line {text[: int(position)].count(chr(10)) + 1}" if position else ""


def _applied(connection: psycopg.Connection[tuple[object, ...]]) -> dict[str, str]:
    rows = connection.execute("SELECT name, sha256 FROM schema_migration").fetchall()
    return dict(cast("list[tuple[str, str]]", rows))


def _still_to_run(files: list[Migration], applied: dict[str, str]) -> list[Migration]:
    names = {item.name for item in files}
    for name in sorted(applied.keys() - names):
        raise ConfigError(f"the database has the migration {name}, which this Keystall does not bring: update Keystall")
    for item in files:
        if item.name in applied and applied[item.name] != item.sha256:
            raise ConfigError(f"the migration {item.name} was changed after it ran: put the file back, add a new one")
    todo = [item for item in files if item.name not in applied]
    late = [item.name for item in todo if applied and item.name < max(applied)]
    if late:
        raise ConfigError(f"the migration {late[0]} is numbered below one that ran already: give it the next number")
    return todo
