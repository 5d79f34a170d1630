"""What the vault does by itself, over and over: one list, a thread for each room, each round in one vault even of two.

The rounds of one room (the audit, the books, the keys: what stands before the dot of a round's name) follow each other;
a rekeying that goes on for hours keeps no entry of the audit from its link, nor the books from their checkpoint.

A round that fails is logged under an error id and tried again, later each time; the others go on. When it is due is
kept in the database, so that a restart brings an hourly round neither forward nor twice.
"""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import peewee
import structlog

from core import db
from core.clock import Clock
from core.custody.chains.checkpoints import LOOK_EVERY, checkpointer
from core.custody.keychain.keys import OpenVault
from core.errors import error_id

LONGEST_BACKOFF = 60.0  # seconds between two tries of a round that keeps failing; of a frequent one less
LONGEST_CLAIM = 120.0  # seconds that a round belongs to the vault that began it; then a dead one's is begun again
_LONGEST_WAIT = 1.0  # seconds until a thread looks again

# A due time far ahead comes from a clock that jumped: it does not count.
_CLAIM = """
INSERT INTO vault_round (name, next_at) VALUES (%(name)s, %(claimed_to)s)
ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at
WHERE vault_round.next_at <= %(now)s OR vault_round.next_at > %(latest)s
"""
_DONE = "UPDATE vault_round SET done_at = coalesce(%s, done_at), next_at = %s WHERE name = %s"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Round:
    """`run` gets the time and returns how many things it changed; `every` is in seconds.

    It is called with a connection of the vault's role, outside any transaction, and may be ended at any point: what it
    began is done again. One that takes longer than `LONGEST_CLAIM` (or `every`, where that is less) has to bear that
    another vault begins it as well.
    """

    name: str
    every: float
    run: Callable[[datetime], int]

    @property
    def room(self) -> str:
        """Whose thread runs it."""
        return self.name.partition(".")[0]


@dataclass(slots=True)
class _Turn:
    """When this vault looks at a round again (monotonic seconds), and how often it failed since it last worked."""

    at: float = 0.0
    failures: int = 0


class Rounds:
    """Runs the rounds that are due, each room's in a thread of its own, until it is stopped."""

    def __init__(self, rounds: Sequence[Round], *, clock: Clock) -> None:
        self._rounds = rounds
        self._clock = clock
        self._turns = {one.name: _Turn() for one in rounds}
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._keep_going, args=(room,), name=f"rounds of {room}", daemon=True)
            for room in dict.fromkeys(one.room for one in rounds)
        ]

    def start(self) -> None:
        """Begin; a vault without rounds (a closed one) starts no thread."""
        for thread in self._threads:
            thread.start()

    def stop(self, *, wait_seconds: float) -> None:
        """Begin no further round; those that run have so long to end, and are done again later if they do not."""
        self._stop.set()
        end = time.monotonic() + wait_seconds
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, end - time.monotonic()))

    def run_due(self, room: str | None = None) -> float:
        """Run every round (of a room) whose turn it is; returns the seconds to wait for the next, at most 1."""
        mine = [one for one in self._rounds if room in (None, one.room)]
        for one in mine:
            turn = self._turns[one.name]
            if turn.at <= time.monotonic() and not self._stop.is_set():
                turn.at = time.monotonic() + self._run(one, turn)
        soonest = min((self._turns[one.name].at for one in mine), default=time.monotonic() + _LONGEST_WAIT)
        return min(max(soonest - time.monotonic(), 0.01), _LONGEST_WAIT)

    def _keep_going(self, room: str) -> None:
        while not self._stop.wait(self.run_due(room)):
            pass

    def _run(self, one: Round, turn: _Turn) -> float:
        """One round; returns the seconds until this vault looks at it again."""
        try:
            with db.connection():
                count = run_alone(one, now=self._clock.now())
        except Exception as error:  # noqa: BLE001 - the other rounds and the next try go on; its text may quote a value
            turn.failures += 1
            wait = min(2.0 ** min(turn.failures, 10), LONGEST_BACKOFF, 10 * one.every)
            where = traceback.extract_tb(error.__traceback__)[-1]
            found = {"kind": type(error).__name__, "file": where.filename, "line": where.lineno}
            log.error("a round failed", round=one.name, error_id=error_id(), again_in_seconds=wait, **found)
            return wait
        turn.failures = 0
        if count:
            log.debug("a round was done", round=one.name, count=count)
        return min(one.every if count is not None else one.every / 2, LONGEST_BACKOFF)


def run_alone(one: Round, *, now: datetime) -> int | None:
    """Run a round if it is due and no other vault is at it, and return its count; None where it did not run.

    Whatever the round raises goes on; it is due again at once.
    """
    every = timedelta(seconds=one.every)
    claimed_to = now + min(every, timedelta(seconds=LONGEST_CLAIM))
    if not db.changed(_CLAIM, {"name": one.name, "now": now, "claimed_to": claimed_to, "latest": now + 2 * every}):
        return None
    try:
        count = one.run(now)
    except BaseException:
        with contextlib.suppress(peewee.PeeweeException):  # the database is away: the claim ends by itself
            db.changed(_DONE, (None, now, one.name))
        raise
    db.changed(_DONE, (now, now + every, one.name))
    return count


def vault_rounds(vault: OpenVault, folder: Path) -> list[Round]:
    """Every round of an open vault, most pressing first; `folder` is the vault's own, out of the database's reach."""
    return [Round("books.checkpoint", LOOK_EVERY, checkpointer(vault, folder).run)]
