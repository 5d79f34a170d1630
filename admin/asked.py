"""Fixed questions of the panel's pages to the database, as its own role, in the transaction of `reading`."""

from __future__ import annotations

from typing import Any

from admin.reading import panel_db


def ask(statement: str, **named: Any) -> list[dict[str, Any]]:
    """The rows of one statement, each by the names of its columns."""
    cursor = panel_db.execute_sql(statement, named)
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def ask_one(statement: str, **named: Any) -> dict[str, Any] | None:
    """The first row, or None."""
    found = ask(statement, **named)
    return found[0] if found else None
