"""What goes wrong in the database, as peewee tells it, and without the rows that PostgreSQL quotes in its errors."""

from __future__ import annotations

import peewee
import psycopg

told_by_peewee = peewee.__exception_wrapper__  # type: ignore[attr-defined]
"""A block whose errors of psycopg become peewee's, with their rows still in them."""


def as_peewee(error: psycopg.Error) -> Exception:
    """What psycopg raised as peewee tells it, without the rows."""
    try:
        with told_by_peewee:
            raise error
    except peewee.PeeweeException as told:
        return without_rows(told)


def without_rows(error: peewee.PeeweeException) -> peewee.PeeweeException:
    """The same error with SQLSTATE and constraint name, and without any value that a row has."""
    original = getattr(error, "orig", None)  # peewee keeps what psycopg raised here
    state, constraint, text = None, None, type(error).__name__
    if isinstance(original, psycopg.Error):
        state = original.sqlstate
        diag = original.diag
        constraint = diag.constraint_name
        # The primary message of data and integrity errors may quote values; of others it names tables and syntax.
        if state is None or not state.startswith(("22", "23")):
            text = diag.message_primary or str(original).split("\n", 1)[0]
    clean = type(error)(f"{state or 'no-sqlstate'} {constraint or ''} {text}".strip())
    clean.sqlstate = state  # type: ignore[attr-defined]
    clean.constraint = constraint  # type: ignore[attr-defined]
    return clean
