"""Until when a shopper is a member: periods are given once for a line, taken back with its money, and counted anew.

What a shopper has stands in `membership_period`, one row for a paid line, for ever; `membership` says what those rows
come to (`core.members.periods`), so that it can be read and compared. Whoever changes a row counts again under the
shopper's lock, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from core.actor import Actor, ActorKind
from core.db import execute
from core.errors import Conflict, NotFound
from core.members.periods import MOST_YEARS, Period, Running, Span, Unit, is_too_far, standing
from core.members.plans import is_sellable
from core.titles import worded

LOCK = "SELECT 1 FROM shopper WHERE id = ANY (%s::uuid[]) ORDER BY id FOR NO KEY UPDATE"
SOLD = """
SELECT l.plan_id, l.merchant_id, o.shopper_id, o.identity_id, l.quantity, l.plan_count, l.plan_unit, o.paid_at, m.names
FROM order_line l JOIN shop_order o ON o.id = l.order_id JOIN shopper s ON s.id = o.shopper_id
JOIN plan m ON m.id = l.plan_id
WHERE l.id = %s FOR NO KEY UPDATE OF s
"""
"""What a line sold, and to whom; locks the shopper, so that its periods are counted one after another."""

GIVE = """
INSERT INTO membership_period (line_id, plan_id, merchant_id, shopper_id, identity_id, months, days, zone, paid_at,
    given_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
TAKE_BACK = """
UPDATE membership_period SET taken_back_at = greatest(given_at, %s) WHERE line_id = %s AND taken_back_at IS NULL
RETURNING shopper_id
"""
PERIODS = """
SELECT shopper_id, plan_id, merchant_id, paid_at, given_at, months, days, zone, taken_back_at FROM membership_period
WHERE shopper_id = ANY (%s::uuid[]) ORDER BY shopper_id, plan_id, given_at, line_id
"""
STANDS = """
INSERT INTO membership (shopper_id, plan_id, merchant_id, since, anchor_day, zone, months, days, until)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (shopper_id, plan_id) DO UPDATE SET since = excluded.since, anchor_day = excluded.anchor_day,
    zone = excluded.zone, months = excluded.months, days = excluded.days, until = excluded.until
"""
OF_LINE = """
SELECT p.names, m.since, m.zone, m.months, m.days FROM membership_period x
JOIN plan p ON p.id = x.plan_id JOIN membership m ON m.shopper_id = x.shopper_id AND m.plan_id = x.plan_id
WHERE x.line_id = %s
"""
FORGET = "DELETE FROM membership WHERE shopper_id = ANY (%s::uuid[]) RETURNING shopper_id"
OF_SHOPPER = """
SELECT m.plan_id, p.names, m.since, m.until FROM membership m JOIN plan p ON p.id = m.plan_id
WHERE m.shopper_id = %s AND m.until > m.since ORDER BY m.plan_id
"""


class MembershipTooLong(Conflict):
    """It would end further ahead than anything that is sold; `years` says how far that is."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a line did, or its end: the names of its plan, and the membership as it stands now."""

    names: dict[str, str]
    running: Running


@dataclass(frozen=True, slots=True)
class MembershipView:
    """A shopper's membership, over or not: it lasts until `until`, the first moment at which it is over (UTC)."""

    plan_id: int
    names: dict[str, str]
    since: datetime
    until: datetime

    def name(self, locale: str) -> str:
        """What it is called in one language."""
        return worded(self.names, locale)


def give_period(*, line_id: UUID, zone: str, now: datetime) -> Given:
    """Begin or extend a membership by what a paid line bought, in the transaction that finishes the line.

    The caller holds the order's lock. The line's row is the proof that it was given: a second one breaks the
    transaction. Raises `MembershipTooLong` with nothing changed.
    """
    plan_id, merchant_id, shopper_id, identity_id, quantity, count, unit, paid_at, names = execute(SOLD, (line_id,))[0]
    span = Span.of(count, Unit(unit)) * quantity
    running = _with(shopper_id, plan_id, Period(paid_at, now, span, zone))
    row = (line_id, plan_id, merchant_id, shopper_id, identity_id, span.months, span.days, zone, paid_at, now)
    execute(GIVE, row)
    _write(shopper_id, plan_id, merchant_id, running)
    return Given(names, running)


def require_room(*, shopper_id: UUID, plan_id: int, span: Span, zone: str, now: datetime) -> None:
    """Whether a membership may be bought for so long now, before anything is placed. Raises `MembershipTooLong`."""
    if not is_sellable(span):
        raise MembershipTooLong(years=MOST_YEARS)
    _with(shopper_id, plan_id, Period(now, now, span, zone))


def take_back_period(*, line_id: UUID, now: datetime) -> Given | None:
    """The money of a line goes back, and its period with it, in the caller's transaction; None where it had none."""
    rows = execute(TAKE_BACK, (now, line_id))
    if not rows:
        return None
    count_again(shopper_ids=[rows[0][0]])
    names, since, zone, months, days = execute(OF_LINE, (line_id,))[0]
    return Given(names, Running(since, zone, Span(months, days)))


def count_again(*, shopper_ids: Sequence[UUID]) -> None:
    """Write what the periods of some shoppers come to, after they were taken back or became another shopper's.

    In the caller's transaction. Periods of two shoppers who become one follow each other in the order in which they
    were given, so that nothing that was paid runs beside something else.
    """
    execute(LOCK, (sorted(shopper_ids),))
    execute(FORGET, (list(shopper_ids),))
    for (shopper_id, plan_id, merchant_id), periods in _periods(shopper_ids):
        running = standing(periods)
        if running is not None:
            _write(shopper_id, plan_id, merchant_id, running)


def memberships_of(*, actor: Actor) -> list[MembershipView]:
    """What the acting shopper is or was a member of. Raises `NotFound` for anybody who is no shopper."""
    if actor.kind is not ActorKind.SHOPPER:
        raise NotFound("shopper")
    return [MembershipView(*row) for row in execute(OF_SHOPPER, (actor.id,))]


def _with(shopper_id: UUID, plan_id: int, more: Period) -> Running:
    """What a shopper's membership comes to with one more period."""
    before = [period for (_, plan, _), periods in _periods([shopper_id]) if plan == plan_id for period in periods]
    running = standing([*before, more])
    if running is None or is_too_far(until=running.until, now=more.given_at):
        raise MembershipTooLong(years=MOST_YEARS)
    return running


def _periods(shopper_ids: Sequence[UUID]) -> list[tuple[tuple[UUID, int, int], list[Period]]]:
    """Periods by shopper, plan and the plan's merchant, in the order in which they were given."""
    rows = execute(PERIODS, (list(shopper_ids),))
    return [(whose, [_period(row) for row in group]) for whose, group in groupby(rows, key=lambda row: tuple(row[:3]))]


def _period(row: Sequence[Any]) -> Period:
    paid_at, given_at, months, days, zone, taken_back_at = row[3:]
    return Period(paid_at, given_at, Span(months, days), zone, taken_back_at)


def _write(shopper_id: UUID, plan_id: int, merchant_id: int, running: Running) -> None:
    what = (running.since, running.anchor_day, running.zone, running.span.months, running.span.days, running.until)
    execute(STANDS, (shopper_id, plan_id, merchant_id, *what))
