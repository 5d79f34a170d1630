"""The hand of the database's owner, for the few acts that no process of the store may do: none knows this login."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.config import Config
from core.supply.trade import OwnersHand


def owners_hand(config: Config) -> OwnersHand:
    """Runs one statement as the owner of the tables, on a connection of its own, and gives its rows."""

    def run(statement: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
        import psycopg

        with psycopg.connect(config.database.url, autocommit=True) as connection:
            return connection.execute(statement.encode(), params).fetchall()

    return run
