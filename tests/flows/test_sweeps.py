"""What nobody asks for but time: each sweep changes what is due, once, and a repeat changes nothing."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from core import db
from core.clock import FixedClock
from core.conversations.cleaning import remove_expired
from core.db import in_transaction
from core.ids import new_id
from core.ledger.rules import AccountKind
from core.ledger.service import open_account
from core.orders.lost import enqueue_lost_deliveries
from core.orders.service import PlacedOrder, begin_sending, cancel_order, expire_due, lock_order, settle_order
from core.stock.marks import move_marks
from core.work import Work, decode
from ops.processes.rounds import in_parts, sweeps
from ops.processes.sweeps import Sweep, Sweeper, take_round
from tests.builders import NOON, Shop, later

Sql = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def as_worker(urls: dict[str, str], shop: Shop) -> Iterator[Shop]:
    """The builders, with the store connected as the worker."""
    db.connect(urls["worker"], size=8)
    yield shop
    db.disconnect()


def a_delivery(shop: Shop) -> UUID:
    """A settled order's delivery; its queue row is taken out, as a worker that died would have."""
    order = shop.place(shop.a_shopper(), shop.a_listing())
    clearing = open_account(
        kind=AccountKind.CLEARING, holder="gateway:1", counterparty=f"party:{shop.merchant}", currency="CNY"
    )
    settled = in_transaction(
        lambda: settle_order(
            order=lock_order(order_id=order.order_id),
            paid=order.total,
            from_account_id=clearing,
            policy=shop.policy,
            now=NOON,
        )
    )
    shop.sql("DELETE FROM keystall_task")
    return settled.delivery_ids[0]


def queue(shop: Shop) -> list[tuple[Work, UUID]]:
    return [decode(bytes(row[0])) for row in shop.sql("SELECT data FROM keystall_task ORDER BY id")]


def mark(shop: Shop, batch_no: int) -> tuple[int, int]:
    return shop.sql("SELECT low_pos, free_count FROM batch_mark WHERE batch_no = %s", [batch_no])[0]


def test_a_delivery_on_its_way_through_the_queue_is_left_alone(as_worker: Shop) -> None:
    as_worker.a_batch()
    a_delivery(as_worker)

    assert enqueue_lost_deliveries(now=NOON + timedelta(seconds=4)) == 0


def test_a_delivery_whose_queue_row_was_lost_is_queued_again_once(as_worker: Shop) -> None:
    as_worker.a_batch()
    delivery = a_delivery(as_worker)

    first, second = (enqueue_lost_deliveries(now=NOON + timedelta(seconds=6)) for _ in range(2))

    assert (first, second) == (1, 0)
    assert queue(as_worker) == [(Work.DELIVER, delivery)]


def test_a_delivery_whose_sender_died_is_queued_when_its_lease_has_ended(as_worker: Shop) -> None:
    as_worker.a_batch()
    delivery = a_delivery(as_worker)
    assert in_transaction(lambda: begin_sending(delivery_id=delivery, now=NOON)) is not None

    before, after = enqueue_lost_deliveries(now=later(0)), enqueue_lost_deliveries(now=later(1))

    assert (before, after) == (0, 1)
    assert queue(as_worker) == [(Work.DELIVER, delivery)]


def test_expired_orders_give_their_cards_back_once(as_worker: Shop) -> None:
    batch = as_worker.a_batch(cards=5)
    as_worker.place(as_worker.a_shopper(), as_worker.a_listing(), 2)

    early, due, again = expire_due(now=later(14)), expire_due(now=later(16)), expire_due(now=later(17))

    assert (early, due, again) == (0, 1, 0)
    assert as_worker.card_states(batch) == {"free": 5}


def test_the_mark_moves_to_the_least_free_pos(as_worker: Shop) -> None:
    batch = as_worker.a_batch(cards=6)
    positions = [row[0] for row in as_worker.sql("SELECT pos FROM card ORDER BY pos")]
    as_worker.place(as_worker.a_shopper(), as_worker.a_listing(), 2)

    assert move_marks(now=NOON, zone="Asia/Shanghai") == 1
    assert mark(as_worker, batch) == (positions[2], 4)
    assert move_marks(now=NOON, zone="Asia/Shanghai") == 0


