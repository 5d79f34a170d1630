"""One clock: the database's time, followed by the monotonic clock between two measurements."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What gives use cases their `now` (UTC, aware)."""

    def now(self) -> datetime: ...


class DatabaseClock:
    """The database's time: `measure` asks it, and is called again when the last answer is 30 s old.

    A jump of this machine's wall clock changes nothing: only the monotonic clock is read in between.
    """

    EVERY = 30.0  # seconds between two measurements

    def __init__(self, measure: Callable[[], datetime]) -> None:
        self._measure = measure
        self._lock = threading.Lock()
        self._base: tuple[datetime, float] | None = None

    def now(self) -> datetime:
        """The time now; asks the database when the last measurement is too old."""
        with self._lock:
            if self._base is None or time.monotonic() - self._base[1] > self.EVERY:
                before = time.monotonic()
                measured = self._measure().astimezone(UTC)
                self._base = (measured, (before + time.monotonic()) / 2)
            at, mark = self._base
            return at + timedelta(seconds=time.monotonic() - mark)


class FixedClock:
    """A clock that stands still until it is moved: for tests and replays."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def move(self, by: timedelta) -> datetime:
        """Move the clock and return the new time."""
        self.at += by
        return self.at
