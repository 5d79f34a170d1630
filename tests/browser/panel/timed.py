"""`python -m tests.browser.panel.timed`: a new merchant's way to its first sale, a supplier's file to cards on sale.

Both in a real browser, in a demo of its own; clicks and seconds are printed beside their goals, and the exit status is
1 where one is missed. A script reads and types at once: what it measures is the clicks, and what the store makes a
person wait for.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from playwright.sync_api import sync_playwright

from tests.browser.conftest import FLAGS
from tests.browser.panel.bringing import bring
from tests.browser.panel.hand import Way
from tests.browser.panel.opening import CARDS, Opening
from tests.support.browser import find
from tests.support.whole import WholeStore

CLICKS = 5
"""At most so many from a supplier's first page to cards on sale."""


@dataclass(frozen=True)
class Goal:
    """What a way may take; `clicks` None: nobody counts them there."""

    way: Way
    seconds: float
    clicks: int | None = None

    @property
    def is_reached(self) -> bool:
        """Whether it took no more."""
        return self.way.seconds <= self.seconds and (self.clicks is None or self.way.clicks <= self.clicks)

    def lines(self) -> list[str]:
        """The rows of the table."""
        steps = [f"| {self.way.called}: {one.called} | {one.clicks} | {one.seconds:.1f} | |" for one in self.way.steps]
        most = f"≤ {self.seconds:.0f} s" + (f", ≤ {self.clicks} clicks" if self.clicks is not None else "")
        said = "reached" if self.is_reached else "missed"
        total = f"| **{self.way.called}** | {self.way.clicks} | {self.way.seconds:.1f} | {most}: {said} |"
        return [*steps, total]


def main() -> int:
    """Both ways in one store; the exit status."""
    store = WholeStore()
    try:
        store.start()
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=find(), args=FLAGS)
            opening = Opening(chromium, store.address, store.folder)
            assert opening.through() in CARDS
            way, secret, file = bring(chromium, store.address, store.folder)
            assert secret in file.secrets
            chromium.close()
    finally:
        store.remove()
    goals = [Goal(opening.way, seconds=180), Goal(way, seconds=60, clicks=CLICKS)]
    print(
        "\n".join(
            ["| step | clicks | seconds | goal |", "|---|---|---|---|", *(row for g in goals for row in g.lines())]
        )
    )
    return 0 if all(goal.is_reached for goal in goals) else 1


if __name__ == "__main__":
    sys.exit(main())
