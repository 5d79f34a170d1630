"""What is done to a store while a race runs: kill -9, a database that stops at once, Redis gone, notices sent twice.

When it is done is decided by a seed and counted in cards that buyers hold in their hands, so that every fault meets a
race that goes on, on a fast machine and on a slow one.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import httpx
import psycopg
import redis

from core.vault.notices import SandboxNotice, sandbox_private_key, sign_notice
from ops.engines import launch
from ops.races.trial import Trial

_STALLED = 15.0  # seconds without a further card until the next fault is done all the same
_TRIES = 60.0  # seconds in which a fault is tried again: what it is to hit may just be starting
_ENDS = 10.0  # seconds until what got a signal is gone
_LOOK = 0.02
COPIES = 2  # of each notice, at the same time, beside the sandbox's own

CHARGES = """
SELECT payment_id, opaque_id, transaction_no, amount_minor, currency FROM sandbox_charge
WHERE NOT payment_id = ANY (%s) ORDER BY created_at
"""


class Fault(StrEnum):
    """What can be done."""

    WORKER = "worker killed"
    VAULT = "vault killed"
    WEB = "web killed"
    DATABASE = "PostgreSQL stopped at once"
    REDIS_KILLED = "Redis killed"
    REDIS_FLUSHED = "Redis flushed"


EVERY = (
    *(Fault.WORKER, Fault.WORKER, Fault.VAULT, Fault.VAULT, Fault.WEB, Fault.WEB),
    *(Fault.DATABASE, Fault.REDIS_KILLED, Fault.REDIS_FLUSHED),
)
"""All that is done in one race."""

_PROCESS = {Fault.WORKER: "worker", Fault.VAULT: "vault", Fault.WEB: "web"}


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault and the number of cards after which it is done."""

    fault: Fault
    after: int


def before_the_end(cards: int) -> int:
    """Of so many cards to be sold those that may be sold while faults are still to be done: nine tenths."""
    return cards * 9 // 10


def plan(seed: int, *, cards: int) -> list[Planned]:
    """What is done when, by a seed: spread over the first nine tenths of the cards that can be sold."""
    chance = random.Random(seed)  # noqa: S311 - a plan, not a secret
    faults = chance.sample(EVERY, len(EVERY))
    last = max(1, before_the_end(cards))
    return [
        Planned(fault, at) for fault, at in zip(faults, sorted(chance.choices(range(last), k=len(faults))), strict=True)
    ]


@dataclass
class Faults:
    """Carries out a plan beside a race; `sold` tells how many cards buyers hold.

    `done` counts what did happen, and nothing that was only tried; `is_through` is set once no more will be done.
    """

    trial: Trial
    planned: Sequence[Planned]
    say: Callable[[str], None]
    sold: Callable[[], int] = lambda: 0
    patience: float = _TRIES
    done: Counter[str] = field(default_factory=Counter)
    is_through: threading.Event = field(default_factory=threading.Event)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin, in threads of its own."""
        self._threads = [threading.Thread(target=one, daemon=True) for one in (self.carry_out, self._double)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; what was not done yet is left undone."""
        self._over.set()
        for thread in self._threads:
            thread.join(10)

    @property
    def undone(self) -> list[str]:
        """What was planned and did not happen."""
        return sorted((Counter[str](one.fault for one in self.planned) - self.done).elements())

    def carry_out(self) -> None:
        """Do all that is planned, each in its turn, until it is done or the race is over."""
        try:
            for planned in self.planned:
                if not self._reached(planned.after):
                    return
                if self._has_happened(planned.fault):
                    self.done[planned.fault] += 1
                    self.say(f"  {planned.fault} after {self.sold()} cards")
                else:
                    self.say(f"  not to be done in {self.patience:.0f} s: {planned.fault}")
        finally:
            self.is_through.set()

    def _reached(self, wanted: int) -> bool:
        """Wait until so many cards are sold, or for a while no more are; False when the race is over."""
        seen, since = self.sold(), time.monotonic()
        while self.sold() < wanted and time.monotonic() < since + _STALLED:
            if self._over.wait(_LOOK):
                return False
            if self.sold() != seen:
                seen, since = self.sold(), time.monotonic()
        return not self._over.is_set()

    def _has_happened(self, fault: Fault) -> bool:
        """Do it, again and again until it happens; False when it does not in time."""
        end = time.monotonic() + self.patience
        while not self._do(fault):
            if time.monotonic() > end or self._over.wait(_LOOK):
                return False
        return True

    def _do(self, fault: Fault) -> bool:
        """Try once; whether it happened."""
        engines = self.trial.running.engines
        if fault in _PROCESS:
            return self._end(self._living(_PROCESS[fault]), signal.SIGKILL)
        if fault is Fault.DATABASE:  # as pg_ctl -m immediate
            return self._end(engines.postgres.pid if engines.postgres else None, signal.SIGQUIT)
        if fault is Fault.REDIS_KILLED:
            return self._end(engines.valkey.pid if engines.valkey else None, signal.SIGKILL)
        return self._flush()

    def _living(self, name: str) -> int | None:
        """The id of the process of that name, if it serves."""
        for child in self.trial.running.supervisor.children:
            process = child.process
            if child.name == name and process is not None and child.is_ready:
                return process.pid
        return None

    @staticmethod
    def _end(pid: int | None, number: signal.Signals) -> bool:
        """Whether a process lived and the signal ended it; who is dead already is not killed once more."""
        if pid is None or not launch.is_alive(pid):
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return launch.wait_until_gone(pid, _ENDS)

    def _flush(self) -> bool:
        try:
            with redis.Redis.from_url(self.trial.config.redis.url, socket_timeout=_ENDS) as client:
                return bool(client.flushall())
        except redis.RedisError:  # it was killed just before, and starts again
            return False

    def _double(self) -> None:
        """Send every notice of the sandbox twice more, both at the same time."""
        config, seen = self.trial.config, list[Any]()  # of payments
        worker = config.database.roles.worker
        key = sandbox_private_key(config.secret(config.secrets.act_key).reveal())
        while not self._over.wait(0.2):
            with (
                contextlib.suppress(psycopg.OperationalError),
                psycopg.connect(worker) as looking,
            ):
                for charge in looking.execute(CHARGES, [seen]).fetchall():
                    seen.append(charge[0])
                    copies = [threading.Thread(target=self._send, args=(key, charge)) for _ in range(COPIES)]
                    for thread in copies:
                        thread.start()
                    for thread in copies:
                        thread.join()

    def _send(self, key: bytes, charge: tuple[Any, ...]) -> None:
        payment, account, transaction, minor, currency = charge
        said = SandboxNotice(
            account=account,
            transaction=transaction,
            kind="paid",
            payment=str(payment),
            amount_minor=minor,
            currency=currency,
            at=int(self.trial.clock.now().timestamp()),
        )
        body, headers = sign_notice(key, said)
        web = self.trial.config.web
        with contextlib.suppress(httpx.TransportError), httpx.Client(timeout=10, trust_env=False) as client:
            answer = client.post(
                f"http://{web.host}:{web.port}/hooks/pay/sandbox/{account}", content=body, headers=headers
            )
            self.done["notices doubled" if answer.status_code == 200 else "doubled notices not taken"] += 1
