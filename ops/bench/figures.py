"""What the bench finds: one figure a row, with the goal that it is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEAD = "| part | figure | measured | goal | |\n|---|---|---|---|---|\n"
"""How the table of a page begins."""


PROFILE = "profile"
PROFILE_HEAD = "| | ours | the twin | ours, processor | the twin, processor |\n|---|---|---|---|---|\n"
"""The part that has a table of its own, and how that begins."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure; `goal` is its least value, or its greatest where it is to stay below (`at_most`)."""

    part: str
    what: str
    value: float
    unit: str = ""
    goal: float | None = None
    at_most: bool = True

    @property
    def is_reached(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.at_most else self.value >= self.goal

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        """Part, figure, what was measured, goal, and whether it is reached, as people read them."""
        sign = "≤" if self.at_most else "≥"
        goal = "" if self.goal is None else f"{sign} {shown(self.goal)} {self.unit}".strip()
        reached = {None: "", True: "reached", False: "missed"}[self.is_reached]
        return self.part, self.what, f"{shown(self.value)} {self.unit}".strip(), goal, reached


def shown(value: float) -> str:
    """Three digits that matter."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def lines(figures: Sequence[Figure]) -> list[str]:
    """The table for a terminal."""
    rows = [("part", "figure", "measured", "goal", ""), *(figure.cells for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def row(figure: Figure) -> str:
    """The figure's row of the table below `HEAD`."""
    return f"| {' | '.join(figure.cells)} |\n"


def profile_rows(figures: Sequence[Figure]) -> list[str]:
    """Rows of the table below `PROFILE_HEAD`: a figure is called "row: column"."""
    columns = [column.strip() for column in PROFILE_HEAD.splitlines()[0].strip("| ").split("|")]
    found: dict[str, dict[str, str]] = {}
    for figure in figures:
        name, _, column = figure.what.partition(": ")
        found.setdefault(name, {})[column] = f"{shown(figure.value)} {figure.unit}"
    return [
        f"| {name} | {' | '.join(cells.get(column, '') for column in columns)} |\n" for name, cells in found.items()
    ]
