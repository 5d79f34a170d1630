"""The wallet: filled through a gateway, spent on orders, set aside in part, and never below zero."""

from __future__ import annotations

import pytest

from core.actor import Actor, ActorKind
from core.errors import Invalid, NotFound
from core.ids import new_id
from core.money import Money
from core.orders.service import cancel_order, expire_due
from core.payments.rules import NeedsPayment, NotEnough, NotForSale, OrderNotPayable
from core.payments.service import (
    hold_wallet_part,
    pay_from_wallet,
    settle_free,
    start_payment,
    start_topup,
    wallet_balance,
)
from core.submission import OtherContent
from tests.builders import Shop
from tests.support.till import Till


@pytest.fixture
def order(shop: Shop, talker):
    """A placed order over 10.00 CNY."""
    listing, _ = shop.a_listing(price=1000), shop.a_batch(cards=10)
    return shop.place(talker, listing)


def test_a_paid_top_up_fills_the_wallet_once(till: Till, talker) -> None:
    payment = start_topup(
        actor=talker.actor, gateway_account_id=till.account()[0], amount=Money(5000, "CNY"), now=till.now
    )
    raw = till.notice(payment, 5000)

    till.receive(raw)
    till.receive(raw)

    assert wallet_balance(actor=talker.actor, currency="CNY") == Money(5000, "CNY")
    assert (till.events(), till.told()) == ([("wallet", None, None)], ["wallet_topped_up"])
    assert till.balances() == {"clearing": -5000, "wallet": 5000}
    assert till.violations() == {}


def test_a_top_up_paid_twice_returns_the_second_payment(till: Till, talker) -> None:
    payment = start_topup(
        actor=talker.actor, gateway_account_id=till.account()[0], amount=Money(5000, "CNY"), now=till.now
    )

    till.receive(till.notice(payment, 5000))
    till.wait(seconds=1)
    till.receive(till.notice(payment, 5000))

    assert wallet_balance(actor=talker.actor, currency="CNY") == Money(5000, "CNY")
    assert till.events()[1] == ("suspense", "already_paid", "refund")
    assert len(till.queued("refund")) == 1
    assert till.violations() == {}


def test_an_order_is_paid_from_the_wallet_and_sold_like_any_other(till: Till, talker, order) -> None:
    till.fill_wallet(talker, 1500)

    payment = pay_from_wallet(actor=talker.actor, order_id=order.order_id, submission_id="tap", now=till.now)
    again = pay_from_wallet(actor=talker.actor, order_id=order.order_id, submission_id="tap", now=till.now)

    assert again == payment
    assert wallet_balance(actor=talker.actor, currency="CNY") == Money(500, "CNY")
    assert (till.payment_state(payment), till.order_state(order)) == ("succeeded", "paid")
    assert till.shop.sql("SELECT state, captured FROM money_hold") == [("captured", 1000)]
    assert till.balances() == {"clearing": -1500, "wallet": 500, "fee": 10, "pending": 990}
    assert len(till.queued("deliver")) == 1
    assert till.violations() == {}


def test_a_wallet_that_holds_too_little_pays_nothing_and_nothing_changes(till: Till, talker, order) -> None:
    till.fill_wallet(talker, 999)
    before = till.shop.fingerprint()

    with pytest.raises(NotEnough):
        pay_from_wallet(actor=talker.actor, order_id=order.order_id, submission_id="tap", now=till.now)

    assert wallet_balance(actor=talker.actor, currency="CNY") == Money(999, "CNY")
    assert till.shop.fingerprint() == before


def test_the_same_submission_for_another_order_is_refused(till: Till, talker, order, shop: Shop) -> None:
    till.fill_wallet(talker, 3000)
    second = shop.place(talker, shop.a_listing())
    pay_from_wallet(actor=talker.actor, order_id=order.order_id, submission_id="tap", now=till.now)
    before = shop.fingerprint()

    with pytest.raises(OtherContent):
        pay_from_wallet(actor=talker.actor, order_id=second.order_id, submission_id="tap", now=till.now)

    assert shop.fingerprint() == before


