"""Something has changed: wakes test threads and requests that wait on the server's loop alike."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


class Signal:
    """A counter of changes under one lock; whoever waits looks again after each."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.version = 0
        self._condition = threading.Condition(self.lock)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sleepers: set[asyncio.Future[None]] = set()

    def attach(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Name the loop whose requests are to be woken; None when it ends."""
        with self.lock:
            self._loop = loop

    def notify(self) -> None:
        """Say that something has changed."""
        with self.lock:
            self.version += 1
            self._condition.notify_all()
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for sleeper in self._sleepers:
            if not sleeper.done():
                sleeper.set_result(None)

    async def news(self, since: int, seconds: float) -> None:
        """On the loop: return at the first change after version `since`, or after so many seconds."""
        if self.version != since:
            return
        sleeper = asyncio.get_running_loop().create_future()
        self._sleepers.add(sleeper)
        try:
            await asyncio.wait([sleeper], timeout=max(seconds, 0))
        finally:
            self._sleepers.discard(sleeper)
            sleeper.cancel()

    def wait_for(self, look: Callable[[], Found], seconds: float) -> Found:
        """In a thread: what `look` returns once it is truthy, or at the end of the time."""
        end = time.monotonic() + seconds
        with self.lock:
            while not (found := look()):
                left = end - time.monotonic()
                if left <= 0 or (not self._condition.wait(min(left, 1.0)) and time.monotonic() >= end):
                    return look()
            return found
