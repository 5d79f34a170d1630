"""A database of a test made like a fresh one again, or told apart from one: 8 ms of processor instead of 32.

What a test did to the schema, to rights or to the database itself cannot be undone here and shows in the catalogs, each
row of which bears the transaction that wrote it: such a database is to be dropped. Rows are deleted, seeded ones put
back, sequences restarted. Of deleted rows room remains, which has no effect while a table is smaller than what the
planner assumes of one that it knows nothing about (ten pages); a larger one is no more like a fresh one either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import psycopg

PAGES = 10
"""A table of fewer pages, never analyzed, is planned for as one of ten: see `table_block_relation_estimate_size`."""

Session = psycopg.Connection[tuple[object, ...]]

_SESSIONS = """SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL (%s)
        AND backend_type = 'client backend'"""

_CATALOGS = """SELECT relname FROM pg_class
    WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' AND NOT relisshared ORDER BY relname"""

_KNOWN = """SELECT format('%s %s %s', oid, relpages, reltuples) FROM pg_class WHERE relkind IN ('r', 'm', 'i')
    UNION ALL SELECT format('%s', setting) FROM pg_db_role_setting setting
        WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    UNION ALL SELECT format('%s %s %s', datacl, datconnlimit, datallowconn) FROM pg_database
        WHERE datname = current_database()"""
"""What the planner was told of each table, which leaves no trace of who wrote it; what shared catalogs say of this
database."""

_FILLED = """SELECT name, pages FROM (
        SELECT oid::regclass::text, greatest(pg_relation_size(oid),
            CASE WHEN reltoastrelid <> 0 THEN pg_relation_size(reltoastrelid) END) / current_setting('block_size')::int
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    ) AS t (name, pages) WHERE pages > 0"""

_SEQUENCES = "SELECT format('%I.%I', schemaname, sequencename) FROM pg_sequences ORDER BY 1"


@cache
def _catalogs(names: tuple[str, ...]) -> bytes:
    written = (f"SELECT '{name} ' || xmin::text || ' ' || count(*) FROM {name} GROUP BY xmin" for name in names)
    lines = " UNION ALL ".join([*written, _KNOWN])
    return f"SELECT count(*), sum(hashtextextended(line, 0)) FROM ({lines}) AS t (line)".encode()


@dataclass(frozen=True)
class Fresh:
    """What a database was like before a test had it."""

    catalogs: tuple[object, ...]
    seeds: dict[str, bytes]  # what stands in each table that is not empty
    sequences: dict[str, tuple[object, ...]]

    @classmethod
    def of(cls, session: Session) -> Fresh:
        """Look at a fresh one, as the superuser."""
        filled = [str(table) for table, _ in session.execute(_FILLED)]
        names = [str(name) for (name,) in session.execute(_SEQUENCES)]
        sequences = {name: session.execute(f"SELECT last_value, is_called FROM {name}".encode()) for name in names}
        return cls(
            catalogs=_state(session),
            seeds={table: _rows(session, table) for table in filled},
            sequences={name: found.fetchall()[0] for name, found in sequences.items()},
        )

    def restored(self, session: Session, *, beside: Sequence[int] = ()) -> bool:
        """Make a used database like this again, where only the sessions `beside` ours stay; False: it cannot be."""
        session.execute(_SESSIONS, [list(beside)])
        filled = {str(table): pages for table, pages in session.execute(_FILLED)}
        if any(int(str(pages)) >= PAGES for pages in filled.values()) or _state(session) != self.catalogs:
            return False
        changed = [table for table, rows in self.seeds.items() if _rows(session, table) != rows]
        emptied = [f"DELETE FROM {table}" for table in [*(filled.keys() - self.seeds.keys()), *changed]]
        restarted = [f"SELECT setval('{name}', {last}, {used})" for name, (last, used) in self.sequences.items()]
        # Neither what forbids to delete nor foreign keys: no trigger fires.
        session.execute("; ".join(["SET session_replication_role = replica", *emptied, *restarted]).encode())
        for table in changed:
            with session.cursor().copy(f"COPY {table} FROM STDIN (FORMAT binary)".encode()) as copy:
                copy.write(self.seeds[table])
        session.execute("SELECT pg_stat_reset()")
        return True


def _state(session: Session) -> tuple[object, ...]:
    names = tuple(str(name) for (name,) in session.execute(_CATALOGS))
    return session.execute(_catalogs(names), prepare=True).fetchall()[0]


def _rows(session: Session, table: str) -> bytes:
    with session.cursor().copy(f"COPY {table} TO STDOUT (FORMAT binary)".encode()) as copy:
        return b"".join(bytes(part) for part in copy)
