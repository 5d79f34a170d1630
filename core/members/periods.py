"""Calendar periods of memberships: pure arithmetic on days of a calendar, in the zone in which people read the end.

A month is a month of the calendar and not 30 days. Everything is counted from one moment, the anchor, at which the
membership began; so no sum of periods ever drifts:

- 31 January + 1 month ends on 28 February (29 in a leap year), and + 1 month more on 31 March, not on 28 March.
- 29 February + 1 year ends on 28 February, and + 4 years on 29 February again.
- It ends at the hour at which it began, as the clock on the wall shows it, also where summer time came or went between.
  An hour that the clock skips ends as many minutes later; of an hour that comes twice it is the later one.
- Bought again before the end, it is extended from the end: 31 January + 1 month, renewed on 10 February, ends on
  31 March. Bought again after the end, it begins anew at that moment.
- A period that is taken back makes it end as much earlier, counted from the same anchor.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

MOST_YEARS = 50
"""No membership is sold that would end later than so many years from now."""


class Unit(StrEnum):
    """What a plan's periods are counted in."""

    DAY = "day"
    MONTH = "month"  # of the calendar
    YEAR = "year"  # 12 months


@dataclass(frozen=True, slots=True)
class Span:
    """So many months of the calendar, then so many days: what periods of whatever units add up to, in any order."""

    months: int = 0
    days: int = 0

    @staticmethod
    def of(count: int, unit: Unit) -> Span:
        """`count` units: 1 year is 12 months, a week is 7 days."""
        match unit:
            case Unit.DAY:
                return Span(days=count)
            case Unit.MONTH:
                return Span(months=count)
            case Unit.YEAR:
                return Span(months=12 * count)

    def __add__(self, other: Span) -> Span:
        return Span(self.months + other.months, self.days + other.days)

    def __sub__(self, other: Span) -> Span:
        return Span(self.months - other.months, self.days - other.days)

    def __mul__(self, pieces: int) -> Span:
        return Span(self.months * pieces, self.days * pieces)


@dataclass(frozen=True, slots=True)
class Period:
    """A period as it was bought, in the order of `given_at`; `taken_back_at` where its money went back. Times are UTC.

    Whether it renews is judged by the moment of the payment, so that a late hand-over breaks no membership; what begins
    anew begins at the hand-over, so that it costs nobody a minute.
    """

    paid_at: datetime
    given_at: datetime
    span: Span
    zone: str
    taken_back_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """A membership as it stands: begun at `since` (the anchor, UTC), in a zone, for the sum of its periods."""

    since: datetime
    zone: str
    span: Span

    @property
    def anchor_day(self) -> int:
        """The day of the month on which its months end, where the month has it: 31 for one begun on 31 January."""
        return self.since.astimezone(ZoneInfo(self.zone)).day

    @property
    def until(self) -> datetime:
        """The first moment at which it is over (UTC)."""
        return end_of(since=self.since, zone=self.zone, span=self.span)


def end_of(*, since: datetime, zone: str, span: Span) -> datetime:
    """The moment a span after an anchor (UTC): at the same hour of the wall, the day kept or the last of the month.

    Examples in Shanghai: 31 January 2027 12:00 + 1 month is 28 February 12:00, + 2 months 31 March 12:00. In New York,
    14 February 2027 02:30 + 1 month falls on 14 March, when 02:30 is skipped, so it is 03:30 there.
    """
    if span == Span():
        return since
    place = ZoneInfo(zone)
    local = since.astimezone(place)
    day = _months_later(local.date(), span.months) + timedelta(days=span.days)
    wall = datetime.combine(day, local.time())
    return max(wall.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1))


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def standing(periods: Iterable[Period]) -> Running | None:
    """What periods, in the order in which they were bought, come to; None where there was none.

    One that is bought while the membership lasts adds to its span; one that is bought at or after its end begins anew.
    What is taken back later is taken off the membership that it belongs to; of one that is over by then nothing is
    left to take.
    """
    bought = list(periods)
    taken = [(one.taken_back_at, 1, place) for place, one in enumerate(bought) if one.taken_back_at is not None]
    runs: list[Running] = []
    run_of: dict[int, int] = {}
    for _, is_taken, place in sorted([*((one.given_at, 0, place) for place, one in enumerate(bought)), *taken]):
        one = bought[place]
        if is_taken:
            runs[run_of[place]] = _changed(runs[run_of[place]], runs[run_of[place]].span - one.span)
            continue
        if runs and one.paid_at < runs[-1].until:
            runs[-1] = _changed(runs[-1], runs[-1].span + one.span)
        else:
            runs.append(Running(one.given_at, one.zone, one.span))
        run_of[place] = len(runs) - 1
    return runs[-1] if runs else None


def _changed(run: Running, span: Span) -> Running:
    return Running(run.since, run.zone, span)


def is_too_far(*, until: datetime, now: datetime) -> bool:
    """Whether an end lies further ahead than anything that is sold."""
    return until > end_of(since=now, zone="UTC", span=Span.of(MOST_YEARS, Unit.YEAR))
