"""PostgreSQL's own log, while statements that carry a secret fail in every way that a server has words for."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator

import psycopg
from psycopg import sql

FAILING = {
    "a row that breaks a constraint": "INSERT INTO party (kind, code, names, created_at)"
    " VALUES ('merchant', {secret}, '{{}}', now())",
    "a key that is there twice": "INSERT INTO vault_mark VALUES ({secret}, '\\x00'), ({secret}, '\\x00')",
    "a value of another type": "SELECT {secret}::integer",
    "a statement that is none": "SELECT {secret} FROM nowhere",
    "an error that quotes": "DO $$ BEGIN RAISE EXCEPTION 'failed' USING DETAIL = {secret}; END $$",
    "a statement that takes too long": "SELECT pg_sleep(1), {secret}",
}
AS_IT_COMES = ("log_min_messages = warning", "log_error_verbosity = default", "log_min_error_statement = error")
"""What a server logs where nobody has set it: the control."""


def provoked(url: str, *settings: str) -> Iterator[tuple[str, str]]:
    """Fail in each way, as the superuser at `url` with these settings; yields the way and its secret."""
    for way, statement in FAILING.items():
        secret = f"CNRY{secrets.token_hex(8).upper()}"
        with psycopg.connect(url, autocommit=True) as connection:
            for setting in settings:
                connection.execute(f"SET {setting}".encode())
            connection.execute("SET statement_timeout = 20")
            with contextlib.suppress(psycopg.Error):
                connection.execute(sql.SQL(statement).format(secret=sql.Literal(secret)))  # type: ignore[arg-type]
        yield way, secret
