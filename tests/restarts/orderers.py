"""Clients that order without pause over HTTP, and write down each request that failed and each order that was lost."""

import threading
import time
from types import TracebackType

from tests.support.chatter import Chatter

CODES = ("A1", "A2", "B1", "C1")
ORDERS_OF_ONE_GUEST = 3  # so that sessions are made during a restart too


class Orderers:
    """Threads that order, pay and wait for their cards until the block ends; each then finishes its last order."""

    def __init__(self, address: str, clients: int, *, pause: float = 0.0) -> None:
        self.address = address
        self.pause = pause  # seconds between the orders of one client
        self.failures: list[str] = []
        self.tokens: list[str] = []  # of every card that came
        self.ordered = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._order, args=(number,)) for number in range(clients)]

    def __enter__(self) -> "Orderers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def wait_for(self, orders: int, seconds: float = 60) -> None:
        """Return once so many cards have come."""
        end = time.monotonic() + seconds
        while len(self.tokens) < orders and not self.failures:
            assert time.monotonic() < end, f"only {len(self.tokens)} orders in {seconds} s"
            time.sleep(0.05)

    def _order(self, number: int) -> None:
        while not self._stop.is_set():
            try:
                self._as_a_guest(CODES[number % len(CODES)])
            except Exception as error:  # noqa: BLE001 - each failure of any kind is what is counted
                with self._lock:
                    self.failures.append(f"{type(error).__name__}: {error}")
                return

    def _as_a_guest(self, code: str) -> None:
        guest = Chatter(self.address)
        try:
            for _ in range(ORDERS_OF_ONE_GUEST):
                if self._stop.is_set():
                    return
                with self._lock:
                    self.ordered += 1
                cards = guest.buy(code)
                with self._lock:
                    self.tokens += [card["token"] for card in cards]
                self._stop.wait(self.pause)
        finally:
            guest.close()
