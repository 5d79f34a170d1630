"""What the installation is: production or demo, written once by the owner when its database is made."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum

import psycopg

from core.config import Config
from core.connections.credentials import Holder
from core.connections.handed_in import public_key
from core.vault.notices import sandbox_public_key

PUBLISH = """
UPDATE installation SET bot_public_key = %(bot)s, act_public_key = %(act)s
WHERE bot_public_key IS DISTINCT FROM %(bot)s OR act_public_key IS DISTINCT FROM %(act)s
"""
"""The owner alone writes it, at each start: a store that was put back with other keys takes in for those."""


class Kind(StrEnum):
    """What a database was made for; it never changes."""

    PRODUCTION = "production"  # a real shop
    DEMO = "demo"  # play money; taken by `demo` only
    TEST = "test"  # tests, race and bench, in folders that are thrown away


@dataclass(frozen=True)
class Installation:
    """The row of `installation`."""

    kind: Kind
    vault_id: uuid.UUID


def find_installation(url: str) -> Installation | None:
    """What the database at `url` (any role) says it is; None before it was marked."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT kind, vault_id FROM installation").fetchone()
    return Installation(Kind(row[0]), row[1]) if row else None


def mark(url: str, kind: Kind, config: Config) -> Installation:
    """Mark a fresh database (`url` is the owner's) and return what it is; one that was marked before is left alone."""
    production = kind is Kind.PRODUCTION
    sandbox = None if production else sandbox_public_key(config.secret(config.secrets.act_key).reveal())
    budget = None if production else config.vault.opening_budget_per_hour
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO installation (kind, vault_id, sandbox_public_key, opening_budget_per_hour)"
            " VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (kind.value, uuid.uuid4(), sandbox, budget),
        )
    publish_keys(url, config)
    found = find_installation(url)
    if found is None:
        raise AssertionError("the row was written above")
    return found


def publish_keys(url: str, config: Config) -> None:
    """Write what web seals to, for the processes that open it (core.connections.handed_in); `url` is the owner's.

    Raises ConfigError where a key is missing.
    """
    keys = {Holder.BOT: config.secrets.bot_key, Holder.ACT: config.secrets.act_key}
    publics = {holder.value: public_key(config.secret(reference), holder) for holder, reference in keys.items()}
    with psycopg.connect(url) as connection:
        connection.execute(PUBLISH, publics)


def other_kind(wanted: Kind, found: Kind) -> str:
    """The refusal of a database that was made for something else."""
    if found is Kind.DEMO:
        return "this is a demo database, with play money: set another store.data_dir or database.url for a real shop"
    return f"this is a {found} database, not a {wanted} one: set another store.data_dir or database.url"


def has_cards(url: str) -> bool:
    """Whether anything was ever imported into this database."""
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT 1 FROM batch LIMIT 1").fetchone() is not None
