"""The audit's chain: each entry's HMAC over all its columns and the link before it, under a key of the vault alone.

Ids are given in one order and committed in another, so an entry is linked once no transaction that may still bring a
lower id is under way. Who writes holds PostgreSQL's own lock on the table until its end; the chainer looks who does,
and waits for those alone: nobody waits for the chainer, and an entry costs the shop nothing more.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.db import execute
from core.vault.primitives import derive, framed

PART = 5000
"""Entries that are read or linked in one statement."""

LEAST = -(1 << 63)
"""Below every id: whoever writes as superuser may choose any."""

ENTRIES = """
SELECT id, jsonb_build_array(id, extract(epoch FROM at), actor_kind, actor_id, party_id, action, object_kind, object_id,
                             detail)::text
FROM audit_entry WHERE id > %s AND id <= %s ORDER BY id LIMIT %s
"""
"""The id and the canonical text: a JSON array keeps columns apart, jsonb has one spelling of every value."""

LINKS = "SELECT entry_id, link FROM audit_link WHERE entry_id > %s AND entry_id <= %s ORDER BY entry_id LIMIT %s"
HEAD = "SELECT entry_id, link FROM audit_link ORDER BY entry_id DESC LIMIT 1"
LAST = "SELECT max(id) FROM audit_entry"
WRITERS = """
SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'audit_entry'::regclass AND mode = 'RowExclusiveLock' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()
"""
"""Who may have taken an id that is not committed yet: INSERT takes this lock first and keeps it to the end."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last link of a stretch of the chain: the entry's id and its 32 bytes."""

    entry: int
    link: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Chain:
    """How links are made; `start` stands before the first."""

    key: bytes
    start: Head

    def link(self, previous: bytes, text: str) -> bytes:
        """The link of an entry, given the one before it and the entry's canonical text."""
        return hmac.digest(self.key, previous + text.encode(), "sha256")


@dataclass(frozen=True, slots=True)
class Horizon:
    """Entries up to `last` can be linked once all of `writers` have ended."""

    last: int
    writers: frozenset[str]


def chain_of(audit_key: bytes, vault_id: UUID) -> Chain:
    """The chain of one installation: links of another one, or of another key, never fit."""
    key = derive(audit_key, "keystall audit chain 1", 32)
    return Chain(key, Head(LEAST, hmac.digest(key, framed("keystall audit start", vault_id), "sha256")))


def head_of(chain: Chain) -> Head:
    """The last link there is."""
    rows = execute(HEAD)
    return Head(rows[0][0], bytes(rows[0][1])) if rows else chain.start


def horizon() -> Horizon:
    """How far one may link, and whom to wait for: the order of the two looks matters."""
    last = execute(LAST)[0][0]
    return Horizon(LEAST if last is None else int(last), writers())


def writers() -> frozenset[str]:
    """The transactions under way that have written an entry, or may be about to."""
    return frozenset(row[0] for row in execute(WRITERS))


def paged(statement: str, after: int, last: int) -> Iterator[tuple[Any, ...]]:
    """The rows of `ENTRIES` or `LINKS` with ids above `after` and up to `last`, in short statements."""
    while rows := execute(statement, (after, last, PART)):
        yield from rows
        if len(rows) < PART:
            return
        after = rows[-1][0]
