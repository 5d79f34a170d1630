"""Stars that go back: paid twice, too late, given back by somebody else (faults 35 and 36)."""

from __future__ import annotations

import pytest

from channels.pay.stars import StarsProblem
from core.money import Money
from core.orders.service import expire_due
from core.payments.late import decide_due
from core.payments.service import (
    Booked,
    choose_exchange,
    choose_refund,
    wallet_balance,
)
from core.ports import Outcome
from tests.builders import Shop
from tests.support.stars import StarsTill, a_stars_till
from tests.support.till import Till


@pytest.fixture
def stars(till: Till) -> StarsTill:
    return a_stars_till(till)


@pytest.fixture
def order(shop: Shop, stars: StarsTill):
    """A placed order over 10.00 CNY for one card of ten, in the bot's chat: 72 Stars at 0.14 CNY."""
    listing, _ = shop.a_listing(price=1000), shop.a_batch(cards=10)
    return shop.place(stars.buyer, listing)


def balance(stars: StarsTill) -> Money:
    return wallet_balance(actor=stars.buyer.actor, currency="CNY")


def test_a_bill_paid_twice_sends_the_second_payment_back_to_its_source(stars: StarsTill, order) -> None:
    """Fault 35: two charge ids of one invoice."""
    payment = stars.pay(order)
    second = stars.charge(payment)

    answer = stars.tell_paid(payment, second)
    sent = stars.send_refunds()

    assert answer is Booked.SUSPENSE
    assert stars.till.events() == [("order", None, None), ("suspense", "already_paid", "refund")]
    assert (sent, stars.telegram.given_back) == ([Outcome.YES], [second])
    assert stars.till.balances("XTR") == {"clearing": -72, "exchange": 72}
    assert stars.till.order_state(order) == "paid"
    assert stars.till.violations() == {}


def test_a_refund_whose_answer_was_lost_is_found_done_and_counts_once(stars: StarsTill, order) -> None:
    """Fault 36: the call times out after success; CHARGE_ALREADY_REFUNDED is a success."""
    payment = stars.pay(order)
    second = stars.charge(payment)
    stars.tell_paid(payment, second)
    stars.telegram.after = [StarsProblem(None, "no answer in time")]

    first = stars.send_refunds()
    stars.till.wait(minutes=5)
    again = stars.send_refunds()

    assert (first, again) == ([Outcome.UNKNOWN], [Outcome.YES])
    assert (stars.telegram.asked, stars.telegram.given_back) == ([second, second], [second])
    assert stars.shop.sql("SELECT state, to_wallet, amount_minor FROM refund") == [("succeeded", False, 72)]
    assert balance(stars) == Money(0, "CNY")
    assert stars.till.violations() == {}


@pytest.mark.parametrize(
    ("status", "outcome", "state"),
    [
        pytest.param(429, Outcome.UNKNOWN, "unknown", id="a flood limit"),
        pytest.param(500, Outcome.UNKNOWN, "unknown", id="an outage"),
        pytest.param(401, Outcome.UNKNOWN, "unknown", id="a token that is wrong for now"),
        pytest.param(None, Outcome.UNKNOWN, "unknown", id="no answer"),
        pytest.param(400, Outcome.NO, "failed", id="a certain no"),
    ],
)
def test_only_a_certain_no_of_telegram_ends_a_refund(stars: StarsTill, order, status, outcome, state) -> None:
    payment = stars.pay(order)
    stars.tell_paid(payment, stars.charge(payment))
    stars.gateway.read_statement(stars.account.id)
    stars.telegram.problems = [StarsProblem(status, "Bad Request: BALANCE_TOO_LOW")]

    assert stars.send_refunds() == [outcome]

    assert stars.shop.sql("SELECT state FROM refund WHERE NOT to_wallet") == [(state,)]
    assert balance(stars) == Money(1000 if outcome is Outcome.NO else 0, "CNY")
    assert stars.till.violations() == {}


