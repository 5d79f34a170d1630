"""An order in yuan paid in Telegram Stars: the bill, the money, and how it is found when nobody tells."""

from __future__ import annotations

import json

import pytest

from channels.pay.stars import StarsProblem
from core.errors import Invalid
from core.ids import Prefix, public
from core.money import Money, Rate
from core.orders.service import expire_due
from core.payments.service import (
    Booked,
    PrecheckRefusal,
    hold_wallet_part,
    join_due,
    make_intent,
    poll_due,
    receive_successful_payment,
    reconcile_due,
    stars_price,
    start_stars_topup,
    wallet_balance,
)
from core.ports import Outcome
from tests.builders import Shop
from tests.support.stars import USER, StarsTill, a_stars_till
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


def test_an_order_in_yuan_is_offered_and_billed_in_stars_rounded_up(stars: StarsTill, order) -> None:
    price = stars_price(actor=stars.buyer.actor, order_id=order.order_id)
    payment = stars.bill(order)

    assert price == Money(72, "XTR")  # 1000 / 14 is 71.4
    columns = "amount_minor, currency, worth_minor, worth_currency, rate_minor, rate_units, rate_at, state"
    assert stars.shop.sql(f"SELECT {columns} FROM payment") == [(72, "XTR", 1000, "CNY", 14, 1, stars.now, "pending")]
    (bill,) = stars.telegram.invoices
    assert (bill["chat"], bill["amount"], bill["payload"]) == (USER, 72, public(Prefix.PAYMENT, payment))
    assert bill["title"] == "商品 A1 × 1"
    assert public(Prefix.ORDER, order.order_id) in str(bill["description"])


def test_pressing_ten_times_sends_one_bill(stars: StarsTill, order) -> None:
    """Fault 39: one payment, one message."""
    payments = {stars.bill(order) for _ in range(10)}

    assert len(payments) == 1
    assert len(stars.telegram.invoices) == 1
    assert len(stars.till.queued("start_payment")) == 1


def test_stars_settle_an_order_in_two_balanced_sets_of_transfers(stars: StarsTill, order) -> None:
    payment = stars.bill(order)
    charge = stars.charge(payment)

    answer = stars.tell_paid(payment, charge)

    assert answer is Booked.ORDER
    assert (stars.till.payment_state(payment), stars.till.order_state(order)) == ("succeeded", "paid")
    assert stars.till.balances("XTR") == {"clearing": -72, "exchange": 72}
    assert stars.till.balances("CNY") == {"exchange": -1000, "fee": 10, "pending": 990}
    assert stars.shop.sql("SELECT paid_minor, currency FROM shop_order") == [(1000, "CNY")]
    assert len(stars.till.queued("deliver")) == 1
    assert stars.till.violations() == {}

    stars.till.wait(minutes=2)
    reconcile_due(now=stars.now)
    assert stars.till.balances("XTR") == {"exchange": 72, "world": -72}
    assert stars.till.violations() == {}


def test_the_same_update_again_changes_nothing(stars: StarsTill, order) -> None:
    """Fault 37: an update that Telegram sends again is booked once, on its charge id (INV-O6)."""
    payment = stars.bill(order)
    charge = stars.charge(payment)
    stars.tell_paid(payment, charge)
    before = stars.shop.fingerprint()

    answers = {stars.tell_paid(payment, charge) for _ in range(3)}

    assert answers == {Booked.BEFORE}
    assert stars.shop.fingerprint() == before


def test_the_raw_update_is_kept_as_it_came(stars: StarsTill, order) -> None:
    payment = stars.bill(order)
    charge = stars.charge(payment)

    stars.tell_paid(payment, charge)

    assert bytes(stars.shop.sql("SELECT body FROM payment_event")[0][0]) == stars.update(payment, charge)


@pytest.mark.parametrize(
    ("amount", "currency", "reason"),
    [(71, "XTR", "other_amount"), (1000, "CNY", "other_currency"), (1, "XTR", "other_amount")],
)
def test_another_amount_or_currency_is_booked_aside(stars: StarsTill, order, amount, currency, reason) -> None:
    """Faults 27 and 28, INV-M13."""
    payment = stars.bill(order)

    answer = stars.tell_paid(payment, "stx1", amount=amount, currency=currency)

    assert answer is Booked.SUSPENSE
    assert stars.till.events() == [("suspense", reason, None)]
    assert (stars.till.payment_state(payment), stars.till.order_state(order)) == ("review", "awaiting_payment")
    assert stars.till.violations() == {}


def test_late_stars_hold_the_cards_again(stars: StarsTill, order) -> None:
    """Fault 31: money for an expired order."""
    payment = stars.bill(order)
    stars.till.wait(minutes=16)
    expire_due(now=stars.now)

    stars.tell_paid(payment, stars.charge(payment))

    assert stars.till.order_state(order) == "paid"
    assert stars.till.violations() == {}


def test_stars_pay_the_rest_beside_wallet_money(stars: StarsTill, order) -> None:
    stars.till.fill_wallet(stars.buyer, 700)
    hold_wallet_part(actor=stars.buyer.actor, order_id=order.order_id, amount=Money(700, "CNY"), now=stars.now)

    payment = stars.bill(order)
    refused = stars.checked(payment)
    stars.tell_paid(payment, stars.charge(payment))

    assert (refused, stars.stars_of(payment)) == (None, 22)  # 300 / 14 is 21.4
    assert stars.till.order_state(order) == "paid"
    assert stars.shop.sql("SELECT paid_minor FROM shop_order") == [(1000,)]
    assert stars.till.balances("XTR") == {"clearing": -22, "exchange": 22}
    assert stars.till.violations() == {}