def test_cards_given_back_stay_reachable_when_all_others_are_sold(as_worker: Shop) -> None:
    batch = as_worker.a_batch(cards=3)
    talker, listing = as_worker.a_shopper(), as_worker.a_listing()
    order = as_worker.place(talker, listing, 3)
    move_marks(now=NOON, zone="Asia/Shanghai")

    cancel_order(actor=talker.actor, order_id=order.order_id, now=NOON)
    move_marks(now=NOON, zone="Asia/Shanghai")

    least = as_worker.sql("SELECT min(pos) FROM card WHERE state = 'free'")[0][0]
    assert mark(as_worker, batch) == (least, 3)
    assert as_worker.place(talker, listing, 3).repeated is False


GIVE_BACK = "UPDATE card SET state = 'free', line_id = NULL, pos = nextval('card_pos') WHERE line_id IS NOT NULL"


def two_orders_hold_all_that_is_left(shop: Shop) -> PlacedOrder:
    """One order holds the first card, the one returned the next three; the other four are withdrawn."""
    shop.place(shop.a_shopper(), shop.a_listing(), 1)
    other = shop.place(shop.a_shopper(), shop.a_listing(), 3)
    shop.sql("UPDATE card SET state = 'withdrawn' WHERE state = 'free'")
    return other


def test_a_card_that_is_being_given_back_is_never_passed_by_the_mark(as_worker: Shop, urls: dict[str, str]) -> None:
    batch = as_worker.a_batch(cards=8)
    other = two_orders_hold_all_that_is_left(as_worker)
    with psycopg.connect(urls["worker"]) as open_one:
        open_one.execute(f"{GIVE_BACK} AND pos = (SELECT min(pos) FROM card WHERE line_id IS NOT NULL)")
        as_worker.sql("UPDATE hold SET state = 'released', settled_at = now() WHERE order_id = %s", [other.order_id])
        as_worker.sql(f"{GIVE_BACK} AND line_id IN (SELECT id FROM order_line WHERE order_id = %s)", [other.order_id])

        threading.Timer(0.3, open_one.commit).start()
        moved = move_marks(now=NOON, zone="Asia/Shanghai")

    assert moved == 1
    assert mark(as_worker, batch) == (as_worker.sql("SELECT min(pos) FROM card WHERE state = 'free'")[0][0], 4)


def test_control_one_look_alone_would_pass_it_by(as_worker: Shop, urls: dict[str, str]) -> None:
    as_worker.a_batch(cards=8)
    other = two_orders_hold_all_that_is_left(as_worker)
    with psycopg.connect(urls["worker"]) as open_one:
        open_one.execute(f"{GIVE_BACK} AND pos = (SELECT min(pos) FROM card WHERE line_id IS NOT NULL)")
        as_worker.sql(f"{GIVE_BACK} AND line_id IN (SELECT id FROM order_line WHERE order_id = %s)", [other.order_id])
        seen = as_worker.sql("SELECT min(pos) FROM card WHERE state = 'free'")[0][0]

    assert as_worker.sql("SELECT min(pos) FROM card WHERE state = 'free'")[0][0] < seen


