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
from ops.processes import Child
from ops.trial import Trial

_STALLED = 15.0  # seconds without a further card until the next fault is done all the same
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


def plan(seed: int, *, cards: int) -> list[Planned]:
    """What is done when, by a seed: spread over the first nine tenths of the cards."""
    chance = random.Random(seed)  # noqa: S311 - a plan, not a secret
    faults = chance.sample(EVERY, len(EVERY))
    last = max(1, cards * 9 // 10)
    return [
        Planned(fault, at) for fault, at in zip(faults, sorted(chance.choices(range(last), k=len(faults))), strict=True)
    ]


@dataclass
class Faults:
    """Carries out a plan beside a race; `sold` tells how many cards buyers hold. `done` counts what was done."""

    trial: Trial
    planned: Sequence[Planned]
    say: Callable[[str], None]
    sold: Callable[[], int] = lambda: 0
    done: Counter[str] = field(default_factory=Counter)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin, in threads of its own."""
        self._threads = [threading.Thread(target=one, daemon=True) for one in (self._carry_out, self._double)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; what was not done yet is left undone."""
        self._over.set()
        for thread in self._threads:
            thread.join(10)

    def _carry_out(self) -> None:
        for planned in self.planned:
            if not self._reached(planned.after):
                return
            self._do(planned.fault)
            self.done[planned.fault] += 1
            self.say(f"  {planned.fault} after {self.sold()} cards")

    def _reached(self, wanted: int) -> bool:
        """Wait until so many cards are sold, or for a while no more are; False when the race is over."""
        seen, since = self.sold(), time.monotonic()
        while self.sold() < wanted and time.monotonic() < since + _STALLED:
            if self._over.wait(_LOOK):
                return False
            if self.sold() != seen:
                seen, since = self.sold(), time.monotonic()
        return not self._over.is_set()

    def _do(self, fault: Fault) -> None:
        engines = self.trial.running.engines
        if fault in _PROCESS:
            self._kill(self._living(_PROCESS[fault]))
        elif fault is Fault.DATABASE:
            self._signal(engines.postgres.pid if engines.postgres else None, signal.SIGQUIT)  # as pg_ctl -m immediate
        elif fault is Fault.REDIS_KILLED:
            self._signal(engines.valkey.pid if engines.valkey else None, signal.SIGKILL)
        else:
            with redis.Redis.from_url(self.trial.config.redis.url) as client, contextlib.suppress(redis.RedisError):
                client.flushall()

    def _living(self, name: str) -> Child | None:
        """The process of that name, once it runs (it may just be starting again)."""
        end = time.monotonic() + _STALLED
        while time.monotonic() < end and not self._over.wait(_LOOK):
            for child in self.trial.running.supervisor.children:
                if child.name == name and child.process is not None and child.is_ready:
                    return child
        return None

    def _kill(self, child: Child | None) -> None:
        if child is not None and child.process is not None:
            self._signal(child.process.pid, signal.SIGKILL)

    @staticmethod
    def _signal(pid: int | None, number: signal.Signals) -> None:
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

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
