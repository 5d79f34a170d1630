"""A person's hand on the panel: each click counts, each chosen file counts, and each step has its seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import FilePayload, Locator, Page


@dataclass(frozen=True)
class Step:
    """One part of the way: what it was, and what it took."""

    called: str
    clicks: int
    seconds: float


@dataclass
class Way:
    """What one show took, step by step: everybody's clicks in it, but for signing in with a login that was there."""

    called: str
    steps: list[Step] = field(default_factory=list)
    clicks_here: int = 0

    @contextmanager
    def step(self, called: str) -> Iterator[None]:
        """The clicks and the seconds of what is done meanwhile."""
        self.clicks_here, began = 0, time.perf_counter()
        yield
        self.steps.append(Step(called, self.clicks_here, time.perf_counter() - began))

    @property
    def clicks(self) -> int:
        """All of them."""
        return sum(step.clicks for step in self.steps)

    @property
    def seconds(self) -> float:
        """From the first step's beginning to the last one's end, what lies between them left out."""
        return sum(step.seconds for step in self.steps)


@dataclass(frozen=True)
class Hand:
    """Somebody at one page; what it clicks must be seen and enabled, and what it types has a field with a name."""

    page: Page
    way: Way

    def click(self, what: Locator) -> None:
        """One click."""
        what.click()
        self.way.clicks_here += 1

    def press(self, button: str) -> None:
        """Click the button of the page that is called so."""
        self.click(self.page.get_by_role("button", name=button, exact=True))

    def follow(self, link: str) -> None:
        """Click the link of the page that is called so."""
        self.click(self.page.get_by_role("link", name=link, exact=True))

    def choose(self, place: Locator, file: FilePayload) -> None:
        """Open the window of files with one click, choose the file in it with another."""
        with self.page.expect_file_chooser() as opened:
            self.click(place)
        opened.value.set_files(file)
        self.way.clicks_here += 1

    def write(self, label: str, text: str) -> None:
        """Type or paste into the field of this label."""
        self.page.get_by_label(label).first.fill(text)