def test_nobody_pays_or_sets_money_aside_for_the_order_of_another(till: Till, talker, order, shop: Shop) -> None:
    other = shop.a_shopper()
    till.fill_wallet(other, 5000)
    foreign = [other.actor, Actor(ActorKind.SHOPPER, id=new_id(), party_id=talker.merchant_id)]
    before = shop.fingerprint()

    for actor in foreign:
        with pytest.raises(NotFound):
            pay_from_wallet(actor=actor, order_id=order.order_id, submission_id="tap", now=till.now)
        with pytest.raises(NotFound):
            hold_wallet_part(actor=actor, order_id=order.order_id, amount=Money(1, "CNY"), now=till.now)
    with pytest.raises(NotFound):
        pay_from_wallet(actor=talker.actor, order_id=new_id(), submission_id="tap", now=till.now)

    assert shop.fingerprint() == before


def test_an_expired_order_is_not_paid_from_the_wallet(till: Till, talker, order) -> None:
    till.fill_wallet(talker, 1000)
    till.wait(minutes=15)
    before = till.shop.fingerprint()

    with pytest.raises(OrderNotPayable):
        pay_from_wallet(actor=talker.actor, order_id=order.order_id, submission_id="tap", now=till.now)

    assert till.shop.fingerprint() == before


def test_a_mixed_payment_asks_the_gateway_for_the_rest_and_captures_the_held_part(till: Till, talker, order) -> None:
    till.fill_wallet(talker, 700)
    hold_wallet_part(actor=talker.actor, order_id=order.order_id, amount=Money(700, "CNY"), now=till.now)
    aside = wallet_balance(actor=talker.actor, currency="CNY")

    till.pay(order)

    assert aside == Money(0, "CNY")
    assert till.shop.sql("SELECT amount_minor FROM payment WHERE order_id = %s", [order.order_id]) == [(300,)]
    assert till.order_state(order) == "paid"
    assert till.shop.sql("SELECT paid_minor FROM shop_order") == [(1000,)]
    assert till.shop.sql("SELECT state, captured, released FROM money_hold") == [("captured", 700, 0)]
    assert till.balances() == {"clearing": -1000, "fee": 10, "pending": 990}
    assert till.violations() == {}


def test_money_for_the_whole_order_sends_what_was_set_aside_back(till: Till, talker, order) -> None:
    till.fill_wallet(talker, 700)
    payment = till.start(order)
    hold_wallet_part(actor=talker.actor, order_id=order.order_id, amount=Money(700, "CNY"), now=till.now)

    till.receive(till.notice(payment, 1000))

    assert till.order_state(order) == "paid"
    assert wallet_balance(actor=talker.actor, currency="CNY") == Money(700, "CNY")
    assert till.shop.sql("SELECT state, captured, released FROM money_hold") == [("released", 0, 700)]
    assert till.violations() == {}


def test_money_set_aside_comes_back_when_the_order_is_cancelled(till: Till, talker, order) -> None:
    till.fill_wallet(talker, 700)
    hold_wallet_part(actor=talker.actor, order_id=order.order_id, amount=Money(400, "CNY"), now=till.now)

    cancel_order(actor=talker.actor, order_id=order.order_id, now=till.now)
    cancel_order(actor=talker.actor, order_id=order.order_id, now=till.now)

    assert wallet_balance(actor=talker.actor, currency="CNY") == Money(700, "CNY")
    assert till.shop.sql("SELECT state, captured, released FROM money_hold") == [("released", 0, 400)]
    assert till.violations() == {}


