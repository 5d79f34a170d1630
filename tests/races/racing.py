"""Running the same thing in many threads at once, each with a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from core import db


def at_once(works: list[Callable[[], Any]]) -> list[Any]:
    """Start all together; each result is what the work returned or the exception it raised, in the given order."""
    gate = threading.Barrier(len(works), timeout=20)

    def run(work: Callable[[], Any]) -> Any:
        with db.connection():
            gate.wait()
            try:
                return work()
            except Exception as error:  # noqa: BLE001 - the result of a loser is what a race is about
                return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def failures(results: list[Any]) -> list[str]:
    """The class names of what was raised, sorted."""
    return sorted(type(result).__name__ for result in results if isinstance(result, Exception))


class Beside:
    """Work in a thread of its own; `result` waits for it."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._got: list[Any] = []
        self._work = work
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._got.append(self._in_own_connection())
        except Exception as error:  # noqa: BLE001 - the result of a loser is what a race is about
            self._got.append(error)

    def has_ended(self) -> bool:
        """Whether it is through."""
        return not self._thread.is_alive()

    def result(self) -> Any:
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self._got[0]

    def _in_own_connection(self) -> Any:
        with db.connection():
            return self._work()
