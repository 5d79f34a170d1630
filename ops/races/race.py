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
from datetime import datetime
from functools import partial
from typing import TypeVar
from uuid import UUID, uuid4

import httpx
import psycopg

from core import db
from core.config import ConfigError
from core.messages.service import MessageKind, StoredMessage, messages_after, sealed_answers
from core.orders.service import WantedLine, pay_token, place_order
from core.payments.rules import OrderNotPayable
from core.payments.service import request_sandbox_payment
from core.reports.checks import verify
from core.risk.rules import StockKeptForOthers
from core.stock.rules import HeldByOthers, OutOfStock
from core.vault.seal import answer_context, open_answer
from core.waking import DOORS
from ops.races.faults import Faults, before_the_end
from ops.races.figures import Basket, Outcome, quantile
from ops.races.trial import Buyer, Trial
from ops.races.web import LONG_POLL, PRESS_AGAIN, NobodyAnswers, Shopfront, WebBuyer

__all__ = ["Outcome", "Race", "quantile", "run_race"]

Result = TypeVar("Result")

PATIENCE = 60.0  # seconds that a buyer asks again while cards are only held, and waits for cards that were paid
AT_ONCE = 16  # use cases at the same time, as many as the web process runs
_LOOK_EVERY = 1.0  # seconds; a notice of the database comes earlier
_LOOK_AGAIN = 0.2  # seconds until a database that was away is asked again

WITH_FAULTS = 180.0
"""Seconds of patience where processes are killed: a delivery that lost its worker is taken up a minute later."""

THIRD = 3
"""Where faults are done every third buyer comes over HTTP, so that the death of the web process is felt."""