def test_what_has_expired_is_removed_and_the_rest_stays(as_worker: Shop) -> None:
    talker, old = as_worker.a_shopper(), NOON - timedelta(days=8)
    for event, received, handled in (("new", NOON, NOON), ("stuck", old, None), ("ancient", NOON - timedelta(31), old)):
        as_worker.sql(
            "INSERT INTO inbox (source, event_id, conversation_id, body_hash, sealed_body, received_at, handled_at)"
            " VALUES ('s', %s, %s, '', 'sealed', %s, %s)",
            [event, talker.conversation_id, received, handled],
        )
    for number, expires in ((1, old), (2, later(1))):
        as_worker.sql(
            "INSERT INTO button (token_hash, conversation_id, intent, created_at, expires_at)"
            " VALUES (%s, %s, 'home', %s, %s)",
            [bytes([number]) * 32, talker.conversation_id, old, expires],
        )
    sessions = []
    for number, expires in ((1, old), (2, later(1))):
        sessions.append(new_id())
        as_worker.sql(
            "INSERT INTO chat_session (id, conversation_id, token_hash, answer_public_key, network, created_at,"
            " expires_at, seal) VALUES (%s, %s, %s, '', 'n', %s, %s, sha256(''))",
            [sessions[-1], talker.conversation_id, bytes([number]) * 32, old, expires],
        )
        as_worker.sql(
            "INSERT INTO sealed_answer (message_id, session_id, sealed, created_at) VALUES (7, %s, 'sealed', %s)",
            [sessions[-1], old],
        )

    first, second = remove_expired(now=NOON), remove_expired(now=NOON)

    assert (first, second) == (6, 0)  # two bodies, one event, one button, one answer, one session
    assert as_worker.sql("SELECT event_id, sealed_body IS NULL FROM inbox ORDER BY event_id") == [
        ("new", False),
        ("stuck", True),
    ]
    assert as_worker.count("button") == 1
    assert as_worker.sql("SELECT session_id FROM sealed_answer") == [(sessions[1],)]


def test_a_round_belongs_to_the_worker_that_takes_it_first(as_worker: Shop) -> None:
    sweep = Sweep("marks", 10, lambda now: 0)

    taken = [take_round(sweep, now=NOON + timedelta(seconds=at)) for at in (0, 0, 9, 10, 10)]

    assert taken == [True, False, False, True, False]


def test_a_clock_that_jumped_ahead_and_back_stops_no_sweep(as_worker: Shop) -> None:
    sweep = Sweep("marks", 10, lambda now: 0)
    take_round(sweep, now=NOON + timedelta(days=1))

    assert take_round(sweep, now=NOON)


def run_until(is_so: Callable[[], bool], sweeper: Sweeper, clock: FixedClock) -> None:
    """What the worker's thread does, for a minute at most; the store's clock runs along."""
    end = time.monotonic() + 60
    while not is_so() and time.monotonic() < end:
        sweeper.run_due()
        clock.move(timedelta(seconds=1))
        time.sleep(0.02)


def test_a_sweep_that_fails_hinders_no_other_and_is_tried_again(as_worker: Shop, clock: FixedClock) -> None:
    calls: list[str] = []

    def fails(now: datetime) -> int:
        calls.append("fails")
        raise ConnectionError

    def works(now: datetime) -> int:
        calls.append("works")
        return 0

    sweeper = Sweeper([Sweep("a", 0.02, fails), Sweep("b", 0.02, works)], clock=clock)
    run_until(lambda: calls.count("fails") >= 2 and calls.count("works") >= 4, sweeper, clock)

    assert calls.count("fails") >= 2
    assert calls.count("works") >= 4


def test_sweeps_live_through_a_database_that_ends_their_connections(as_worker: Shop, clock: FixedClock) -> None:
    done: list[int] = []
    sweeper = Sweeper([Sweep("a", 0.02, lambda now: done.append(1) or 0)], clock=clock)
    sweeper.run_due()
    as_worker.sql(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND usename = 'keystall_worker'",
        role="superuser",
    )

    run_until(lambda: len(done) >= 3, sweeper, clock)

    assert len(done) >= 3


def test_every_sweep_of_the_worker_runs_with_the_workers_rights(as_worker: Shop) -> None:
    as_worker.a_batch()
    a_delivery(as_worker)

    for sweep in sweeps(policy=as_worker.policy):
        with db.connection():
            sweep.run(later(60))

    assert len({sweep.name for sweep in sweeps(policy=as_worker.policy)}) == len(sweeps(policy=as_worker.policy))


def test_a_backlog_of_expired_orders_is_gone_after_one_round() -> None:
    left = [250]

    def part(now: datetime) -> int:
        done = min(100, left[0])
        left[0] -= done
        return done

    assert in_parts(part)(NOON) == 250
    assert left == [0]
