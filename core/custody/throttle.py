"""At most so many a minute: a fast answer would be an oracle for guesses."""

from __future__ import annotations

import threading
import time


class Throttle:
    """At most so many a minute, counted in this process."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._times: list[float] = []
        self._lock = threading.Lock()

    def may_pass(self) -> bool:
        """Count one, unless the last minute is full."""
        with self._lock:
            now = time.monotonic()
            self._times = [at for at in self._times if at > now - 60]
            if len(self._times) >= self._most:
                return False
            self._times.append(now)
            return True