def test_money_set_aside_comes_back_when_the_order_expires(till: Till, talker, order) -> None:
    till.fill_wallet(talker, 700)
    hold_wallet_part(actor=talker.actor, order_id=order.order_id, amount=Money(400, "CNY"), now=till.now)
    till.wait(minutes=16)

    expire_due(now=till.now)

    assert wallet_balance(actor=talker.actor, currency="CNY") == Money(700, "CNY")
    assert till.shop.sql("SELECT state FROM money_hold") == [("expired",)]
    assert till.violations() == {}


def test_the_rest_of_a_mixed_payment_that_comes_late_waits_for_a_choice(till: Till, talker, order) -> None:
    till.fill_wallet(talker, 700)
    hold_wallet_part(actor=talker.actor, order_id=order.order_id, amount=Money(700, "CNY"), now=till.now)
    payment = till.start(order)
    till.wait(minutes=16)
    expire_due(now=till.now)

    till.receive(till.notice(payment, 300))

    assert till.order_state(order) == "expired"
    assert till.events()[-1] == ("suspense", "late", None)
    assert wallet_balance(actor=talker.actor, currency="CNY") == Money(700, "CNY")
    assert till.violations() == {}


@pytest.mark.parametrize("minor", [0, -1, 1000, 1001])
def test_only_a_part_of_the_total_can_be_set_aside(till: Till, talker, order, minor) -> None:
    till.fill_wallet(talker, 5000)
    before = till.shop.fingerprint()

    with pytest.raises(Invalid):
        hold_wallet_part(actor=talker.actor, order_id=order.order_id, amount=Money(minor, "CNY"), now=till.now)

    assert till.shop.fingerprint() == before


def test_money_is_set_aside_for_an_order_once(till: Till, talker, order) -> None:
    till.fill_wallet(talker, 5000)
    hold_wallet_part(actor=talker.actor, order_id=order.order_id, amount=Money(100, "CNY"), now=till.now)
    before = till.shop.fingerprint()

    with pytest.raises(OrderNotPayable):
        hold_wallet_part(actor=talker.actor, order_id=order.order_id, amount=Money(100, "CNY"), now=till.now)
    with pytest.raises(OrderNotPayable):
        pay_from_wallet(actor=talker.actor, order_id=order.order_id, submission_id="tap", now=till.now)

    assert till.shop.fingerprint() == before


def test_a_free_order_takes_the_same_path_and_moves_no_money(till: Till, talker, shop: Shop) -> None:
    listing, _ = shop.a_listing("F1", price=0), shop.a_batch("F1", cards=3)
    free = shop.place(talker, listing)

    payment = settle_free(order_id=free.order_id, now=till.now)

    assert (till.payment_state(payment), till.order_state(free)) == ("succeeded", "paid")
    assert (till.balances(), len(till.queued("deliver"))) == ({}, 1)
    with pytest.raises(OrderNotPayable):
        settle_free(order_id=free.order_id, now=till.now)
    assert till.violations() == {}


def test_an_order_with_a_price_is_not_settled_for_nothing(till: Till, order) -> None:
    before = till.shop.fingerprint()

    with pytest.raises(NeedsPayment):
        settle_free(order_id=order.order_id, now=till.now)

    assert till.shop.fingerprint() == before


def test_an_order_is_paid_only_at_enabled_accounts_of_its_merchant_and_currency(till: Till, order, shop: Shop) -> None:
    foreign, _ = till.account("foreign", merchant=shop.a_party("other"))
    yen, _ = till.account("yen", currency="JPY")
    closed, _ = till.account("closed")
    shop.sql("UPDATE gateway_account SET enabled = false WHERE id = %s", [closed])
    before = shop.fingerprint()

    for account in (foreign, yen, closed):
        with pytest.raises(NotForSale):
            start_payment(order_id=order.order_id, gateway_account_id=account, now=till.now)

    assert shop.fingerprint() == before


def test_pressing_pay_again_finds_the_payment_under_way(till: Till, order) -> None:
    assert till.start(order) == till.start(order)
    assert till.shop.count("payment") == 1
