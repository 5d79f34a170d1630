"""One reply and the time for it: which of the two was first is decided once, before anything is kept as told."""

from __future__ import annotations

import threading


class Turn:
    """Shared by the thread that makes a reply and the loop that must answer in time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_in_time: bool | None = None

    def is_in_time(self) -> bool:
        """The reply is ready: whether it still answers its message. The loop then waits for it to be kept."""
        with self._lock:
            if self._is_in_time is None:
                self._is_in_time = True
            return self._is_in_time

    def give_up(self) -> bool:
        """Time is up: whether something else is said instead, so that the reply has to wait for another message."""
        with self._lock:
            if self._is_in_time is None:
                self._is_in_time = False
            return not self._is_in_time
