"""Ours and the twin in turns, in one run, at 1, 4 and 16 clients: the ratio is what the machine's mood cannot move."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from statistics import median
from typing import Any

import psycopg

from core import db
from core.conversations.service import Session
from core.db import execute
from core.stock.marks import move_marks
from ops.bench.order_path import PHASES, OrderPath
from ops.bench.recording import Recording, recorded
from ops.bench.twin import Ready, Twin
from ops.races.race import quantile

CLIENTS = (1, 4, 16)
USUAL, HOT = CLIENTS[1:]
ROUNDS = 10
ORDERS_A_ROUND = 32  # shared by the clients, who have
LEAST_ORDERS = 6  # each: with fewer a round is mostly its beginning and its end
WARM_ORDERS = 12  # of every session first: psycopg prepares the 6th, PostgreSQL keeps a plan from the 11th on
OPTIONS = "-c timezone=UTC -c statement_timeout=30000 -c idle_in_transaction_session_timeout=60000"


@dataclass
class Side:
    """One side of the comparison: per round wall and processor seconds an order, and the seconds of each order."""

    walls: list[float] = field(default_factory=list)
    processors: list[float] = field(default_factory=list)
    each: list[float] = field(default_factory=list)

    def without(self, outside: Sequence[tuple[float, float]], clients: int) -> None:
        """Take off the last round what no part of the store did: the gateway's signatures, one an order.

        Of the wall only what one client waited for them, although the others waited for the processor as well.
        """
        self.walls[-1] -= sum(wall for wall, _ in outside) / clients / len(outside)
        self.processors[-1] -= sum(processor for _, processor in outside) / len(outside)

    @property
    def rate(self) -> float:
        """Orders a second, in the median round."""
        return 1 / median(self.walls)


@dataclass(frozen=True)
class Row:
    """One line of the table: rates in orders a second, times in milliseconds an order."""

    clients: int
    ours_rate: float
    twin_rate: float
    ratio: float
    processor_ratio: float
    ours_processor_ms: float
    twin_processor_ms: float
    ours_median_ms: float
    ours_p99_ms: float


@dataclass(frozen=True)
class Report:
    """What the bench found; `hot` is the rate of the most clients to that of `USUAL`, all on one SKU."""

    rows: list[Row]
    hot: float
    statements: dict[str, int]
    commits: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """For the file."""
        return asdict(self)


@dataclass
class Lane:
    """One number of clients, who do `each` orders a round; the connections are the twin's."""

    clients: int
    connections: Sequence[psycopg.Connection[Any]]
    each: int = 0
    ours: Side = field(default_factory=Side)
    twin: Side = field(default_factory=Side)

    def __post_init__(self) -> None:
        self.each = self.each or max(LEAST_ORDERS, ORDERS_A_ROUND // self.clients)

    def row(self) -> Row:
        """Its line of the table."""
        ours, twin = self.ours, self.twin
        return Row(
            clients=self.clients,
            ours_rate=ours.rate,
            twin_rate=twin.rate,
            ratio=paired(twin.walls, ours.walls),
            processor_ratio=paired(twin.processors, ours.processors),
            ours_processor_ms=1000 * median(ours.processors),
            twin_processor_ms=1000 * median(twin.processors),
            ours_median_ms=1000 * quantile(ours.each, 0.5),
            ours_p99_ms=1000 * quantile(ours.each, 0.99),
        )


class Bench:
    """Measures an order path with the given sessions, each of another shopper."""

    def __init__(self, path: OrderPath, sessions: Sequence[Session], *, url: str) -> None:
        self.path = path
        self.sessions = sessions
        self.url = url
        self.recording, self.twin = learned(path, sessions)

    def run(self, say: Callable[[str], None]) -> Report:
        """All client counts in turns; checks that every order of both sides was really delivered."""
        with ExitStack() as stack:
            lanes = {
                clients: Lane(clients, [stack.enter_context(self._connect()) for _ in range(clients)])
                for clients in CLIENTS
            }
            for lane in reversed(lanes.values()):  # the most clients first: then every connection of the pool is warm
                self._turn(Lane(lane.clients, lane.connections, each=WARM_ORDERS), is_first=True)
            for number in range(ROUNDS):
                for lane in lanes.values():
                    self._turn(lane, is_first=number % 2 == 1)
                say(f"round {number + 1} of {ROUNDS}")
        undelivered = execute("SELECT count(*) FROM shop_order WHERE state <> 'closed'")[0][0]
        if undelivered:
            raise RuntimeError(f"{undelivered} orders of the bench were not delivered")
        return Report(
            rows=[lane.row() for lane in lanes.values()],
            hot=paired(lanes[USUAL].ours.walls, lanes[HOT].ours.walls),
            statements={phase: self.recording.statements(phase) for phase in PHASES},
            commits={phase: self.recording.commits(phase) for phase in PHASES},
        )

    def _turn(self, lane: Lane, *, is_first: bool) -> None:
        """So many orders of both sides; `is_first`: ours go first."""
        move_marks(now=self.path.clock.now(), zone="Asia/Shanghai")
        turns = [
            (lane.ours, self._ours(lane.clients, lane.each)),
            (lane.twin, self._twins(lane.connections, lane.each)),
        ]
        for side, works in turns if is_first else reversed(turns):
            self.path.at_gateway.clear()
            _add(side, works)
            if side is lane.ours:
                side.without(self.path.at_gateway, lane.clients)

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url, autocommit=True, options=OPTIONS)

    def _ours(self, clients: int, each: int) -> list[list[Callable[[], None]]]:
        return [
            [lambda session=self.sessions[client]: self.path.walk(session)] * each  # type: ignore[misc]
            for client in range(clients)
        ]

    def _twins(self, connections: Sequence[psycopg.Connection[Any]], each: int) -> list[list[Callable[[], None]]]:
        """Parameters are made before the clock runs, but for those that wait for an answer."""
        works: list[list[Callable[[], None]]] = []
        now = self.path.clock.now()
        for client, connection in enumerate(connections):
            session = self.sessions[client]
            made = [
                self.twin.prepare(inputs_of(session), now + timedelta(microseconds=number)) for number in range(each)
            ]
            works.append([_say(ready, connection) for ready in made])
        return works


