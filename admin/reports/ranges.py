"""Which days a report is about: named stretches and chosen ones, each with the stretch before it to compare with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.texts import mark

LONGEST = 366
NAMES = {
    "today": mark("Today"),
    "7": mark("7 days"),
    "30": mark("30 days"),
    "month": mark("This month"),
}
DEFAULT = "7"


@dataclass(frozen=True, slots=True)
class Range:
    """Days of the store, both ends included; `problem` is a message id where what was asked for cannot be shown."""

    name: str
    first: date
    last: date
    problem: str = ""

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> Range:
        """As many days that end before this begins; of a month so far, the same days of the month before."""
        if self.name == "month":
            last_month = self.first - timedelta(days=1)
            first = last_month.replace(day=1)
            return Range("custom", first, min(first + timedelta(days=self.days - 1), last_month))
        return Range("custom", self.first - timedelta(days=self.days), self.first - timedelta(days=1))

    def each(self) -> list[date]:
        """Every day of it."""
        return [self.first + timedelta(days=offset) for offset in range(self.days)]

    @property
    def words(self) -> dict[str, str]:
        """As it stands in an address."""
        if self.name != "custom":
            return {"range": self.name}
        return {"range": "custom", "since": self.first.isoformat(), "until": self.last.isoformat()}


def begin_of(day: date, zone: ZoneInfo) -> datetime:
    """When a day of the store begins (UTC)."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def chosen(given: Mapping[str, Any], today: date) -> Range:
    """The range that an address asks for; the last seven days where it asks for none, or for what is none."""
    name = str(given.get("range", DEFAULT))
    if name == "custom":
        return _custom(str(given.get("since", "")), str(given.get("until", "")), today)
    return _named(name if name in NAMES else DEFAULT, today)


def _named(name: str, today: date, problem: str = "") -> Range:
    back = {"today": 0, "7": 6, "30": 29, "month": today.day - 1}[name]
    return Range(name, today - timedelta(days=back), today, problem)


def _custom(since: str, until: str, today: date) -> Range:
    first, last = _day(since), _day(until)
    if first is None or last is None:
        return _named(DEFAULT, today, mark("Give both days, like 2026-03-01. These are the last 7 days."))
    if first > last:
        return _named(DEFAULT, today, mark("The last day comes before the first. These are the last 7 days."))
    if (last - first).days >= LONGEST:
        return _named(DEFAULT, today, mark("At most 366 days at once. These are the last 7 days."))
    return Range("custom", first, last)


def _day(said: str) -> date | None:
    if not (len(said) == 10 and said.isascii()):
        return None
    try:
        day = date.fromisoformat(said)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2999 else None
