"""The database's clock is set a day ahead, or an hour back: what was promised stays so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from core import db
from core.clock import DatabaseClock
from core.db import execute
from core.fulfilment.service import deliver
from core.ids import new_id
from core.messages.service import messages_after
from core.orders.lost import enqueue_lost_deliveries
from core.orders.service import PlacedOrder
from core.payments.rules import next_poll
from ops.processes.rounds import sweeps
from tests.builders import NOON, Shop, Talker
from tests.flows.test_fulfilment import OpeningVault
from tests.support.carriers import NOBODY
from tests.support.till import Till

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def listing(shop: Shop) -> int:
    """Ten cards at 10.00."""
    shop.a_batch("A1", cards=10)
    return shop.a_listing("A1", price=1000)


@pytest.fixture
def sweep(till: Till, urls: dict[str, str]) -> Callable[[], None]:
    """Every sweep of the worker, once, as the worker."""

    def run() -> None:
        db.connect(urls["worker"], size=4)
        for one in sweeps(policy=till.shop.policy):
            one.run(till.now)
        db.connect(urls["shop"], size=4)

    return run


def deliver_all(till: Till) -> None:
    """The worker delivers what is paid."""
    for (delivery,) in execute("SELECT id FROM delivery WHERE state <> 'delivered' ORDER BY created_at"):
        assert deliver(delivery_id=delivery, vault=OpeningVault(till.shop), carrier=NOBODY, now=till.now)


def states(till: Till, *orders: PlacedOrder) -> list[str]:
    return [till.order_state(order) for order in orders]


def test_fault_17_a_day_ahead_expires_each_hold_once_and_no_paid_order(
    till: Till, shop: Shop, listing: int, sweep: Callable[[], None]
) -> None:
    unpaid, paid, done = (shop.place(shop.a_shopper(), listing) for _ in range(3))
    till.pay(done)
    deliver_all(till)
    till.pay(paid)

    till.wait(days=1)
    for _ in range(3):
        sweep()

    assert states(till, unpaid, paid, done) == ["expired", "paid", "closed"]
    assert till.told().count("order_expired") == 1
    assert shop.sql("SELECT state, count(*)::int FROM hold GROUP BY 1 ORDER BY 1") == [("captured", 2), ("expired", 1)]
    assert shop.card_states() == {"free": 8, "claimed": 1, "delivered": 1}
    assert len(set(till.queued("deliver"))) == 2  # the one that is under way is found, and goes out
    deliver_all(till)
    assert states(till, unpaid, paid, done) == ["expired", "closed", "closed"]
    assert till.violations() == {}


def test_fault_17_control_what_is_not_due_by_the_database_does_not_expire(
    till: Till, shop: Shop, listing: int, sweep: Callable[[], None]
) -> None:
    unpaid = shop.place(shop.a_shopper(), listing)

    till.wait(minutes=14)
    sweep()

    assert states(till, unpaid) == ["awaiting_payment"]
    assert shop.card_states() == {"free": 9, "held": 1}


def test_fault_18_an_hour_back_every_order_still_goes_its_way(
    till: Till, shop: Shop, talker: Talker, listing: int, sweep: Callable[[], None]
) -> None:
    before, waiting = shop.place(talker, listing), shop.place(shop.a_shopper(), listing)
    payment = till.start(before)

    till.wait(hours=-1)
    sweep()
    after = shop.place(talker, listing, now=till.now)
    till.receive(till.notice(payment, 1000))
    till.pay(after)
    deliver_all(till)

    assert states(till, before, after, waiting) == ["closed", "closed", "awaiting_payment"]
    assert [message.seq for message in messages_after(conversation_id=talker.conversation_id, after=0)] == [1, 2, 3, 4]
    assert till.violations() == {}
    till.wait(hours=1, minutes=16)
    sweep()
    sweep()
    assert states(till, waiting) == ["expired"]
    assert till.told().count("order_expired") == 1


def test_fault_18_a_signature_is_judged_by_the_clock_of_now(till: Till, shop: Shop, listing: int) -> None:
    order = shop.place(shop.a_shopper(), listing)
    payment = till.start(order)
    signed = till.notice(payment, 1000)
    before = shop.fingerprint()

    till.wait(hours=-1)
    from_the_future = till.receive(signed)

    assert (from_the_future.status, shop.fingerprint()) == (401, before)
    assert till.receive(till.notice(payment, 1000)).status == 200
    assert states(till, order) == ["paid"]


def test_fault_18_ids_stay_unique_and_no_duration_is_negative(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([10_000.0, 10_000.0 - 3600] * 5000)
    monkeypatch.setattr("core.ids.time.time_ns", lambda: int(next(seconds) * 10**9))

    assert len({new_id() for _ in range(10_000)}) == 10_000
    asked_again = next_poll(created_at=NOON, expires_at=NOON + timedelta(minutes=15), now=NOON - HOUR)
    assert asked_again == NOON - HOUR + timedelta(seconds=20)


def test_fault_18_between_two_measurements_the_clock_never_goes_back() -> None:
    said = iter([NOON, NOON - HOUR])
    clock = DatabaseClock(lambda: next(said))
    first, second = clock.now(), clock.now()

    clock.EVERY = -1.0  # the next look measures again
    third = clock.now()

    assert NOON <= first <= second < NOON + timedelta(seconds=5)
    assert NOON - HOUR <= third < NOON - HOUR + timedelta(seconds=5)


def test_fault_18_what_a_lost_worker_had_in_hand_goes_on_when_its_old_time_comes(
    till: Till, shop: Shop, listing: int
) -> None:
    order = shop.place(shop.a_shopper(), listing)
    till.pay(order)
    shop.sql("DELETE FROM keystall_task")
    shop.sql("UPDATE delivery SET state = 'sending', attempts = 1, lease_until = %s", [till.now + timedelta(minutes=1)])

    till.wait(hours=-1)
    at_once = enqueue_lost_deliveries(now=till.now)
    till.wait(hours=1, minutes=2)

    assert (at_once, enqueue_lost_deliveries(now=till.now)) == (0, 1)
    deliver_all(till)
    assert states(till, order) == ["closed"]
