"""Races for money on real PostgreSQL, each with its control: without the protection the same race must break."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any

import pytest

from core.ledger import holds
from core.ledger import sql as ledger_sql
from core.money import Money
from core.orders import ending, locking
from core.orders import sql as order_sql
from core.orders.service import OrderPolicy, cancel_order, expire_due
from core.payments import notices, suspense, wallet
from core.payments import sql as payment_sql
from core.payments.service import (
    choose_exchange,
    choose_refund,
    decide_due,
    hold_wallet_part,
    pay_from_wallet,
    wallet_balance,
)
from core.risk.rules import HoldPolicy
from tests.builders import Shop
from tests.races.racing import at_once, failures
from tests.support.till import Till

CALLBACKS = 50
ORDERS = 10


@pytest.fixture
def till(shop: Shop) -> Till:
    shop.policy = OrderPolicy(holds=HoldPolicy(unpaid_per_shopper=50, share_percent=100))
    till = Till(shop)
    till.account()
    return till


def an_order(till: Till, *, talker: Any = None, cards: int = 20) -> Any:
    listing, _ = till.shop.a_listing(price=1000), till.shop.a_batch(cards=cards)
    return till.shop.place(talker or till.shop.a_shopper(), listing)


def fifty_times_the_same_notice(till: Till) -> list[Any]:
    order = an_order(till)
    raw = till.notice(till.start(order), 1000)
    return at_once([lambda: till.receive(raw).status for _ in range(CALLBACKS)])


def test_fifty_times_the_same_notice_at_once_deliver_once_and_are_all_answered(till: Till) -> None:
    """Fault 21, INV-O6: a payment event has one effect, however often it arrives."""
    answers = fifty_times_the_same_notice(till)

    assert answers == [200] * CALLBACKS
    assert (till.shop.count("delivery"), len(till.queued("deliver")), till.told()) == (1, 1, ["paid"])
    assert till.balances() == {"clearing": -1000, "fee": 10, "pending": 990}
    assert till.violations() == {}


def test_control_without_the_events_unique_key_one_payment_is_booked_many_times(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.shop.sql(
        "ALTER TABLE payment_event DROP CONSTRAINT payment_event_gateway_account_id_external_id_kind_key CASCADE"
    )
    naive = payment_sql.RECORD_PAID.replace("ON CONFLICT (gateway_account_id, external_id, kind) DO NOTHING", "")
    meeting, looked = threading.Barrier(CALLBACKS, timeout=30), notices.find_desk
    monkeypatch.setattr(payment_sql, "RECORD_PAID", naive)

    def look(**where: Any) -> Any:
        desk = looked(**where)
        with contextlib.suppress(threading.BrokenBarrierError):
            meeting.wait(timeout=2)  # there are fewer connections than callbacks
        return desk

    monkeypatch.setattr(notices, "find_desk", look)

    fifty_times_the_same_notice(till)

    assert till.shop.count("payment_event") > 1
    assert till.balances()["clearing"] < -1000


def one_balance_for_ten_orders(till: Till) -> tuple[Any, list[Any]]:
    talker = till.shop.a_shopper()
    till.fill_wallet(talker, 1000)
    orders = [an_order(till, talker=talker) for _ in range(ORDERS)]

    def pay(order: Any) -> Any:
        return pay_from_wallet(actor=talker.actor, order_id=order.order_id, submission_id=str(order), now=till.now)

    return talker, at_once([lambda one=order: pay(one) for order in orders])


def test_inv_m4_the_last_balance_pays_one_of_ten_orders(till: Till) -> None:
    talker, results = one_balance_for_ten_orders(till)

    assert failures(results) == ["NotEnough"] * (ORDERS - 1)
    assert wallet_balance(actor=talker.actor, currency="CNY") == Money(0, "CNY")
    assert till.shop.sql("SELECT count(*) FROM shop_order WHERE state = 'paid'") == [(1,)]
    assert till.violations() == {}


def test_control_without_the_floor_the_last_balance_pays_more_than_once(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.shop.sql("ALTER TABLE account DROP CONSTRAINT account_floor")
    monkeypatch.setattr(ledger_sql, "TOUCH", ledger_sql.TOUCH.replace("AND balance + change - aside >= floor", ""))
    read_before = wallet._payable

    def read_then_trust(actor: Any, order_id: Any, now: Any) -> Any:
        order = read_before(actor, order_id, now)
        if wallet_balance(actor=actor, currency="CNY").minor < order.total.minor:  # what people write instead
            raise wallet.NotEnough
        time.sleep(0.2)
        return order

    monkeypatch.setattr(wallet, "_payable", read_then_trust)

    talker, results = one_balance_for_ten_orders(till)

    assert len(failures(results)) < ORDERS - 1
    assert wallet_balance(actor=talker.actor, currency="CNY").minor < 0


def cancel_meets_notice(till: Till, *, head_start: float) -> tuple[Any, Any, list[Any]]:
    """Both at once; a positive head start (seconds) is the cancellation's, a negative one the money's."""
    talker = till.shop.a_shopper()
    order = an_order(till, talker=talker, cards=2)
    payment = till.start(order)
    till.shop.sql("UPDATE card SET state = 'withdrawn' WHERE state = 'free'")
    raw = till.notice(payment, 1000)

    def cancel() -> bool:
        time.sleep(max(0.0, -head_start))
        return cancel_order(actor=talker.actor, order_id=order.order_id, now=till.now)

    def pay() -> int:
        time.sleep(max(0.0, head_start))
        return till.receive(raw).status

    return order, payment, at_once([cancel, pay])


@pytest.mark.parametrize("head_start", [0.0, 0.003, -0.003, 0.05, -0.05])
def test_cancelling_while_the_money_arrives_ends_sold_and_nothing_goes_back(till: Till, head_start: float) -> None:
    """Fault 62: delivered or sent back, whoever comes first."""
    order, payment, results = cancel_meets_notice(till, head_start=head_start)

    assert results[1] == 200
    assert (till.payment_state(payment), till.order_state(order)) == ("succeeded", "paid")
    assert till.shop.count("delivery") == 1
    assert (till.events(), till.queued("refund")) == ([("order", None, None)], [])
    assert till.violations() == {}


def test_control_without_the_orders_lock_a_cancelled_order_is_delivered(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = threading.Barrier(2, timeout=20)
    read = locking.execute

    def unlocked(statement: str, params: Any = ()) -> Any:
        if "FOR NO KEY UPDATE" not in statement:
            return read(statement, params)
        rows = read(statement.replace("FOR NO KEY UPDATE", ""), params)
        meeting.wait()
        return rows

    def unlocked_and_slow(statement: str, params: Any = ()) -> Any:
        rows = unlocked(statement, params)
        if "FOR NO KEY UPDATE" in statement:
            time.sleep(0.3)
        return rows

    monkeypatch.setattr(ending, "execute", unlocked_and_slow)
    monkeypatch.setattr(order_sql, "END_UNPAID", order_sql.END_UNPAID.replace("AND state = 'awaiting_payment'", ""))

    talker = till.shop.a_shopper()
    order = an_order(till, talker=talker, cards=2)
    raw = till.notice(till.start(order), 1000)
    monkeypatch.setattr(locking, "execute", unlocked)
    at_once(
        [
            lambda: cancel_order(actor=talker.actor, order_id=order.order_id, now=till.now),
            lambda: till.receive(raw).status,
        ]
    )

    assert till.order_state(order) == "cancelled"
    assert till.shop.count("delivery") == 1


def test_cancelling_twenty_times_at_once_gives_held_money_back_once(till: Till) -> None:
    """Fault 61: one release, however often it is asked for."""
    talker = till.shop.a_shopper()
    till.fill_wallet(talker, 700)
    order = an_order(till, talker=talker)
    hold_wallet_part(actor=talker.actor, order_id=order.order_id, amount=Money(400, "CNY"), now=till.now)

    results = at_once(
        [lambda: cancel_order(actor=talker.actor, order_id=order.order_id, now=till.now) for _ in range(20)]
    )

    assert sorted(results) == [False] * 19 + [True]
    assert wallet_balance(actor=talker.actor, currency="CNY") == Money(700, "CNY")
    assert till.shop.sql("SELECT count(*) FROM transfer WHERE code = 'release'") == [(1,)]
    assert till.violations() == {}


def test_control_without_its_state_held_money_comes_back_many_times(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.shop.sql("ALTER TABLE account DROP CONSTRAINT account_floor")
    till.shop.sql("DROP TRIGGER money_hold_once ON money_hold")
    monkeypatch.setattr(ledger_sql, "TOUCH", ledger_sql.TOUCH.replace("AND balance + change - aside >= floor", ""))
    monkeypatch.setattr(ledger_sql, "RELEASE_HOLD", ledger_sql.RELEASE_HOLD.replace("AND state = 'open'", ""))
    talker = till.shop.a_shopper()
    till.fill_wallet(talker, 700)
    order = an_order(till, talker=talker)
    hold_wallet_part(actor=talker.actor, order_id=order.order_id, amount=Money(400, "CNY"), now=till.now)

    at_once([lambda: holds.release(order_ids=[order.order_id], now=till.now) for _ in range(20)])

    assert wallet_balance(actor=talker.actor, currency="CNY") == Money(300 + 20 * 400, "CNY")


def everyone_decides_about_late_money(till: Till) -> tuple[Any, list[Any]]:
    talker = till.shop.a_shopper()
    order = an_order(till, talker=talker, cards=2)
    payment = till.start(order)
    till.wait(minutes=16)
    expire_due(now=till.now)
    till.shop.sql("UPDATE card SET state = 'withdrawn' WHERE state = 'free'")
    till.receive(till.notice(payment, 1000))
    event = till.shop.sql("SELECT id FROM payment_event")[0][0]
    till.wait(hours=25)
    deciders = [
        lambda: choose_refund(actor=talker.actor, event_id=event, now=till.now),
        lambda: choose_exchange(actor=talker.actor, event_id=event, now=till.now),
        lambda: decide_due(now=till.now),
    ]
    return talker, at_once(deciders * 4)


def test_late_money_goes_one_way_whoever_decides_at_once(till: Till) -> None:
    talker, results = everyone_decides_about_late_money(till)

    assert set(failures(results)) <= {"AlreadyDecided"}
    assert till.shop.count("refund") == 1
    to_wallet = till.shop.sql("SELECT to_wallet FROM refund")[0][0]
    assert wallet_balance(actor=talker.actor, currency="CNY").minor == (1000 if to_wallet else 0)
    assert len(till.queued("refund")) == (0 if to_wallet else 1)
    assert till.violations() == {}


def test_control_without_the_first_decision_late_money_goes_two_ways(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.shop.sql("DROP INDEX refund_once_per_event")
    naive = payment_sql.RESOLVE.replace("AND resolved_at IS NULL", "")
    monkeypatch.setattr(payment_sql, "RESOLVE", naive)
    decided = suspense.changed

    def slowly(statement: str, params: Any = ()) -> int:
        time.sleep(0.1)  # everyone has read that nobody decided
        return decided(statement, params)

    monkeypatch.setattr(suspense, "changed", slowly)

    everyone_decides_about_late_money(till)

    assert till.shop.count("refund") > 1
