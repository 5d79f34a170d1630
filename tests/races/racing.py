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