def test_a_bill_from_before_wallet_money_was_set_aside_is_refused_before_it_is_paid(stars: StarsTill, order) -> None:
    payment = stars.bill(order)
    stars.till.fill_wallet(stars.buyer, 700)
    hold_wallet_part(actor=stars.buyer.actor, order_id=order.order_id, amount=Money(700, "CNY"), now=stars.now)

    assert stars.checked(payment) is PrecheckRefusal.OTHER_PRICE
    stars.tell_paid(payment, stars.charge(payment))  # all the same: the whole order was paid
    assert stars.till.order_state(order) == "paid"
    assert balance(stars) == Money(700, "CNY")
    assert stars.till.violations() == {}


def test_a_wallet_is_filled_by_stars_with_what_was_asked_for(stars: StarsTill) -> None:
    payment = start_stars_topup(
        actor=stars.buyer.actor,
        conversation_id=stars.buyer.conversation_id,
        worth=Money(5000, "CNY"),
        keys=stars.shop.keys,
        now=stars.now,
    )
    make_intent(payment_id=payment, gateways={"stars": stars.gateway}, now=stars.now)
    refused = stars.checked(payment)

    answer = stars.tell_paid(payment, stars.charge(payment))
    second = stars.tell_paid(payment, stars.charge(payment))

    assert (refused, answer, second) == (None, Booked.WALLET, Booked.SUSPENSE)
    assert (stars.telegram.invoices[0]["amount"], balance(stars)) == (358, Money(5000, "CNY"))
    assert stars.send_refunds() == [Outcome.YES]
    assert stars.till.balances("CNY") == {"exchange": -5000, "wallet": 5000}
    assert stars.till.violations() == {}


def test_money_that_comes_before_its_payment_is_visible_is_joined_at_its_rate(stars: StarsTill, order) -> None:
    """Fault 22."""
    payment = stars.bill(order)
    charge = stars.charge(payment)
    update = stars.update(payment, charge)
    hidden = stars.shop.sql("DELETE FROM payment WHERE id = %s RETURNING payment.*", [payment])[0]
    early = stars.tell_paid(payment, charge, amount=json.loads(update)["message"]["successful_payment"]["total_amount"])
    stars.shop.sql(f"INSERT INTO payment VALUES ({', '.join(['%s'] * len(hidden))})", list(hidden))

    joined = join_due(policy=stars.shop.policy, now=stars.now)

    assert (early, joined, stars.till.order_state(order)) == (Booked.SUSPENSE, 1, "paid")
    assert stars.till.balances("XTR") == {"clearing": -72, "exchange": 72}
    assert stars.till.violations() == {}


def test_stars_whose_update_never_comes_are_found_on_the_statement(stars: StarsTill, order) -> None:
    """Fault 33: the bot heard nothing; the poller reads the statement."""
    payment = stars.bill(order)
    stars.charge(payment)
    stars.till.wait(seconds=30)

    due = poll_due(now=stars.now)
    outcome = stars.query(payment)

    assert (due, outcome, stars.till.order_state(order)) == (1, Outcome.YES, "paid")
    assert stars.tell_paid(payment, "stxcharge0000") is Booked.BEFORE
    assert stars.till.violations() == {}


def test_a_payment_that_the_whole_statement_does_not_show_was_not_paid(stars: StarsTill, order) -> None:
    payment = stars.bill(order)

    assert stars.query(payment) is Outcome.NO
    stars.telegram.problems = [StarsProblem(500, "Internal Server Error")]
    assert stars.query(payment) is Outcome.UNKNOWN
    assert stars.till.payment_state(payment) == "pending"


def test_a_statement_is_read_page_by_page_and_from_where_it_was_left(stars: StarsTill, order) -> None:
    payment = stars.bill(order)
    for number in range(250):
        stars.telegram.charge("another shop's bill", 5, stars.now, charge=f"other{number}")
    stars.charge(payment)

    assert stars.query(payment) is Outcome.YES
    first, stars.telegram.pages = stars.telegram.pages, []
    stars.gateway.read_statement(stars.account.id)

    assert first == [(0, 100), (100, 100), (200, 100)]
    assert stars.telegram.pages == [(251, 100)]
    assert stars.shop.sql("SELECT external_id, payer, amount_minor FROM payment_confirmation") == [
        ("stxcharge0250", USER, 72)
    ]


def test_both_payments_of_a_bill_are_found_on_the_statement_when_no_update_came(stars: StarsTill, order) -> None:
    payment = stars.bill(order)
    stars.charge(payment)
    stars.charge(payment)

    outcomes = [stars.query(payment) for _ in range(2)]

    assert outcomes == [Outcome.YES, Outcome.YES]
    assert [event[1:] for event in stars.till.events()] == [(None, None), ("already_paid", "refund")]
    assert stars.till.violations() == {}


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"message": {"successful_payment": {"currency": "XTR"}}}'])
def test_an_update_of_another_shape_is_refused(stars: StarsTill, order, raw: bytes) -> None:
    before = stars.shop.fingerprint()
    with pytest.raises(Invalid):
        receive_successful_payment(chat_account_id=stars.bot.id, raw=raw, policy=stars.shop.policy, now=stars.now)
    assert stars.shop.fingerprint() == before


def test_a_rate_is_two_whole_numbers() -> None:
    for minor, units in ((0, 1), (1, 0), (-1, 1), (True, 1), (10**9 + 1, 1)):
        with pytest.raises(Invalid):
            Rate(minor, units, "CNY")
    assert Rate(3, 7, "CNY").asked_for(Money(10, "CNY"), "XTR") == Money(24, "XTR")  # 23.3
    assert Rate(14, 1, "CNY").asked_for(Money(14, "CNY"), "XTR") == Money(1, "XTR")
