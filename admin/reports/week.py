"""The last seven days at a glance, for the first page: one row of bars a currency, from roll-ups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import url_for

from admin.panel import words
from admin.reading import panel_db
from core.money import Money

DAYS = 7
HIGHEST = 40
"""How high the greatest bar is, in units of the drawing."""

SOLD = """
SELECT day, currency, sum(revenue - refunded)::bigint FROM report_order
WHERE day > %(before)s AND day <= %(today)s AND (%(all)s OR merchant_id = %(party)s) GROUP BY 1, 2
"""
EARNED = """
SELECT day, currency, sum(earned - returned)::bigint FROM report_hop
WHERE day > %(before)s AND day <= %(today)s AND (%(all)s OR seller_id = %(party)s) GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: where it stands and how high, and what it says to those who cannot see it."""

    x: int
    y: int
    height: int
    said: str


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days of one currency, and the report of them."""

    total: str
    bars: Sequence[Bar]
    url: str


def weeks(*, party: int, sees_all: bool, today: date, earned: bool) -> list[Week]:
    """What was sold (a supplier: earned) in each currency, inside a read transaction."""
    asked = {"before": today - timedelta(days=DAYS), "today": today, "all": sees_all, "party": party}
    by: dict[str, dict[date, int]] = {}
    for day, currency, minor in panel_db.execute_sql(EARNED if earned else SOLD, asked).fetchall():
        by.setdefault(currency, {})[day] = int(minor)
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    address = "earned.earned" if earned else "reports.sales"
    return [
        Week(
            words().money(Money(sum(found.values()), currency)),
            _bars(days, found, currency),
            url_for(address, range="7", currency=currency),
        )
        for currency, found in sorted(by.items())
    ]


def _bars(days: Sequence[date], found: dict[date, int], currency: str) -> list[Bar]:
    most = max(*found.values(), 1)
    bars: list[Any] = []
    for at, day in enumerate(days):
        minor = found.get(day, 0)
        height = max(HIGHEST * max(minor, 0) // most, 1)
        said = f"{words().day(day)}: {words().money(Money(minor, currency))}"
        bars.append(Bar(at * 16, HIGHEST - height, height, said))
    return bars
