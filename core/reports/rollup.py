"""Roll-ups for the panel: which days have changed, and their figures computed anew from orders, a day at a time.

A day's rows are a function of its orders alone. What makes a day dirty is read from the audit by ids, never by times,
so that clocks may jump; a kill loses nothing, since marks and rows change in the transaction that computed them.
"""

from __future__ import annotations

import itertools
import time as clock
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from core.db import atomic, execute, in_transaction
from core.errors import NotFound
from core.ids import Prefix, parse
from core.reports import rollup_sql as sql

LOCK = 7201
"""Advisory lock: one worker at a time reads the audit for dirty days, and computes."""

PART = 20_000
"""Entries of the audit that are read in one transaction."""

PATIENCE = 0.5
"""Seconds to wait for transactions that may still bring a lower id; after that the mark stays where it is."""

ROUND = 5.0
"""Seconds after which a round begins no further day."""

LONGEST = timedelta(minutes=5)
"""A day of very many orders may take so long to compute."""


class Terms(StrEnum):
    """Where the goods of a line came from."""

    OWN = "own"  # own cards, memberships, and what people do by hand
    OWNED = "owned"  # cards that the merchant bought out
    CONSIGNED = "consigned"  # cards of a seller, who gets its price when they are sold
    MIXED = "mixed"  # of several of these, or of several sellers


@dataclass(frozen=True, slots=True)
class Compared:
    """`days` were computed again; `differing` rows by table were not as stored, `unbalanced` do not add up."""

    days: int
    differing: dict[str, int]
    unbalanced: int

    @property
    def is_right(self) -> bool:
        """Whether every figure is what its orders say."""
        return not any(self.differing.values())


def roll_up(*, zone: str, now: datetime) -> int:
    """A round: read what the audit says since the last one, compute the days that changed; returns how many.

    `zone` is the store's: days begin at its midnight. What does not fit into a few seconds is left to the next round.
    """
    _read_audit(zone, now)
    end, count = clock.monotonic() + ROUND, 0
    for statement in itertools.cycle((sql.TAKE_YOUNGEST, sql.TAKE_OLDEST)):  # today first, yet nothing waits for ever
        if not in_transaction(partial(_compute_one, statement, zone), repeatable=True):
            break
        count += 1
        if count > 1 and clock.monotonic() > end:
            break
    return count


def roll_up_all(*, zone: str, now: datetime, seconds: float) -> None:
    """Rounds until nothing is dirty any more, or for so many seconds."""
    end = clock.monotonic() + seconds
    while roll_up(zone=zone, now=now) and clock.monotonic() < end:
        pass


def recount(*, zone: str, first: date, last: date) -> None:
    """Have every day of a range computed again by the next rounds, whatever the audit says."""
    begin, _ = bounds(first, zone)
    _, end = bounds(last, zone)
    execute(sql.MAKE_RANGE_DIRTY, {"zone": zone, "begin": begin, "end": end, "first": first, "last": last})


def compare(*, zone: str, first: date, last: date) -> Compared:
    """Compute each day of a range again and compare it with what is stored; changes nothing.

    Days that wait to be computed are left out.
    """
    days, differing, unbalanced = 0, {table: 0 for table, _, _ in sql.TABLES}, 0
    for offset in range((last - first).days + 1):
        with atomic():
            execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            asked = _asked(first + timedelta(days=offset), zone, merchants=[])
            asked["merchants"] = _settled_merchants(asked)
            for table, columns, computed in sql.TABLES:
                differing[table] += int(execute(sql.differing(table, columns, computed), asked)[0][0])
            unbalanced += int(execute(sql.UNBALANCED, asked)[0][0])
        days += 1
    return Compared(days, differing, unbalanced)


def bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """When a day of the store begins and ends (UTC)."""
    at = [datetime.combine(one, time(), ZoneInfo(zone)).astimezone(UTC) for one in (day, day + timedelta(days=1))]
    return at[0], at[1]


def _settled_merchants(asked: dict[str, object]) -> list[int]:
    rows = execute(
        "SELECT id FROM party WHERE id NOT IN (SELECT merchant_id FROM report_dirty WHERE day = %(day)s)", asked
    )
    return [row[0] for row in rows]


def _asked(day: date, zone: str, merchants: list[int]) -> dict[str, object]:
    begin, end = bounds(day, zone)
    return {"day": day, "begin": begin, "end": end, "merchants": merchants}


def _read_audit(zone: str, now: datetime) -> None:
    """Make the days dirty of which the audit says something new; its entries become visible out of order."""
    last = int(execute(sql.LAST_ENTRY)[0][0])
    before = _writers()
    while True:
        settled = _have_ended(before)
        if in_transaction(partial(_read_part, zone, last, settled, now), repeatable=True):
            return


def _read_part(zone: str, last: int, settled: bool, now: datetime) -> bool:
    """One part of the entries up to `last`; True when nothing more is to be read now."""
    if not _alone():
        return True
    after = _mark(zone, now)
    rows = execute(sql.CHANGED_ORDERS, {"after": after, "last": last, "limit": PART})
    orders = [order for row in rows if (order := _order(row[1])) is not None]
    if orders:
        execute(sql.MAKE_DIRTY, {"zone": zone, "orders": orders})
    is_whole = len(rows) < PART
    if settled and last > after:
        execute(sql.SET_MARK, {"zone": zone, "last": last if is_whole else rows[-1][0], "now": now})
    return is_whole or not settled


def _mark(zone: str, now: datetime) -> int:
    """Up to which entry the audit was read; from its beginning where the store moved to another zone."""
    rows = execute(sql.FIND_MARK)
    if rows and rows[0][0] == zone:
        return int(rows[0][1])
    for statement in sql.FORGET:
        execute(statement)
    execute(sql.SET_MARK, {"zone": zone, "last": 0, "now": now})
    return 0


def _order(said: str) -> UUID | None:
    """The order that an entry names, in its public form or as it stands in the database."""
    try:
        return parse(Prefix.ORDER, said) if said.startswith("ord_") else UUID(said)
    except (NotFound, ValueError):
        return None


def _compute_one(statement: str, zone: str) -> bool:
    taken = execute(statement) if _alone() else []
    if not taken:
        return False
    execute(f"SET LOCAL statement_timeout = {int(LONGEST.total_seconds() * 1000)}")
    asked = _asked(taken[0][0], zone, [row[1] for row in taken])
    for clear in sql.CLEAR:
        execute(clear, asked)
    execute(sql.COMPUTE, asked)
    return True


def _alone() -> bool:
    return bool(execute("SELECT pg_try_advisory_xact_lock(%s)", (LOCK,))[0][0])


def _writers() -> frozenset[str]:
    return frozenset(row[0] for row in execute(sql.WRITERS))


def _have_ended(before: frozenset[str]) -> bool:
    """Whether everybody has ended who may have written a lower id than the last that was seen; waits a moment."""
    end = clock.monotonic() + PATIENCE
    while before & _writers():
        if clock.monotonic() > end:
            return False
        clock.sleep(0.02)
    return True
