"""Where an order's time goes: each phase of ours beside the same statements of the twin, one client, order by order."""

from __future__ import annotations

import cProfile
import pstats
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from statistics import median
from typing import Any

import psycopg

from core import db
from core.config import Config
from core.conversations.service import Session
from ops.bench.figures import PROFILE as PART
from ops.bench.figures import Figure
from ops.bench.measure import OPTIONS, inputs_of, learned
from ops.bench.order_path import GATEWAY, OrderPath, path_of
from ops.bench.twin import Ready, said
from ops.races.trial import trial

WARM, ORDERS, PROFILED = 15, 150, 60
NAMES = {
    "place": "place",
    "intent": "payment intent",
    GATEWAY: "the gateway's own signature",
    "settle": "settle",
    "": "the worker's delivery, looked up",
    "deliver": "deliver",
    "vault": "vault",
}
ALL = "all of it"
SEALS, LOG = "of it cryptography", "of it the wait for the opening log's disk"
CRYPTOGRAPHY = (
    "cryptography",
    "built-in method ed25519",
    "built-in method mlkem",
    "built-in method x25519",
    "_hashlib",
)
LOCK = "'acquire' of '_thread.lock'"

Connection = psycopg.Connection[Any]
Spent = tuple[float, float]
"""Seconds on the wall, and seconds of this process's processor time."""


def _now() -> Spent:
    return time.perf_counter(), time.process_time()


@dataclass
class Stopwatch:
    """What each phase of one order takes; a phase inside another counts for itself only."""

    spent: dict[str, Spent] = field(default_factory=dict)
    _phase: str = ""
    _since: Spent = field(default_factory=_now)

    @contextmanager
    def during(self, phase: str) -> Iterator[None]:
        """Count what happens inside the block for this phase."""
        outer = self._turn_to(phase)
        try:
            yield
        finally:
            self._turn_to(outer)

    def _turn_to(self, phase: str) -> str:
        now, before = _now(), self._phase
        wall, processor = self.spent.get(before, (0.0, 0.0))
        self.spent[before] = (wall + now[0] - self._since[0], processor + now[1] - self._since[1])
        self._phase, self._since = phase, now
        return before


@dataclass
class Orders:
    """What the orders of one side took, by phase."""

    each: list[dict[str, Spent]] = field(default_factory=list)

    def milliseconds(self, phase: str, which: int) -> float:
        """The median order's wall (0) or processor (1) time in one phase, or in all of them."""
        if phase == ALL:
            return 1000 * median(sum(spent[which] for spent in order.values()) for order in self.each)
        return 1000 * median(order.get(phase, (0.0, 0.0))[which] for order in self.each)


def measured(config: Config, say: Callable[[str], None]) -> list[Figure]:
    """Every phase of both sides; a quarter of a minute."""
    with trial(config, cards=2000, names=("vault",)) as store:
        sessions = [buyer.session for buyer in store.buyers(4)]
        owner = store.config.database.url
        db.connect(owner, size=4)
        path = path_of(store)
        with db.connection(), psycopg.connect(owner, autocommit=True, options=OPTIONS) as connection:
            ours, twin = in_turns(path, sessions, connection)
            within = beyond_statements(path, sessions[0])
    say(f"{ORDERS} orders of each side, in turns")
    return figures(ours, twin, within)


def in_turns(path: OrderPath, sessions: Sequence[Session], connection: Connection) -> tuple[Orders, Orders]:
    """Orders of both sides one after another, after some that plan and warm up."""
    recording, learnt = learned(path, sessions)
    phases = [step.phase for step in recording.steps]
    ours, twin, session = Orders(), Orders(), sessions[0]
    for number in range(WARM + ORDERS):
        ready = learnt.prepare(inputs_of(session), path.clock.now() + timedelta(microseconds=number))
        watch = Stopwatch()
        path.walk(session, recording=watch)
        ours.each.append(watch.spent)
        watch = Stopwatch()
        _say(ready, phases, connection, watch)
        twin.each.append(watch.spent)
    path.vault.recording = None
    return Orders(ours.each[WARM:]), Orders(twin.each[WARM:])


def _say(ready: Ready, phases: Sequence[str], connection: Connection, watch: Stopwatch) -> None:
    for phase, those in groupby(zip(ready.statements, phases, strict=True), key=lambda pair: pair[1]):
        with watch.during(phase):
            for (sql, params, late), _ in those:
                ready.env.answers.append(said(connection, sql, params.make(ready.env) if late else params))


def beyond_statements(path: OrderPath, session: Session) -> dict[str, float]:
    """Milliseconds of an order outside of statements: in cryptography, and waiting for the opening log's disk."""
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(PROFILED):
        path.walk(session)
    profile.disable()
    found = dict.fromkeys((SEALS, LOG), 0.0)
    for (_, _, name), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if any(word in name for word in CRYPTOGRAPHY):
            found[SEALS] += 1000 * own / PROFILED
        elif LOCK in name:
            found[LOG] += 1000 * own / PROFILED
    return found


def figures(ours: Orders, twin: Orders, within: Mapping[str, float]) -> list[Figure]:
    """A figure for each phase, side and clock: `rows` makes the table of the page of them."""
    sides = (("ours", ours, 0), ("the twin", twin, 0), ("ours, processor", ours, 1), ("the twin, processor", twin, 1))
    found = [
        Figure(PART, f"{name}: {side}", orders.milliseconds(phase, which), "ms")
        for phase, name in (*NAMES.items(), (ALL, ALL))
        for side, orders, which in sides
    ]
    return found + [Figure(PART, f"{name}: ours", took, "ms") for name, took in within.items()]
