"""Checkpoints of the books as anybody may read and check them; the vault writes them (core.custody.chains.checkpoints).

A period is a range of transfer ids. Behind a checkpoint nothing changes any more, so that a balance is its last mark
and the transfers after it, and `verify` reads the chain and the tail whatever the size of the store.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.db import execute

START = -(2**63)
"""Before every id that a transfer can have."""

GENESIS = bytes(32)
"""What the first checkpoint names as the hash of the one before it."""

COLUMNS = """number, at, last_transfer_id, last_audit_id, transfers, sums, counts, totals,
       chunk_hash, lines_hash, balances_hash, previous_hash, hmac"""
ALL = f"SELECT {COLUMNS} FROM checkpoint ORDER BY number"  # noqa: S608 - constants of this module only
LATEST = f"SELECT {COLUMNS} FROM checkpoint ORDER BY number DESC LIMIT 1"  # noqa: S608 - constants of this module only
ONE = f"SELECT {COLUMNS} FROM checkpoint WHERE number = %s"  # noqa: S608 - constants of this module only

TRANSFERS = """
SELECT coalesce(sum(n), 0)::bigint, sha256(coalesce(string_agg(part, ''::bytea ORDER BY thousand), ''::bytea))
FROM (SELECT id / 1000 AS thousand, count(*) AS n,
             sha256(convert_to(string_agg(ROW(id, debit_id, credit_id, amount, currency, code, reference, line_id,
                 (extract(epoch FROM at) * 1000000)::bigint)::text, E'\\n' ORDER BY id), 'UTF8')) AS part
      FROM transfer WHERE id > %(after)s AND id <= %(upto)s GROUP BY id / 1000) AS parts
"""
"""How many transfers a period has, and the hash of all that they say, a thousand ids at a time."""

LINES = """
SELECT sha256(coalesce(string_agg(part, ''::bytea ORDER BY bucket), ''::bytea))
FROM (SELECT substr(l.id::text, 25, 2) AS bucket,
             sha256(convert_to(string_agg(ROW(l.id, l.order_id, l.sku_id, l.quantity, l.list_price_minor,
                 l.discount_minor, l.total_minor, o.merchant_id, o.currency, o.total_minor, o.seal, s.shares)::text,
                 E'\\n' ORDER BY l.id), 'UTF8')) AS part
      FROM (SELECT DISTINCT line_id FROM transfer WHERE id > %(after)s AND id <= %(upto)s AND code = 'sale') AS settled
      JOIN order_line l ON l.id = settled.line_id JOIN shop_order o ON o.id = l.order_id
      LEFT JOIN LATERAL (
          SELECT string_agg(ROW(x.position, x.role, x.party_id, x.account_id, x.offer_id, x.amount_minor)::text, ''
                            ORDER BY x.position) AS shares
          FROM line_share x JOIN hold h ON h.id = x.hold_id
          WHERE x.line_id = l.id AND h.state = 'captured') AS s ON true
      GROUP BY 1) AS parts
"""
"""The hash of what was frozen on the lines that a period's transfers settled: it never changes afterwards (INV-O8)."""

BALANCES = """
SELECT sha256(coalesce(string_agg(part, ''::bytea ORDER BY thousand), ''::bytea))
FROM (SELECT account_id / 1000 AS thousand,
             sha256(convert_to(string_agg(account_id || ':' || balance, E'\\n' ORDER BY account_id), 'UTF8')) AS part
      FROM checkpoint_balance WHERE number = %(number)s GROUP BY account_id / 1000) AS parts
"""
"""The hash of the balances that a checkpoint marked."""

SUMS = """
SELECT coalesce(jsonb_object_agg(currency, total), '{}')
FROM (SELECT currency, sum(amount)::bigint AS total FROM transfer
      WHERE id > %(after)s AND id <= %(upto)s GROUP BY currency) AS moved
"""
"""What a period's transfers moved, per currency in minor units."""


@dataclass(frozen=True, slots=True)
class Period:
    """The transfers with `after` < id <= `upto`."""

    after: int
    upto: int

    def params(self) -> dict[str, int]:
        """As the statements of this module name them."""
        return {"after": self.after, "upto": self.upto}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One row of `checkpoint`, in the order of its columns; its meaning stands in the migration."""

    number: int
    at: datetime
    last_transfer_id: int
    last_audit_id: int
    transfers: int
    sums: Mapping[str, int]
    counts: Mapping[str, int]
    totals: Mapping[str, Mapping[str, int]]
    chunk_hash: bytes
    lines_hash: bytes
    balances_hash: bytes
    previous_hash: bytes
    hmac: bytes = b""

    @property
    def hash(self) -> bytes:
        """SHA-256 of everything but the HMAC: what is sealed, and what the next checkpoint names."""
        said = [
            self.number,
            self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            *(self.last_transfer_id, self.last_audit_id, self.transfers, self.sums, self.counts, self.totals),
            *(one.hex() for one in (self.chunk_hash, self.lines_hash, self.balances_hash, self.previous_hash)),
        ]
        return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).digest()


def chain() -> list[Checkpoint]:
    """Every checkpoint, oldest first."""
    return [read(row) for row in execute(ALL)]


def latest() -> Checkpoint | None:
    """The last checkpoint; None before the first."""
    rows = execute(LATEST)
    return read(rows[0]) if rows else None


def first_broken(checkpoints: Sequence[Checkpoint]) -> int | None:
    """The number of the first checkpoint that does not follow the one before it; None for a whole chain."""
    number, hashed, last = 0, GENESIS, START
    for one in checkpoints:
        if (one.number, one.previous_hash) != (number + 1, hashed) or one.last_transfer_id < last:
            return one.number
        number, hashed, last = one.number, one.hash, one.last_transfer_id
    return None


def read(row: Sequence[Any]) -> Checkpoint:
    """A checkpoint from its columns."""
    return Checkpoint(*row[:8], *(bytes(one) for one in row[8:]))
