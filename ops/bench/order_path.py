"""The order path as the bench walks it: place, intent, settle, deliver, in one process that may do all of it.

The vault's desk answers without its socket, so that its statements are measured with the others; what is left out on
both sides is the way between processes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID, uuid4

from channels.chat.couriers import Couriers
from channels.pay.sandbox import SandboxVerifier
from core.clock import Clock
from core.config import Config
from core.conversations.service import Session
from core.custody.server import opened_desk
from core.db import execute
from core.fulfilment.service import Carrier, deliver
from core.money import Money
from core.orders.service import OrderKeys, OrderPolicy, PlacedOrder, WantedLine, pay_token, place_order
from core.payments.service import receive_notice, request_sandbox_payment
from core.ports import RawNotice
from core.vault.client import Progress, VaultClient
from core.vault.notices import SandboxNotice, sandbox_private_key, sandbox_public_key, sign_notice
from ops.processes.vault_wiring import key_source
from ops.races.trial import Trial

NOWHERE = Carrier(Couriers({}))
"""The bench's shoppers sit in the web chat."""

PHASES = ("place", "intent", "settle", "deliver", "vault")
GATEWAY = "gateway"
"""No part of the store: the sandbox signs its notice."""

DELIVERY = "SELECT id FROM delivery WHERE order_id = %s"


class Phased(Protocol):
    """Is told which phase of an order begins and ends."""

    def during(self, phase: str, /) -> AbstractContextManager[None]: ...


class DeskInProcess(VaultClient):
    """Asks the vault's desk without a socket, on the connections of this process."""

    def __init__(self, config: Config, clock: Clock) -> None:
        super().__init__(Path("unused"))
        self._desk = opened_desk(config, key_source(config), clock)
        self.recording: Phased | None = None

    def _ask(
        self, request: Mapping[str, Any], *, progress: Progress | None = None, timeout: float | None = None
    ) -> dict[str, Any]:
        with during(self.recording, "vault"):
            answer = self._desk.answer(str(request["op"]), request, progress or (lambda done, about: None))
        return self._checked(answer)


def path_of(store: Trial) -> OrderPath:
    """The order path of a trial store, on the connections that `core.db` has now."""
    return OrderPath(
        store.config,
        store.clock,
        store.policy,
        store.keys,
        store.listing_id,
        store.opaque_id,
        DeskInProcess(store.config, store.clock),
    )


class NoCounter:
    """Forged notices are not what is measured."""

    def hit(self, name: str, *, seconds: int) -> int:
        """Count nothing."""
        return 0


@dataclass(frozen=True, slots=True)
class Bought:
    """A paid order, and the seconds of its two parts that touch stock."""

    order_id: UUID
    place: float
    settle: float


@dataclass
class OrderPath:
    """Walks orders of one listing; `core.db` must be connected with rights for all of it (the owner's)."""

    config: Config
    clock: Clock
    policy: OrderPolicy
    keys: OrderKeys
    listing_id: int
    opaque_id: str
    vault: DeskInProcess
    signing_key: bytes = field(init=False)
    at_gateway: list[tuple[float, float]] = field(default_factory=list)
    """Seconds on the wall and of the processor in which the sandbox signed, an order each."""
    verifiers: dict[str, SandboxVerifier] = field(init=False)

    def __post_init__(self) -> None:
        act_key = self.config.secret(self.config.secrets.act_key).reveal()
        self.signing_key = sandbox_private_key(act_key)
        self.verifiers = {"sandbox": SandboxVerifier(sandbox_public_key(act_key), clock=self.clock)}

    def walk(self, session: Session, *, quantity: int = 1, recording: Phased | None = None) -> None:
        """One order, from placed to delivered. Raises RuntimeError when its cards do not arrive."""
        self.vault.recording = recording
        order_id = self.buy(session, quantity=quantity, recording=recording).order_id
        delivery_id = execute(DELIVERY, (order_id,))[0][0]  # the worker reads it in its queue row
        with during(recording, "deliver"):
            delivered = deliver(delivery_id=delivery_id, vault=self.vault, carrier=NOWHERE, now=self.clock.now())
        if not delivered:
            raise RuntimeError("an order of the bench was not delivered")

    def buy(self, session: Session, *, quantity: int = 1, recording: Phased | None = None) -> Bought:
        """One order, from placed to paid; what it takes in seconds."""
        now, began = self.clock.now(), time.perf_counter()
        with during(recording, "place"):
            placed = self._place(session, quantity, now)
        is_placed = time.perf_counter()
        with during(recording, "intent"):
            token = pay_token(keys=self.keys, order_id=placed.order_id)
            payment_id = request_sandbox_payment(token=token, now=now)
        with during(recording, GATEWAY):
            before = time.perf_counter(), time.thread_time()
            notice = self._notice(payment_id, placed.total)
            self.at_gateway.append((time.perf_counter() - before[0], time.thread_time() - before[1]))
        is_charged = time.perf_counter()
        with during(recording, "settle"):
            self._settle(notice)
        return Bought(placed.order_id, place=is_placed - began, settle=time.perf_counter() - is_charged)

    def _place(self, session: Session, quantity: int, now: datetime) -> PlacedOrder:
        return place_order(
            actor=session.actor,
            conversation_id=session.conversation_id,
            lines=[WantedLine(self.listing_id, quantity)],
            submission_id=str(uuid4()),
            network=session.network,
            policy=self.policy,
            keys=self.keys,
            now=now,
        )

    def _notice(self, payment_id: UUID, total: Money) -> RawNotice:
        said = SandboxNotice(
            account=self.opaque_id,
            transaction=f"sbx_{uuid4().hex}",
            kind="paid",
            payment=str(payment_id),
            amount_minor=total.minor,
            currency=total.currency,
            at=int(self.clock.now().timestamp()),
        )
        return RawNotice(*sign_notice(self.signing_key, said))

    def _settle(self, notice: RawNotice) -> None:
        answer = receive_notice(
            gateway="sandbox",
            opaque_id=self.opaque_id,
            raw=notice,
            verifiers=self.verifiers,
            counter=NoCounter(),
            policy=self.policy,
            now=self.clock.now(),
        )
        if answer.status != 200:
            raise RuntimeError("a notice of the bench was refused")


def during(recording: Phased | None, phase: str) -> AbstractContextManager[None]:
    """Note the phase, where something is recorded at all."""
    return recording.during(phase) if recording else nullcontext()
