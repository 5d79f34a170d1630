"""All figures of the store, whichever web process is asked: its own, those of the others, what the tables say."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator

import peewee
from playhouse.pool import MaxConnectionsExceeded

from channels.figures import Family, gauge, joined
from core.vault.budgets import POOL_TIMES, free_budget
from ops.figures.published import Published, Publisher, published
from ops.figures.questions import answers

KEPT = 5.0  # seconds that the tables' answers serve for everyone who asks


class Gathered:
    """Asked by threads; the tables are asked at most every `KEPT` seconds, however many ask."""

    def __init__(self, own: Publisher, *, budget: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self._own = own
        self._budget = budget  # what may be opened of one SKU in an hour, where the database sets no other
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: list[Family] = []
        self._others: list[Published] = []
        self._read_at: float | None = None

    def families(self) -> list[Family]:
        """Everything: with the database away, what this process knows by itself."""
        with self._lock:
            now = self._clock()
            if self._read_at is None or now - self._read_at > KEPT:
                self._kept, self._others, self._read_at = *self._read(), now
            kept, others = list(self._kept), list(self._others)
        return joined([*((family, {}) for family in kept), *self._of_processes(others)])

    def processes(self) -> list[Published]:
        """Who wrote lately; as old as the last `families`."""
        with self._lock:
            return list(self._others)

    def _read(self) -> tuple[list[Family], list[Published]]:
        try:
            others = list(published())
            asked = list(answers())
            return [*asked, *_of_rows(others), _up(1), self._budget_used(asked)], others
        except (peewee.PeeweeException, MaxConnectionsExceeded):
            return [_up(0)], []

    def _budget_used(self, asked: list[Family]) -> Family:
        told = {family.name: family.samples[0].value for family in asked if len(family.samples) == 1}
        base = int(told.get("keystall_opening_budget_set", self._budget))
        asked_of = {
            "merchant": ("keystall_opening_budget_most_used", base),
            "pool": ("keystall_pool_budget_most_used", POOL_TIMES * base),
            "free": ("keystall_pool_budget_most_free", free_budget(base)),
        }
        ratios: dict[tuple[str, ...], float] = {
            (budget,): told.get(name, 0) / most for budget, (name, most) in asked_of.items()
        }
        meaning = "The most used opening budget of each kind, in parts of what it is without a busy shop's growth."
        return gauge("keystall_opening_budget_used_ratio", meaning, ratios, ("budget",))

    def _of_processes(self, others: list[Published]) -> Iterator[tuple[Family, dict[str, str]]]:
        """Of this process as it is now; of each other one as it last wrote."""
        for family in self._own.figures.families():
            yield family, self._own.labels
        for one in others:
            if one.labels != self._own.labels:
                for family in one.families:
                    yield family, one.labels


def _up(value: float) -> Family:
    return gauge("keystall_database_up", "Whether the database answers.", value)


def _of_rows(rows: Iterable[Published]) -> list[Family]:
    """What only the rows themselves say: how fresh they are, and how often a process was started."""
    by = ("host", "process", "place")
    those = [(tuple(one.labels.values()), one) for one in rows]
    started = {key: float(one.starts) for key, one in those}
    written = {key: one.written_at.timestamp() for key, one in those}
    return [
        gauge("keystall_process_starts", "How often the process was started since the database was.", started, by),
        gauge("keystall_process_written_time_seconds", "When it last told its figures, since 1970.", written, by),
    ]
