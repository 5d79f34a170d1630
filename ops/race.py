"""The published proof: M cards, N buyers at once, every card sold to one of them and to no other.

Buyers place through the real use cases, pay at the sandbox, and open with their own tokens what the vault sealed for
them. What counts is what they hold in their hands, compared with the file that was imported.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import psycopg

from core import db
from core.messages.service import MessageKind, messages_after, sealed_answers
from core.orders.service import WantedLine, pay_token, place_order
from core.payments.rules import OrderNotPayable
from core.payments.service import request_sandbox_payment
from core.reports.checks import verify
from core.risk.rules import StockKeptForOthers
from core.stock.rules import HeldByOthers, OutOfStock
from core.vault.seal import answer_context, open_answer
from ops.trial import Buyer, Trial

PATIENCE = 60.0  # seconds that a buyer asks again while cards are only held, and waits for cards that were paid
AT_ONCE = 16  # use cases at the same time, as many as the web process runs
_PRESS_AGAIN = 15.0  # seconds after which a buyer who heard nothing presses the button once more
_LOOK_EVERY = 1.0  # seconds; a notice of the database comes earlier


@dataclass
class Basket:
    """What one buyer came away with; times in seconds."""

    received: list[str] = field(default_factory=list)
    order_id: UUID | None = None
    refused: str | None = None
    place: float | None = None
    paid_to_cards: float | None = None


@dataclass(frozen=True)
class Outcome:
    """The figures of a race."""

    sold: int
    sold_twice: int
    lost: int
    refused: int
    expected: int
    violations: int
    place: list[float]
    paid_to_cards: list[float]
    strangers_held: int

    @property
    def is_right(self) -> bool:
        """Whether every card that could be sold was sold, once."""
        return not (self.sold_twice or self.lost or self.violations) and self.sold == self.expected


class Race:
    """One race on a trial store."""

    def __init__(self, trial: Trial, buyers: Sequence[Buyer], *, patience: float = PATIENCE) -> None:
        self.trial = trial
        self.buyers = buyers
        self.patience = patience
        self.baskets = [Basket() for _ in buyers]
        self.greatest_held_by_strangers = 0
        self._gate = threading.Event()
        self._slots = threading.Semaphore(AT_ONCE)
        self._over = threading.Event()
        self._woken = {buyer.session.conversation_id: threading.Event() for buyer in buyers}

    def run(self) -> Outcome:
        """Let all buyers go at once, wait for them, and count."""
        beside = [threading.Thread(target=one, daemon=True) for one in (self._listen, self._watch_strangers)]
        threads = [
            threading.Thread(target=self._buy, args=(buyer, basket), daemon=True)
            for buyer, basket in zip(self.buyers, self.baskets, strict=True)
        ]
        for thread in (*beside, *threads):
            thread.start()
        self._gate.set()
        try:
            for thread in threads:
                thread.join()
        finally:
            self._over.set()  # after Ctrl-C the buyers go home first
            for thread in (*beside, *threads):
                thread.join(5)
        return self._count()

    def _buy(self, buyer: Buyer, basket: Basket) -> None:
        self._gate.wait()
        submission, end = str(uuid4()), time.monotonic() + self.patience
        while basket.order_id is None and basket.refused is None:
            try:
                self._place(buyer, basket, submission)
            except OutOfStock:
                basket.refused = "sold out"
            except (HeldByOthers, StockKeptForOthers):
                if time.monotonic() > end or self._over.is_set():
                    basket.refused = "held by others"
                time.sleep(random.uniform(0.2, 0.6))  # noqa: S311 (patience, not a secret)
        if basket.order_id is not None:
            self._pay(basket.order_id)
            self._receive(buyer, basket)

    def _place(self, buyer: Buyer, basket: Basket, submission: str) -> None:
        with self._use_case():
            began = time.monotonic()
            placed = place_order(
                actor=buyer.session.actor,
                conversation_id=buyer.session.conversation_id,
                lines=[WantedLine(self.trial.listing_id, 1)],
                submission_id=submission,
                network=buyer.session.network,
                policy=self.trial.policy,
                keys=self.trial.keys,
                now=self.trial.clock.now(),
            )
            basket.place = time.monotonic() - began
        basket.order_id = placed.order_id

    def _pay(self, order_id: UUID) -> None:
        with self._use_case():
            token = pay_token(keys=self.trial.keys, order_id=order_id)
            request_sandbox_payment(token=token, now=self.trial.clock.now())

    def _receive(self, buyer: Buyer, basket: Basket) -> None:
        """Read the chat until the cards are there, as the web chat does: woken by the database, or once a second."""
        conversation, after = buyer.session.conversation_id, 0
        paid_at, end = None, time.monotonic() + self.patience
        pressed = time.monotonic()
        while not basket.received and time.monotonic() < end and not self._over.is_set():
            if paid_at is None and basket.order_id and time.monotonic() > pressed + _PRESS_AGAIN:
                with suppress(OrderNotPayable):  # paid in this very moment
                    self._pay(basket.order_id)
                pressed = time.monotonic()
            self._woken[conversation].wait(_LOOK_EVERY)
            self._woken[conversation].clear()
            with self._use_case():
                for message in messages_after(conversation_id=conversation, after=after):
                    after = message.seq
                    if message.kind is MessageKind.PAID:
                        paid_at = message.created_at
                    if message.kind is MessageKind.CARDS:
                        basket.received += self._opened(buyer, message.id, UUID(message.body["delivery"]))
                now = self.trial.clock.now()
            if basket.received and paid_at is not None:
                basket.paid_to_cards = (now - paid_at).total_seconds()

    def _opened(self, buyer: Buyer, message_id: int, delivery: UUID) -> list[str]:
        session = buyer.session.id
        sealed = sealed_answers(message_ids=[message_id], session_id=session)[message_id]
        answer = json.loads(open_answer(buyer.token, sealed, answer_context(delivery=delivery, session=session)))
        return [card["secret"] for card in answer["cards"]]

    @contextmanager
    def _use_case(self) -> Iterator[None]:
        with self._slots, db.connection():
            yield

    def _listen(self) -> None:
        with psycopg.connect(self.trial.config.database.roles.direct, autocommit=True) as connection:
            connection.execute("LISTEN keystall_wake")
            while not self._over.is_set():
                for notice in connection.notifies(timeout=0.5):
                    kind, _, named = notice.payload.partition(":")
                    if kind == "conv" and (event := self._woken.get(UUID(named))) is not None:
                        event.set()

    def _watch_strangers(self) -> None:
        """Look a hundred times a second at how many cards strangers hold together at that moment."""
        held = "SELECT coalesce(sum(quantity), 0) FROM hold WHERE state = 'open' AND stranger"
        with psycopg.connect(self.trial.config.database.roles.worker, autocommit=True) as connection:
            while not self._over.wait(0.01):
                found = connection.execute(held).fetchone()
                self.greatest_held_by_strangers = max(self.greatest_held_by_strangers, int(found[0]) if found else 0)

    def _count(self) -> Outcome:
        received = Counter(secret for basket in self.baskets for secret in basket.received)
        with db.connection():
            away = db.execute("SELECT count(*) FROM card WHERE state NOT IN ('free', 'held')")[0][0]
            paid = db.execute("SELECT count(*) FROM shop_order WHERE paid_at IS NOT NULL")[0][0]
            violations = sum(finding.violations for finding in verify())
        empty_handed = paid - sum(1 for basket in self.baskets if basket.received)
        strange = sum(1 for secret in received if secret not in self.trial.cards)
        return Outcome(
            sold=len(received),
            sold_twice=sum(1 for times in received.values() if times > 1),
            lost=max(empty_handed, away - len(received), 0) + strange,
            refused=sum(1 for basket in self.baskets if basket.refused),
            expected=min(len(self.buyers), len(self.trial.cards)),
            violations=violations,
            place=[basket.place for basket in self.baskets if basket.place is not None],
            paid_to_cards=[basket.paid_to_cards for basket in self.baskets if basket.paid_to_cards is not None],
            strangers_held=self.greatest_held_by_strangers,
        )


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie (nearest rank); 0.0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def run_race(trial: Trial, *, buyers: int, strangers: bool, say: Callable[[str], None]) -> Outcome:
    """Make the buyers, race, and return the figures."""
    made = trial.buyers(buyers, strangers=strangers)
    say(f"{buyers} buyers are ready for {len(trial.cards)} cards …")
    return Race(trial, made).run()
