"""The panel's own way to the database: a login that only reads, one transaction a page, rows of one party."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from core.db import SESSION_OPTIONS, StoreDatabase
from core.parties.rules import PLATFORM_ROLES
from core.parties.staff_sessions import StaffSession

panel_db = StoreDatabase(None)

WHO = """
SELECT set_config('transaction_read_only', 'on', true), set_config('keystall.party', %s, true),
       set_config('keystall.sees', %s, true), set_config('keystall.person', %s, true),
       set_config('enable_seqscan', 'off', true)
"""
"""A page reads a piece of a table by an index. What a policy lets through the planner cannot guess: left alone, it
would now and then sort a whole table for twenty-five rows."""


def connect(url: str, *, size: int) -> None:
    """Point the panel's reading at a database: `url` is the panel role's, `size` the most connections."""
    disconnect()
    panel_db.init(url, max_connections=size, timeout=10, application_name="keystall panel", options=SESSION_OPTIONS)


def disconnect() -> None:
    """Close every connection."""
    if not panel_db.deferred:
        panel_db.close_all()


@contextlib.contextmanager
def reading(session: StaffSession) -> Iterator[None]:
    """One read-only transaction that sees what party and person of this session may see (row-level security)."""
    with panel_db.connection_context(), panel_db.atomic():
        panel_db.execute_sql(WHO, who_reads(session))
        yield


def who_reads(session: StaffSession) -> tuple[str, str, str]:
    """What `WHO` is told: the party, whether all parties are seen, the person."""
    return str(session.party.id), "all" if session.roles & PLATFORM_ROLES else "", str(session.staff_id)
