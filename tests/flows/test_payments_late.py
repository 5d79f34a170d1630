"""Late money, double money, and money back: nothing is lost, nothing goes twice (faults 4, 31, 32)."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.errors import NotFound
from core.orders.rules import OrderStatus
from core.orders.service import cancel_order, expire_due, order_view
from core.payments.rules import AlreadyDecided
from core.payments.service import (
    carry_out_refund,
    choose_exchange,
    choose_refund,
    decide_due,
    reconcile_due,
    refund_due,
    start_payment,
    wallet_balance,
)
from core.ports import Outcome
from tests.builders import Shop
from tests.support.crash import at_every_step
from tests.support.till import ScriptedGateway, Till


@pytest.fixture
def order(shop: Shop, talker):
    """A placed order for the only card there is, over 10.00 CNY."""
    listing, _ = shop.a_listing(price=1000), shop.a_batch(cards=2)
    return shop.place(talker, listing, 1)


def expired(till: Till) -> None:
    till.wait(minutes=16)
    assert expire_due(now=till.now) == 1


def take_all_cards(till: Till) -> None:
    till.shop.sql("UPDATE card SET state = 'withdrawn' WHERE state = 'free'")


def late_money(till: Till, order) -> tuple[UUID, UUID]:
    """An order expires, its cards are gone, then its money comes: (payment, event)."""
    payment = till.start(order)
    expired(till)
    take_all_cards(till)
    till.receive(till.notice(payment, 1000))
    return payment, till.shop.sql("SELECT id FROM payment_event")[0][0]


def test_money_for_an_expired_order_holds_cards_again_and_delivers(till: Till, order) -> None:
    """Fault 31: late money is used if there are cards."""
    payment = till.start(order)
    expired(till)

    till.receive(till.notice(payment, 1000))

    assert (till.payment_state(payment), till.order_state(order)) == ("succeeded", "paid")
    assert till.shop.card_states() == {"free": 1, "claimed": 1}
    assert till.told() == ["order_expired", "paid"]
    assert till.violations() == {}


def test_money_for_a_cancelled_order_holds_cards_again_and_delivers(till: Till, order, talker) -> None:
    payment = till.start(order)
    cancel_order(actor=talker.actor, order_id=order.order_id, now=till.now)

    till.receive(till.notice(payment, 1000))

    assert (till.payment_state(payment), till.order_state(order)) == ("succeeded", "paid")
    assert till.violations() == {}


def test_late_money_without_cards_waits_for_the_shoppers_choice(till: Till, order) -> None:
    """Fault 31: without cards the shopper decides."""
    payment, event = late_money(till, order)

    assert (till.payment_state(payment), till.order_state(order)) == ("succeeded", "expired")
    assert till.events() == [("suspense", "late", None)]
    assert till.shop.sql("SELECT kind, body ->> 'event' FROM message ORDER BY id DESC LIMIT 1") == [
        ("late_money", str(event))
    ]
    assert till.balances() == {"clearing": -1000, "suspense": 1000}
    assert (till.queued("refund"), till.queued("deliver")) == ([], [])
    assert till.violations() == {}


def test_refund_of_late_money_by_choice_goes_back_to_its_source_once(till: Till, order, talker) -> None:
    payment, event = late_money(till, order)
    gateway = ScriptedGateway([Outcome.YES])

    choose_refund(actor=talker.actor, event_id=event, now=till.now)
    with pytest.raises(AlreadyDecided):
        choose_refund(actor=talker.actor, event_id=event, now=till.now)
    with pytest.raises(AlreadyDecided):
        choose_exchange(actor=talker.actor, event_id=event, now=till.now)
    (refund,) = till.queued("refund")
    first = carry_out_refund(refund_id=refund, gateways={"sandbox": gateway}, now=till.now)
    again = carry_out_refund(refund_id=refund, gateways={"sandbox": gateway}, now=till.now)

    assert (first, again, gateway.asked) == (Outcome.YES, None, [refund])
    assert (till.payment_state(payment), till.order_state(order)) == ("refunded", "returned")
    assert order_view(actor=talker.actor, order_id=order.order_id).status is OrderStatus.REFUNDED
    assert till.told()[-1] == "refunded"
    assert till.balances() == {}
    assert till.violations() == {}


def test_exchange_of_late_money_by_choice_fills_the_wallet(till: Till, order, talker) -> None:
    payment, event = late_money(till, order)

    choose_exchange(actor=talker.actor, event_id=event, now=till.now)
    with pytest.raises(AlreadyDecided):
        choose_refund(actor=talker.actor, event_id=event, now=till.now)

    assert wallet_balance(actor=talker.actor, currency="CNY").minor == 1000
    assert (till.payment_state(payment), till.order_state(order)) == ("refunded", "returned")
    assert till.queued("refund") == []
    assert till.balances() == {"clearing": -1000, "wallet": 1000}
    assert till.violations() == {}


def test_late_money_nobody_decides_about_goes_back_after_24_hours(till: Till, order) -> None:
    late_money(till, order)
    till.wait(hours=23, minutes=59)
    too_early = decide_due(now=till.now)
    till.wait(minutes=2)

    on_time, again = decide_due(now=till.now), decide_due(now=till.now)

    assert (too_early, on_time, again) == (0, 1, 0)
    assert till.events() == [("suspense", "late", "refund")]
    assert len(till.queued("refund")) == 1
    assert till.violations() == {}


def test_another_shopper_cannot_decide_about_late_money(till: Till, order, shop: Shop) -> None:
    _, event = late_money(till, order)
    stranger = shop.a_shopper()
    before = shop.fingerprint()

    for choose in (choose_refund, choose_exchange):
        with pytest.raises(NotFound):
            choose(actor=stranger.actor, event_id=event, now=till.now)

    assert shop.fingerprint() == before


def test_a_second_transaction_for_the_same_payment_goes_back_at_once(till: Till, order) -> None:
    """Fault 32: the second goes back."""
    payment = till.pay(order)
    till.wait(seconds=1)

    till.receive(till.notice(payment, 1000, transaction="sbx_second"))
    (refund,) = till.queued("refund")
    carry_out_refund(refund_id=refund, gateways={"sandbox": ScriptedGateway([Outcome.YES])}, now=till.now)

    assert till.events()[1] == ("suspense", "already_paid", "refund")
    assert (till.payment_state(payment), till.order_state(order)) == ("succeeded", "paid")
    assert len(till.queued("deliver")) == 1
    assert till.balances() == {"clearing": -1000, "fee": 10, "pending": 990}
    assert till.violations() == {}


def test_an_order_paid_at_two_gateways_keeps_the_first_and_returns_the_second(till: Till, order) -> None:
    """Fault 32: the second goes back."""
    second_account, _ = till.account("second")
    first = till.start(order)
    second = start_payment(order_id=order.order_id, gateway_account_id=second_account, now=till.now)
    till.receive(till.notice(first, 1000))
    till.wait(seconds=1)

    till.receive(till.notice(second, 1000, account="second"), account="second")
    (refund,) = till.queued("refund")
    carry_out_refund(refund_id=refund, gateways={"sandbox": ScriptedGateway([Outcome.YES])}, now=till.now)

    assert (till.payment_state(first), till.payment_state(second)) == ("succeeded", "refunded")
    assert till.order_state(order) == "paid"
    assert len(till.queued("deliver")) == 1
    assert till.violations() == {}


def test_a_refund_whose_answer_is_lost_is_asked_again_under_the_same_id(till: Till, order, talker) -> None:
    payment, event = late_money(till, order)
    choose_refund(actor=talker.actor, event_id=event, now=till.now)
    (refund,) = till.queued("refund")
    gateway = ScriptedGateway([Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.YES])

    first = carry_out_refund(refund_id=refund, gateways={"sandbox": gateway}, now=till.now)
    too_soon = carry_out_refund(refund_id=refund, gateways={"sandbox": gateway}, now=till.now)
    till.wait(minutes=1)
    second = carry_out_refund(refund_id=refund, gateways={"sandbox": gateway}, now=till.now)
    till.wait(minutes=1)
    third = carry_out_refund(refund_id=refund, gateways={"sandbox": gateway}, now=till.now)

    assert (first, too_soon, second, third) == (Outcome.UNKNOWN, None, Outcome.UNKNOWN, Outcome.YES)
    assert gateway.asked == [refund, refund, refund]
    assert till.payment_state(payment) == "refunded"
    assert till.violations() == {}


def test_where_the_rail_cannot_refund_the_money_goes_to_the_wallet(till: Till, order, talker) -> None:
    _, event = late_money(till, order)
    choose_refund(actor=talker.actor, event_id=event, now=till.now)
    (refund,) = till.queued("refund")

    carry_out_refund(refund_id=refund, gateways={"sandbox": ScriptedGateway([Outcome.NO])}, now=till.now)

    assert till.shop.sql("SELECT state, to_wallet FROM refund ORDER BY created_at, to_wallet") == [
        ("failed", False),
        ("succeeded", True),
    ]
    assert wallet_balance(actor=talker.actor, currency="CNY").minor == 1000
    assert till.order_state(order) == "returned"
    assert till.violations() == {}


def test_a_kill_at_any_step_of_a_refund_still_refunds_exactly_once(till: Till, order, talker, urls) -> None:
    """Fault 4: killed before each statement in turn."""
    payment, event = late_money(till, order)
    external_id = till.shop.sql("SELECT external_id FROM payment_event")[0][0]
    charge = [payment, till.account()[1], external_id]
    till.shop.sql("INSERT INTO sandbox_charge VALUES (%s, %s, %s, 1000, 'CNY', now(), now())", charge)
    choose_refund(actor=talker.actor, event_id=event, now=till.now)
    (refund,) = till.queued("refund")

    def work() -> None:
        carry_out_refund(refund_id=refund, gateways={"sandbox": till.gateway}, now=till.now)

    kills = 0
    for _ in at_every_step(work, url=urls["worker"]):
        kills += 1
        till.wait(seconds=61)  # the lease of the killed worker ends

    assert kills >= 5
    assert till.shop.sql("SELECT refund_id, amount_minor FROM sandbox_refund") == [(refund, 1000)]
    assert till.shop.sql("SELECT state FROM refund") == [("succeeded",)]
    assert till.payment_state(payment) == "refunded"
    assert till.told().count("refunded") == 1
    assert till.balances() == {}
    assert till.violations() == {}


def test_a_refund_that_nobody_sends_is_found_again(till: Till, order, talker) -> None:
    """Fault 4: a sweep finds what a dead worker left."""
    _, event = late_money(till, order)
    choose_refund(actor=talker.actor, event_id=event, now=till.now)
    till.shop.sql("DELETE FROM keystall_task")

    at_once = refund_due(now=till.now)
    till.wait(minutes=2)
    later = refund_due(now=till.now)

    assert (at_once, later, len(till.queued("refund"))) == (0, 1, 1)


def test_reconciled_events_and_refunds_leave_clearing_for_the_world(till: Till, order, talker) -> None:
    _, event = late_money(till, order)
    till.wait(minutes=2)

    first = reconcile_due(now=till.now)
    after_payment = till.balances()
    choose_refund(actor=talker.actor, event_id=event, now=till.now)
    (refund,) = till.queued("refund")
    carry_out_refund(refund_id=refund, gateways={"sandbox": ScriptedGateway([Outcome.YES])}, now=till.now)
    after_refund = till.balances()
    till.wait(minutes=2)
    second, third = reconcile_due(now=till.now), reconcile_due(now=till.now)

    assert (first, second, third) == (1, 1, 0)
    assert after_payment == {"suspense": 1000, "world": -1000}
    assert after_refund == {"clearing": 1000, "world": -1000}
    assert till.balances() == {}
    assert till.violations() == {}
