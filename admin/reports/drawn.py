"""What a report shows: figures beside those of the days before, and tables that charts are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.money import Money


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure, what it was in the days before, and the change in words; `is_good` colours it, None does not."""

    called: str
    value: str
    before: str
    change: str
    is_good: bool | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell; `y` is what a chart draws of it."""

    text: str
    y: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One row: what it is of, where it leads."""

    label: str
    cells: Sequence[Cell]
    url: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with its title (message ids). `chart` is bar, rank, group, stack or empty; `drawn` are its columns."""

    name: str
    titled: str
    first: str
    columns: Sequence[str]
    lines: Sequence[Line]
    chart: str = ""
    drawn: Sequence[int] = (0,)
    note: str = ""


def money_cell(minor: int, currency: str, text: str) -> Cell:
    """An amount that a chart may draw, in the currency's major unit."""
    return Cell(text, str(Decimal(Money(int(minor), currency).decimal())))


def count_cell(count: int) -> Cell:
    """A number."""
    return Cell(f"{count:,}", str(count))


def share_cell(part: int, whole: int) -> Cell:
    """A part of a whole in per cent; a dash of nothing."""
    return Cell(percent(part, whole), f"{100 * part / whole:.2f}" if whole else "")


def percent(part: int, whole: int) -> str:
    """A part of a whole, rounded to a tenth of a per cent."""
    return f"{Decimal(100 * int(part)) / Decimal(int(whole)):.1f}%" if whole else "–"


def change(now: int, before: int) -> str:
    """How much more or less than before; empty where there was nothing to compare with."""
    return f"{Decimal(100 * (int(now) - int(before))) / abs(Decimal(int(before))):+.1f}%" if before else ""


def tile(called: str, now: int, before: int, said: tuple[str, str], *, more_is_good: bool | None = True) -> Tile:
    """A figure compared; `said` are both in words."""
    good = None if more_is_good is None or now == before else (now > before) is more_is_good
    return Tile(called, *said, change(now, before), good)