class Race:
    """One race on a trial store."""

    def __init__(
        self, trial: Trial, buyers: Sequence[Buyer], *, patience: float = PATIENCE, faults: Faults | None = None
    ) -> None:
        self.trial = trial
        self.faults = faults
        self.buyers = buyers
        self.patience = patience
        self.baskets = [Basket() for _ in buyers]
        self.greatest_held_by_strangers = 0
        self._gate = threading.Event()
        self._late = self._gate if faults is None else faults.is_through
        self._slots = threading.Semaphore(AT_ONCE)
        self._over = threading.Event()
        self._woken = {buyer.session.conversation_id: threading.Event() for buyer in buyers}

    def run(self) -> Outcome:
        """Let all buyers go at once, wait for them, and count."""
        front = self._opened_front() if self.faults else None
        beside = [threading.Thread(target=one, daemon=True) for one in (self._listen, self._watch_strangers)]
        threads = [
            threading.Thread(target=self._in_turn, args=(number, partial(buy, buyer, basket)), daemon=True)
            for number, (buyer, basket) in enumerate(zip(self.buyers, self.baskets, strict=True))
            for buy in [self._buy if front is None or number % THIRD else partial(self._buy_there, front)]
        ]
        for thread in (*beside, *threads):
            thread.start()
        self._gate.set()
        if self.faults is not None:
            self.faults.sold = self.sold
            self.faults.start()
        try:
            for thread in threads:
                thread.join()
        finally:
            self.go_home()  # after Ctrl-C the buyers go first
            for thread in (*beside, *threads):
                thread.join(5)
            if self.faults is not None:
                self.faults.stop()
            if front is not None:
                front.client.close()
        return self._patiently(self._count, time.monotonic() + PATIENCE)

    def sold(self) -> int:
        """How many cards buyers hold by now."""
        return sum(len(basket.received) for basket in self.baskets)

    def go_home(self) -> None:
        """Let every buyer give up."""
        self._over.set()
        self._late.set()

    @property
    def expected(self) -> int:
        """How many cards can be sold."""
        return min(len(self.buyers), len(self.trial.cards))

    def _in_turn(self, number: int, buy: Callable[[], None]) -> None:
        """All at once; but with faults those who would buy the last tenth come when all are done, so that none of
        them finds the race over."""
        (self._gate if number < before_the_end(self.expected) else self._late).wait()
        if not self._over.is_set():
            buy()

    def _opened_front(self) -> Shopfront:
        web = self.trial.config.web
        limits = httpx.Limits(max_connections=AT_ONCE * 2, max_keepalive_connections=AT_ONCE * 2)
        address, timeout = f"http://{web.host}:{web.port}", httpx.Timeout(2 * LONG_POLL, pool=self.patience)
        client = httpx.Client(base_url=address, timeout=timeout, limits=limits, trust_env=False, follow_redirects=True)
        return Shopfront(self.trial, client, self._over.is_set)

    def _patiently(self, work: Callable[[], Result], end: float) -> Result:
        """Do it; again while the database is away: everything here has an id, and so one effect."""
        while True:
            try:
                return work()
            except Exception as error:
                if not db.is_away(error) or time.monotonic() > end or self._over.wait(_LOOK_AGAIN):
                    raise

    def _buy(self, buyer: Buyer, basket: Basket) -> None:
        submission, end = str(uuid4()), time.monotonic() + self.patience
        while basket.order_id is None and basket.refused is None:
            try:
                self._patiently(partial(self._place, buyer, basket, submission), end)
            except OutOfStock:
                basket.refused = "sold out"
            except (HeldByOthers, StockKeptForOthers):
                if time.monotonic() > end or self._over.is_set():
                    basket.refused = "held by others"
                time.sleep(random.uniform(0.2, 0.6))  # noqa: S311 (patience, not a secret)
        if basket.order_id is not None:
            self._pay(basket.order_id, end)
            self._receive(buyer, basket)

    def _buy_there(self, front: Shopfront, buyer: Buyer, basket: Basket) -> None:
        """The same over HTTP."""
        with suppress(NobodyAnswers):
            WebBuyer(front, buyer, time.monotonic() + self.patience).buy(basket)

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

    def _pay(self, order_id: UUID, end: float) -> None:
        token = pay_token(keys=self.trial.keys, order_id=order_id)

        def press() -> None:
            with self._use_case():
                request_sandbox_payment(token=token, now=self.trial.clock.now())

        with suppress(OrderNotPayable):  # paid in this very moment, or the answer to the first press was lost
            self._patiently(press, end)

    def _receive(self, buyer: Buyer, basket: Basket) -> None:
        """Read the chat until the cards are there, as the web chat does: woken by the database, or once a second."""
        conversation, after = buyer.session.conversation_id, 0
        paid_at, end = None, time.monotonic() + self.patience
        pressed = time.monotonic()
        while not basket.received and time.monotonic() < end and not self._over.is_set():
            if paid_at is None and basket.order_id and time.monotonic() > pressed + PRESS_AGAIN:
                self._pay(basket.order_id, end)
                pressed = time.monotonic()
            self._woken[conversation].wait(_LOOK_EVERY)
            self._woken[conversation].clear()
            messages, now = self._patiently(partial(self._told, conversation, after), end)
            for message in messages:
                after = message.seq
                if message.kind is MessageKind.PAID:
                    paid_at = message.created_at
                if message.kind is MessageKind.CARDS:
                    delivery = UUID(message.body["delivery"])
                    basket.received += self._patiently(partial(self._opened, buyer, message.id, delivery), end)
            if basket.received and paid_at is not None:
                basket.paid_to_cards = (now - paid_at).total_seconds()

    def _told(self, conversation: UUID, after: int) -> tuple[list[StoredMessage], datetime]:
        with self._use_case():
            return messages_after(conversation_id=conversation, after=after), self.trial.clock.now()

    def _opened(self, buyer: Buyer, message_id: int, delivery: UUID) -> list[str]:
        session = buyer.session.id
        with self._use_case():
            sealed = sealed_answers(message_ids=[message_id], session_id=session)[message_id]
        answer = json.loads(open_answer(buyer.token, sealed, answer_context(delivery=delivery, session=session)))
        return [card["secret"] for card in answer["cards"]]

    @contextmanager
    def _use_case(self) -> Iterator[None]:
        with self._slots, db.connection():
            yield

    def _listen(self) -> None:
        while not self._over.wait(_LOOK_AGAIN):
            with (
                suppress(psycopg.OperationalError),
                psycopg.connect(self.trial.config.database.roles.direct, autocommit=True) as connection,
            ):
                connection.execute(f"LISTEN {DOORS}")
                for waiting in self._woken.values():
                    waiting.set()  # what was told while nobody listened
                while not self._over.is_set():
                    for notice in connection.notifies(timeout=0.5):
                        kind, _, named = notice.payload.partition(":")
                        if kind == "conv" and (event := self._woken.get(UUID(named))) is not None:
                            event.set()

    def _watch_strangers(self) -> None:
        """Look a hundred times a second at how many cards strangers hold together at that moment."""
        held = "SELECT coalesce(sum(quantity), 0) FROM hold WHERE state = 'open' AND stranger"
        with (
            suppress(psycopg.OperationalError),  # a database that is stopped ends the watch
            psycopg.connect(self.trial.config.database.roles.worker, autocommit=True) as connection,
        ):
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
            expected=self.expected,
            violations=violations,
            place=[basket.place for basket in self.baskets if basket.place is not None],
            paid_to_cards=[basket.paid_to_cards for basket in self.baskets if basket.paid_to_cards is not None],
            strangers_held=self.greatest_held_by_strangers,
        )


def run_race(
    trial: Trial, *, buyers: int, strangers: bool, say: Callable[[str], None], faults: Faults | None = None
) -> Outcome:
    """Make the buyers, race, and return the figures. With faults the store's supervisor runs in this (main) thread."""
    made = trial.buyers(buyers, strangers=strangers)
    say(f"{buyers} buyers are ready for {len(trial.cards)} cards …")
    if faults is None:
        return Race(trial, made).run()
    race, outcomes = Race(trial, made, patience=WITH_FAULTS, faults=faults), list[Outcome]()
    supervisor = trial.running.supervisor

    def run() -> None:
        try:
            outcomes.append(race.run())
        finally:
            supervisor.ask_to_stop()

    racing = threading.Thread(target=run, daemon=True)
    racing.start()
    try:
        gone = supervisor.run()  # starts again what is killed
    finally:
        race.go_home()
        racing.join(2 * PATIENCE)
    if not outcomes:
        raise ConfigError(f"the race has no end: {gone or 'its buyers'} stopped; see {trial.config.data_dir / 'log'}")
    return outcomes[0]
