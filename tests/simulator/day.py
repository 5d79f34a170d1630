"""One run's state: the processes, the clock, what its shoppers remember, and how a step is carried out and crashes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from channels.pay.sandbox import SandboxVerifier
from core import db
from core.clock import FixedClock
from core.config import Config
from core.conversations.service import Session
from core.errors import Refusal
from core.ids import new_id
from core.orders.service import OrderKeys, OrderPolicy, PlacedOrder
from core.payments.service import find_payment
from core.ports import RawNotice
from ops.processes.rounds import sweeps
from ops.processes.sweeps import Sweep
from tests.simulator.bank import Bank, Charge
from tests.simulator.processes import AT_A_COMMIT, IS_A_DEATH, Failpoint, How, Killed, Process, Processes
from tests.simulator.town import Account, Shopper, Town
from tests.simulator.vault import VaultHere

Result = TypeVar("Result")

CRASHES = 0.22
"""The share of steps that something is to happen to; a step that says fewer words than the failpoint counts escapes."""

AGAIN_AT_ONCE = 0.6
"""Of those whose step was cut short, so many ask for the same again at once."""


NOTHING_HERE = {"contacts", "pickups", "restocks", "alerts", "messages", "rows"}
"""Sweeps of things that no step of the simulator makes; as a step of its own each of them runs all the same."""


WHOSE = "SELECT id, shopper_id FROM conversation"
LATE = "SELECT order_id FROM payment_event WHERE reason = 'late' AND resolved_at IS NULL AND booked_to = 'suspense'"


@dataclass(frozen=True)
class Wanted:
    """What a shopper asked for, under one submission id for ever."""

    payer: int
    listing: int
    quantity: int
    submission: str


@dataclass(frozen=True)
class Ordered:
    """An order that its shopper knows of."""

    number: int
    payer: int
    sku: str
    placed: PlacedOrder


@dataclass(frozen=True)
class Intent:
    """A payment that a shopper may pay at the bank."""

    number: int
    payer: int
    account: Account
    payment: UUID
    minor: int


@dataclass
class Counts:
    """Counts in memory what may be lost (core.ports.Counter)."""

    hits: Counter[str] = field(default_factory=Counter)

    def hit(self, name: str, *, seconds: int) -> int:
        """Count one."""
        self.hits[name] += 1
        return self.hits[name]


@dataclass
class Day:
    """Everything of one run. `choice` decides about steps; nothing else does, so that a seed is a run."""

    town: Town
    choice: random.Random
    clock: FixedClock
    processes: Processes
    bank: Bank
    vault: VaultHere
    policy: OrderPolicy
    keys: OrderKeys
    public_key: bytes
    config: Config
    shoppers: list[Shopper]
    with_crashes: bool = True
    clock_was_set_back: bool = False
    late: list[Ordered] = field(default_factory=list)
    wishes: list[Wanted] = field(default_factory=list)
    orders: list[Ordered] = field(default_factory=list)
    intents: list[Intent] = field(default_factory=list)
    unheard: list[tuple[Charge, str]] = field(default_factory=list)
    heard: list[tuple[Charge, str]] = field(default_factory=list)
    old_notices: list[tuple[Charge, RawNotice]] = field(default_factory=list)
    brought: dict[str, list[str]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    crashes: Counter[str] = field(default_factory=Counter)
    pages: list[Any] = field(default_factory=list)  # tests.simulator.pages.Page
    shown: list[tuple[UUID, frozenset[str]]] = field(default_factory=list)  # what pages showed of an order's cards
    told: dict[UUID, set[str]] = field(default_factory=dict)  # what may stand in the secret field of a line
    seen: set[UUID] = field(default_factory=set)  # lines whose field was shown to who holds their task
    retired: set[str] = field(default_factory=set)  # versions of the vault's key that were taken away
    counter: Counts = field(default_factory=Counts)
    happened: list[str] = field(default_factory=list)

    def session(self, payer: int) -> Session:
        """The chat of a payer, and whose it is now."""
        return self.shoppers[payer].session

    def neighbours(self, payer: int) -> list[int]:
        """All who buy at the same merchant."""
        merchant = self.session(payer).merchant_id
        return [other for other, one in enumerate(self.shoppers) if one.session.merchant_id == merchant]

    def look_who(self) -> None:
        """Whose each chat is now, after shoppers may have become one, or two again."""
        with self.processes.looking():
            whose = dict(db.execute(WHOSE))
        self.shoppers = [
            replace(one, session=replace(one.session, shopper_id=whose[one.session.conversation_id]))
            for one in self.shoppers
        ]

    @property
    def vault_public(self) -> bytes:
        """What is sealed with for the vault now."""
        return self.config.secret(self.config.vault.public_key).reveal()

    @property
    def verifiers(self) -> dict[str, SandboxVerifier]:
        """What the web process checks notices with."""
        return {"sandbox": SandboxVerifier(self.public_key, clock=self.clock)}

    @property
    def sweeps(self) -> list[Sweep]:
        """The sweeps of the worker."""
        return sweeps(policy=self.policy)

    def note(self, what: str) -> None:
        """Add to what this step says of itself."""
        self.happened.append(what)

    def act(self, process: Process, work: Callable[[], Result]) -> Result | None:
        """Have a process do one thing, and perhaps crash; None where it refused or nobody heard of a result."""
        try:
            return self._tried(process, work)
        except _Unheard:
            if self.choice.random() >= AGAIN_AT_ONCE:
                return None
            self.note("again")
        try:
            return self._tried(process, work)
        except _Unheard:
            raise AssertionError("a step failed although nothing was to happen to it") from None

    def _tried(self, process: Process, work: Callable[[], Result]) -> Result | None:
        try:
            with self.processes.at_work(process):
                return work()
        except Refusal as refusal:
            self.refused[refusal.reason] += 1
            self.note(f"refused: {refusal.reason}")
            return None
        except Killed:
            self.crashed(process)
        except Exception as error:
            if not (self.processes.fired and db.is_away(error)):
                raise
        self.processes.arm(None)
        raise _Unheard

    def crashed(self, process: Process) -> None:
        """A process died: it starts again with nothing in memory, and a worker sweeps sooner or later."""
        self.processes.restart(process)
        self.processes.arm(None)
        if process is Process.WORKER and self.choice.random() < 0.5:
            self.sweep()

    def arm(self, processes: Sequence[Process]) -> None:
        """Decide whether, and what, is going to happen to this step, which is the work of these processes."""
        if not self.with_crashes or self.choice.random() >= CRASHES:
            self.processes.arm(None)
            return
        how = self.choice.choice(list(How))
        process = self.choice.choice(processes)
        if process is Process.VAULT and how not in IS_A_DEATH:
            how = How.KILLED
        self.processes.arm(Failpoint(process, how, self.choice.randint(1, 2 if how in AT_A_COMMIT else 9)))

    def after_a_step(self, waited: Failpoint | None) -> None:
        """Count what did happen; a vault that died is started again, now or later."""
        if waited is not None and self.processes.has_fired:
            self.crashes[str(waited).rpartition(" at ")[0]] += 1
            self.note(f"[{waited}]")
        self.processes.arm(None)
        if Process.VAULT in self.processes.dead and self.choice.random() < 0.5:
            self.vault.restart()

    def orders_with_late_money(self) -> list[Ordered]:
        """Orders whose money came too late and is not decided about."""
        with self.processes.looking():
            waiting = {order for (order,) in db.execute(LATE)}
        return [one for one in self.orders if one.placed.order_id in waiting]

    def amount_of(self, payment: UUID) -> int:
        """What a payment asks for at its gateway (minor units)."""
        with self.processes.looking():
            return find_payment(payment_id=payment).amount.minor

    def sweep(self) -> None:
        """One round of every sweep that finds anything here, as the worker's thread runs them."""
        due = [sweep for sweep in self.sweeps if sweep.name.partition(".")[0] not in NOTHING_HERE]
        if self.processes.armed is None:  # then none of them fails, and one connection serves them all
            self.act(Process.WORKER, lambda: [sweep.run(self.clock.now()) for sweep in due])
            return
        for sweep in due:
            self.one_sweep(sweep)

    def one_sweep(self, sweep: Sweep) -> int | None:
        """One round of one sweep."""
        return self.act(Process.WORKER, lambda: sweep.run(self.clock.now()))

    def wait(self, **time: float) -> None:
        """Time passes."""
        self.clock.move(timedelta(**time))

    def pick(self, things: list[Any]) -> Any | None:
        """One of them, newer ones more often; None of none."""
        if not things:
            return None
        return things[max(self.choice.randrange(len(things)) for _ in range(2))]

    def a_submission(self) -> str:
        """The id of a request, minted by its caller."""
        return str(new_id())


class _Unheard(Exception):
    """The step was cut short: whoever asked for it knows nothing of a result."""
