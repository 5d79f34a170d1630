"""The hand of the database's owner, for the few acts that no process of the store may do: none knows this login."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import typer

from core.config import Config
from core.supply.trade import OwnersHand


def owners_hand(config: Config) -> OwnersHand:
    """Runs one statement as the owner of the tables, on a connection of its own, and gives its rows."""

    def run(statement: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
        import psycopg

        with psycopg.connect(config.database.url, autocommit=True) as connection:
            return connection.execute(statement.encode(), params).fetchall()

    return run


@contextlib.contextmanager
def as_owner(context: typer.Context) -> Iterator[Config]:
    """The store's settings, its database connected as the tables' owner, until the block ends."""
    from core import db
    from ops.store import load_config, opened

    with opened(load_config(context)) as store:
        db.connect(store.config.database.url, size=2)
        try:
            yield store.config
        finally:
            db.disconnect()
