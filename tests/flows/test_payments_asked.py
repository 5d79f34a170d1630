"""What the sweeps ask gateways for: payments nobody heard of, refunds nobody sent; once, and not for ever."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

import pytest

from core.money import Money
from core.orders.service import expire_due
from core.payments.service import choose_refund, poll_due, query_payment, refund_due
from core.ports import Outcome, RawNotice, Started
from tests.builders import Shop
from tests.support.till import Till


class WireDown(Exception):
    """The gateway cannot be reached."""


@dataclass
class WiredGateway:
    """A gateway whose wire may be down; it notes what it was told and asked."""

    is_down: bool = False
    started: list[UUID] = field(default_factory=list)
    asked: list[UUID] = field(default_factory=list)

    def start(self, payment_id: UUID, amount: Money) -> Started:
        """Take note of an intent."""
        if self.is_down:
            raise WireDown
        self.started.append(payment_id)
        return Started(external_ref=f"wired-{payment_id.hex}", url="https://pay.example/1")

    def query(self, payment_id: UUID) -> tuple[Outcome, RawNotice | None]:
        """Not paid yet."""
        self.asked.append(payment_id)
        if self.is_down:
            raise WireDown
        return Outcome.NO, None

    def refund(self, refund_id: UUID, payment_id: UUID, external_id: str, amount: Money) -> Outcome:
        """Payments only."""
        raise AssertionError("nothing is refunded here")


@pytest.fixture
def order(shop: Shop, talker):
    """A placed order for one of two cards, over 10.00 CNY."""
    listing, _ = shop.a_listing(price=1000), shop.a_batch(cards=2)
    return shop.place(talker, listing, 1)


def ask(till: Till, gateway: WiredGateway) -> int:
    """One round of the sweep, and the worker's part of it; returns how many were asked about."""
    due = poll_due(now=till.now)
    for payment in till.queued("query_payment"):
        till.shop.sql("DELETE FROM keystall_task")
        try:
            query_payment(
                payment_id=payment,
                gateways={"sandbox": gateway},
                verifiers=till.verifiers,
                policy=till.shop.policy,
                now=till.now,
            )
        except WireDown:
            continue
    return due


def test_a_payment_whose_start_was_lost_with_its_worker_still_reaches_the_gateway(till: Till, order) -> None:
    """Fault 33: no callback ever came, for the gateway had never heard of it."""
    payment = till.start(order)
    till.shop.sql("DELETE FROM keystall_task")
    gateway = WiredGateway()
    till.wait(seconds=30)

    asked = ask(till, gateway)
    till.wait(minutes=2)
    asked_again = ask(till, gateway)

    assert (asked, asked_again) == (1, 1)
    assert gateway.started == [payment]
    assert till.shop.sql("SELECT state, url FROM payment") == [("pending", "https://pay.example/1")]


def test_a_start_that_met_a_dead_wire_is_made_good_in_the_next_round(till: Till, order) -> None:
    payment = till.start(order)
    till.shop.sql("DELETE FROM keystall_task")
    gateway = WiredGateway(is_down=True)
    till.wait(seconds=30)
    ask(till, gateway)
    state_while_down = till.payment_state(payment)

    gateway.is_down = False
    till.wait(minutes=2)
    ask(till, gateway)

    assert state_while_down == "created"
    assert (gateway.started, till.payment_state(payment)) == ([payment], "pending")


def test_a_payment_that_is_over_is_not_started_any_more(till: Till, order) -> None:
    payment = till.start(order)
    till.shop.sql("DELETE FROM keystall_task")
    gateway = WiredGateway()
    till.wait(minutes=16)

    ask(till, gateway)

    assert (gateway.started, till.payment_state(payment)) == ([], "expired")


def test_a_payment_in_review_is_left_to_a_person_and_its_gateway_is_not_asked_for_ever(till: Till, order) -> None:
    payment = till.start(order)
    till.receive(till.notice(payment, 999))
    gateway = WiredGateway()

    rounds = []
    for _ in range(10):
        till.wait(days=1)
        rounds.append(ask(till, gateway))

    assert till.payment_state(payment) == "review"
    assert rounds == [0] * 10
    assert gateway.asked == []


def test_a_gateway_that_never_answers_is_asked_until_a_day_after_the_deadline(till: Till, order) -> None:
    till.start(order)
    gateway = WiredGateway(is_down=True)
    till.wait(minutes=16)
    first = ask(till, gateway)
    till.wait(hours=25)
    last = ask(till, gateway)
    till.wait(days=300)

    assert (first, last, ask(till, gateway)) == (1, 1, 0)


def test_a_refund_waits_in_the_queue_once_however_far_the_worker_is_behind(till: Till, order, talker) -> None:
    payment = till.start(order)
    till.wait(minutes=16)
    expire_due(now=till.now)
    till.shop.sql("UPDATE card SET state = 'withdrawn' WHERE state = 'free'")
    till.receive(till.notice(payment, 1000))
    event = till.shop.sql("SELECT id FROM payment_event")[0][0]
    choose_refund(actor=talker.actor, event_id=event, now=till.now)
    till.wait(minutes=2)

    added = [refund_due(now=till.now) for _ in range(5)]

    assert added == [0] * 5
    assert len(till.queued("refund")) == 1


def test_a_payment_is_asked_about_once_however_far_the_worker_is_behind(till: Till, order) -> None:
    payment = till.start(order)

    for _ in range(5):
        till.wait(minutes=3)
        poll_due(now=till.now)

    assert till.queued("query_payment") == [payment]