def test_a_refund_of_a_charge_that_telegram_does_not_show_fills_no_wallet(stars: StarsTill, order) -> None:
    """An update that somebody made up: its refund is never answered with a certain no."""
    payment = stars.pay(order)
    stars.tell_paid(payment, "stx_made_up")

    assert stars.send_refunds() == [Outcome.UNKNOWN]
    assert stars.telegram.asked == []
    assert balance(stars) == Money(0, "CNY")


def test_a_part_of_stars_goes_to_the_wallet_and_the_whole_to_its_source(stars: StarsTill, order) -> None:
    payment = stars.pay(order)
    stars.tell_paid(payment, stars.charge(payment))
    stars.shop.sql("UPDATE refund SET amount_minor = 18")

    assert stars.send_refunds() == [Outcome.NO]

    assert (stars.telegram.asked, balance(stars)) == ([], Money(250, "CNY"))  # 1000 * 18 / 72
    assert stars.till.balances("XTR") == {"clearing": -144, "exchange": 90, "suspense": 54}
    assert stars.till.violations() == {}


def too_late(stars: StarsTill, order):
    """Stars for an expired order whose cards are gone; returns the event."""
    payment = stars.bill(order)
    stars.till.wait(minutes=16)
    expire_due(now=stars.now)
    stars.shop.sql("UPDATE card SET state = 'withdrawn'")
    stars.tell_paid(payment, stars.charge(payment))
    assert stars.till.events() == [("suspense", "late", None)]
    return stars.shop.sql("SELECT id FROM payment_event")[0][0]


def test_late_stars_are_exchanged_into_the_wallet_at_the_frozen_rate(stars: StarsTill, order) -> None:
    event = too_late(stars, order)
    stars.shop.sql("UPDATE gateway_account SET settings = jsonb_set(settings, '{rate,minor}', '99')")

    added = choose_exchange(actor=stars.buyer.actor, event_id=event, now=stars.now)

    assert (added, balance(stars)) == (Money(1000, "CNY"), Money(1000, "CNY"))
    assert stars.till.balances("XTR") == {"clearing": -72, "exchange": 72}
    assert stars.till.balances("CNY") == {"exchange": -1000, "wallet": 1000}
    told = stars.shop.sql("SELECT body FROM message WHERE kind = 'refunded'")[0][0]
    assert (told["amount_minor"], told["currency"], told["to_wallet"]) == (1000, "CNY", True)
    assert stars.till.violations() == {}


def test_late_stars_go_back_whole_by_choice_or_after_a_day(stars: StarsTill, order) -> None:
    event = too_late(stars, order)

    choose_refund(actor=stars.buyer.actor, event_id=event, now=stars.now)
    stars.till.wait(hours=25)
    decided = decide_due(now=stars.now)
    sent = stars.send_refunds()

    assert (decided, sent, len(stars.telegram.given_back)) == (0, [Outcome.YES], 1)
    assert (stars.till.order_state(order), stars.till.balances("XTR"), balance(stars)) == (
        "returned",
        {},
        Money(0, "CNY"),
    )
    told = stars.shop.sql("SELECT body FROM message WHERE kind = 'refunded'")[0][0]
    assert (told["amount_minor"], told["currency"]) == (72, "XTR")
    assert stars.till.violations() == {}


def test_our_own_refund_that_telegram_tells_of_changes_nothing(stars: StarsTill, order) -> None:
    payment = stars.pay(order)
    second = stars.charge(payment)
    stars.tell_paid(payment, second)
    stars.send_refunds()
    before = stars.shop.fingerprint()

    assert stars.tell_refunded(payment, second) is None
    assert stars.shop.fingerprint() == before


def test_stars_that_somebody_else_gave_back_are_taken_off_and_stop_what_is_not_delivered(
    stars: StarsTill, order
) -> None:
    """Fault 23, after the payment."""
    payment = stars.bill(order)
    charge = stars.charge(payment)
    stars.tell_paid(payment, charge)
    stars.till.wait(seconds=1)

    answers = [stars.tell_refunded(payment, charge) for _ in range(2)]

    assert answers == [Booked.SUSPENSE, Booked.BEFORE]
    assert stars.till.payment_state(payment) == "refunded"
    assert stars.shop.sql("SELECT state FROM delivery") == [("waiting",)]
    assert stars.till.violations() == {}
