"""Rows of an export, read through a cursor of the server on a connection of their own.

Who takes a file may read it slowly or go away; neither keeps a connection from pages, nor more rows in memory than one
batch. What may be seen is what pages see: the panel's login, one party, row-level security.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import psycopg

from admin.reading import WHO, panel_db, who_reads
from core.db import SharedSessions
from core.parties.staff_sessions import StaffSession

BATCH = 1000
PATIENCE = """
SELECT set_config('statement_timeout', '60s', true), set_config('idle_in_transaction_session_timeout', '120s', true)
"""
"""A batch that takes longer is given up, and a reader who takes nothing for so long is left."""


def batches(session: StaffSession, statement: str, asked: Mapping[str, Any]) -> Generator[list[tuple[Any, ...]]]:
    """What a fixed statement finds, a batch at a time; the connection is closed whichever way this ends."""
    connection: psycopg.Connection[Any] = SharedSessions._connect(panel_db)
    try:
        connection.execute("BEGIN")  # the connections of peewee begin none by themselves
        connection.execute(PATIENCE)
        connection.execute(WHO, who_reads(session))
        with connection.cursor(name="export") as cursor:
            cursor.execute(statement, asked)
            while rows := cursor.fetchmany(BATCH):
                yield rows
    finally:
        connection.close()