def learned(path: OrderPath, sessions: Sequence[Session]) -> tuple[Recording, Twin]:
    """One recorded order, and the twin of it and another."""
    for session in sessions[:4]:
        path.walk(session)  # the first orders open accounts
    one, other = _record(path, sessions[0]), _record(path, sessions[1])
    return one, Twin(one, other, (inputs_of(sessions[0]), inputs_of(sessions[1])))


def _record(path: OrderPath, session: Session) -> Recording:
    with recorded() as recording:
        path.walk(session, recording=recording)
    path.vault.recording = None
    return recording


def inputs_of(session: Session) -> list[Any]:
    """What an order is given of its shopper."""
    return [session.conversation_id, session.shopper_id, session.identity_id, session.id, session.network]


def paired(those: Sequence[float], ours: Sequence[float]) -> float:
    """The median of the rounds' own ratios: a moment in which the machine was busy elsewhere spoils one round only."""
    return median(that / our for that, our in zip(those, ours, strict=True))


def _say(ready: Ready, connection: psycopg.Connection[Any]) -> Callable[[], None]:
    return lambda: Twin.say(ready, connection)


def _add(side: Side, works: list[list[Callable[[], None]]]) -> None:
    """Let every client do its orders, all at once, and add up what it took."""
    gate = threading.Barrier(len(works) + 1)
    errors: list[BaseException] = []

    def client(orders: list[Callable[[], None]]) -> None:
        gate.wait()
        try:
            with db.connection():
                for order in orders:
                    began = time.perf_counter()
                    order()
                    side.each.append(time.perf_counter() - began)
        except BaseException as error:  # noqa: BLE001 (handed on to the one who measures)
            errors.append(error)

    threads = [threading.Thread(target=client, args=(orders,), daemon=True) for orders in works]
    for thread in threads:
        thread.start()
    gate.wait()
    wall, processor = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.join()
    orders = sum(len(some) for some in works)
    side.walls.append((time.perf_counter() - wall) / orders)
    side.processors.append((time.process_time() - processor) / orders)
    if errors:
        raise errors[0]
