"""What nobody asks for but time: expired orders, lost work, open questions at gateways, marks, old rows.

One thread in each worker. A sweep is idempotent, takes rows with SKIP LOCKED or conditional updates, and each of its
rounds belongs to the one worker that moved its due time in the database.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from channels.figures import Figures
from core import db
from core.clock import Clock
from core.errors import error_id

LONGEST_BACKOFF = 60.0  # seconds between two tries of a sweep that keeps failing
_REST = 20  # a sweep rests at least so many times as long as it ran
_LONGEST_WAIT = 1.0  # seconds until the thread looks again

# The value is the next due time in ms. A due time far ahead comes from a clock that jumped: it does not count.
_TAKE_ROUND = """
INSERT INTO keystall_counter (queue, key, value) VALUES ('sweep', %s, %s)
ON CONFLICT (queue, key) DO UPDATE SET value = EXCLUDED.value
WHERE keystall_counter.value <= %s OR keystall_counter.value > %s
"""

log = structlog.get_logger()


@dataclass(frozen=True)
class Sweep:
    """`run` gets the time and returns how many things it changed; `every` is in seconds."""

    name: str
    every: float
    run: Callable[[datetime], int]


@dataclass
class _Turn:
    """When this worker looks at a sweep again (monotonic seconds), and how often it failed since it last worked."""

    at: float = 0.0
    failures: int = 0


class Sweeper:
    """Runs the sweeps that are due; whatever a sweep raises is logged and tried again later."""

    def __init__(self, sweeps: Sequence[Sweep], *, clock: Clock, figures: Figures | None = None) -> None:
        self._sweeps = sweeps
        self._clock = clock
        shown = figures or Figures()
        self._ran = shown.counter("keystall_sweep_rounds_total", "Rounds of each sweep by their end.", "sweep", "end")
        shown.gauge("keystall_sweep_failing", "How often in a row each sweep has failed.", self._failing, "sweep")
        self._turns = {sweep.name: _Turn() for sweep in sweeps}

    def run_due(self) -> float:
        """Run every sweep whose turn it is; returns the seconds to wait for the next, at most 1."""
        for sweep in self._sweeps:
            turn = self._turns[sweep.name]
            if turn.at <= time.monotonic():
                turn.at = time.monotonic() + self._run(sweep, turn)
        soonest = min((turn.at for turn in self._turns.values()), default=time.monotonic() + _LONGEST_WAIT)
        return min(max(soonest - time.monotonic(), 0.01), _LONGEST_WAIT)

    def _failing(self) -> dict[tuple[str, ...], float]:
        return {(name,): turn.failures for name, turn in self._turns.items()}

    def _run(self, sweep: Sweep, turn: _Turn) -> float:
        """One round; returns the seconds until the next."""
        began = time.monotonic()
        try:
            with db.connection():
                now = self._clock.now()
                if not take_round(sweep, now=now):
                    return sweep.every / 2
                count = sweep.run(now)
        except Exception:  # a database or vault that is away: the other sweeps and the next round go on
            turn.failures += 1
            self._ran.add(sweep.name, "failed")
            wait = min(sweep.every * 2**turn.failures, max(LONGEST_BACKOFF, sweep.every))
            log.exception("a sweep failed", sweep=sweep.name, error_id=error_id(), again_in_seconds=wait)
            return wait
        turn.failures = 0
        self._ran.add(sweep.name, "done")
        if count:
            log.info("swept", sweep=sweep.name, count=count)
        return max(sweep.every, _REST * (time.monotonic() - began))


def take_round(sweep: Sweep, *, now: datetime) -> bool:
    """Whether this worker runs the sweep this time: the first to move its due time does."""
    now_ms, every_ms = int(now.timestamp() * 1000), int(sweep.every * 1000)
    return bool(db.changed(_TAKE_ROUND, (sweep.name, now_ms + every_ms, now_ms, now_ms + 2 * every_ms)))
