"""`python -m tests.house.slowest [PATH …]`: what each test costs, in CPU seconds, so that a busy machine can tell.

What a test costs is what its process, everything that it started and the engines used meanwhile. In one process, since
two would be counted together. Printed: the sum of each folder, the dearest tests, and those that want a `slow` mark:
modules with one are run first, so that no long test is left when everybody else is done.
"""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SHOWN = 40
DEAR = 3.0
"""CPU seconds of one test from which its module is to be marked."""

TICKS = os.sysconf("SC_CLK_TCK")


def spent() -> float:
    """CPU seconds of this process and of all that it started, those that have ended among them."""
    ticks, waiting = 0, [os.getpid()]
    while waiting:
        process = Path("/proc") / str(waiting.pop())
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))  # its own and its ended children's, in user mode and in the kernel
            for thread in (process / "task").iterdir():
                waiting += map(int, (thread / "children").read_text().split())
        except OSError:
            continue  # it ended while we looked, and is counted with its parent
    return ticks / TICKS


@dataclass
class Spending:
    """A plugin of pytest that notes what each test cost."""

    costs: dict[str, float] = field(default_factory=dict)  # CPU seconds by the id of the test
    waits: dict[str, float] = field(default_factory=dict)  # seconds on the wall
    marked: set[str] = field(default_factory=set)  # ids of tests in modules with a `slow` mark
    collecting: float = 0.0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Importing all tests is what a run costs before its first one."""
        self.collecting = spent()
        slow = {item.path for item in session.items if item.get_closest_marker("slow")}
        self.marked = {item.nodeid for item in session.items if item.path in slow}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Around a test with all its fixtures."""
        before, began = spent(), time.monotonic()
        done = yield
        self.costs[item.nodeid], self.waits[item.nodeid] = spent() - before, time.monotonic() - began
        return done


def told(spending: Spending) -> str:
    """The tables, as they are printed."""
    folders: dict[str, float] = defaultdict(float)
    for test, cost in spending.costs.items():
        folders["/".join(test.split("::")[0].split("/")[:2])] += cost
    by_cost = sorted(spending.costs.items(), key=lambda one: -one[1])
    lines = [f"{'CPU s':>8}  {'wall s':>7}"]
    lines += [f"{cost:8.1f}  {'':7}  {folder}" for folder, cost in sorted(folders.items(), key=lambda one: -one[1])]
    lines += [f"{spending.collecting:8.1f}  {'':7}  collecting", ""]
    lines += [f"{cost:8.2f}  {spending.waits[test]:7.2f}  {test}" for test, cost in by_cost[:SHOWN]]
    unmarked = [test for test, cost in by_cost if cost >= DEAR and test not in spending.marked]
    lines += ["", f"{sum(spending.costs.values()) + spending.collecting:.0f} CPU seconds, {len(by_cost)} tests"]
    lines += [f"wants a slow mark in its module: {test}" for test in unmarked]
    return "\n".join(lines)


def main(paths: list[str]) -> int:
    """Run the tests and print what they cost; pytest's exit status."""
    spending = Spending()
    status = pytest.main(["-q", "-p", "no:randomly", *paths], plugins=[spending])
    print(told(spending))
    return int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
