"""Before Stars are taken: in which chats they are offered, and the last check that Telegram waits for (fault 34)."""

from __future__ import annotations

import pytest

from core.errors import NotFound
from core.ids import Prefix, new_id, public
from core.money import Money
from core.orders.service import cancel_order
from core.payments.rules import NotForSale, OrderNotPayable
from core.payments.service import (
    PrecheckRefusal,
    stars_price,
    start_payment,
    start_stars_payment,
    start_stars_topup,
)
from tests.builders import Shop
from tests.support.chats import an_account, somebody
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


def test_fault_34_the_last_check_needs_neither_worker_nor_queue(stars: StarsTill, order) -> None:
    """Fault 34: one statement in the bot's own process answers, whatever waits in the queue."""
    payment = stars.bill(order)
    stars.shop.sql("INSERT INTO keystall_task (queue, data) SELECT 'work', '\\x7b7d' FROM generate_series(1, 1000)")
    before = stars.shop.fingerprint()

    assert stars.checked(payment) is None
    assert stars.shop.fingerprint() == before


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"total": 71}, PrecheckRefusal.OTHER_PRICE),
        ({"currency": "USD"}, PrecheckRefusal.OTHER_PRICE),
        ({"user": "666"}, PrecheckRefusal.OTHER_PERSON),
        ({"payload": "nothing of ours"}, PrecheckRefusal.UNKNOWN),
        ({"payload": public(Prefix.PAYMENT, new_id())}, PrecheckRefusal.UNKNOWN),
        ({"chat_account_id": 10**9}, PrecheckRefusal.UNKNOWN),
    ],
)
def test_the_last_check_refuses_what_does_not_fit(stars: StarsTill, order, changes, refusal) -> None:
    assert stars.checked(stars.bill(order), **changes) is refusal


@pytest.mark.parametrize(
    ("break_it", "refusal"),
    [
        ("UPDATE card SET state = 'free', line_id = NULL WHERE state = 'held'", PrecheckRefusal.OVER),
        ("UPDATE gateway_account SET enabled = false WHERE gateway = 'stars'", PrecheckRefusal.CLOSED),
        ("UPDATE party SET status = 'suspended' WHERE kind = 'merchant'", PrecheckRefusal.CLOSED),
        ("INSERT INTO vault_state (open, reason, at) VALUES (false, 'no key', now())", PrecheckRefusal.CLOSED),
    ],
    ids=["the cards are not held", "the account is off", "the merchant does not sell", "the vault is closed"],
)
def test_the_last_check_looks_at_holds_and_at_the_shop(stars: StarsTill, order, break_it, refusal) -> None:
    payment = stars.bill(order)
    stars.shop.sql(break_it)

    assert stars.checked(payment) is refusal


def test_the_last_check_refuses_paid_expired_and_cancelled_bills(stars: StarsTill, order, shop: Shop) -> None:
    late, cancelled = (shop.place(stars.buyer, shop.a_listing()) for _ in range(2))
    paid, gone, over = stars.pay(order), stars.bill(cancelled), stars.bill(late)
    cancel_order(actor=stars.buyer.actor, order_id=cancelled.order_id, now=stars.now)

    assert [stars.checked(one) for one in (paid, gone)] == [PrecheckRefusal.PAID, PrecheckRefusal.OVER]
    stars.till.wait(minutes=15)
    assert stars.checked(over) is PrecheckRefusal.OVER


def test_stars_are_taken_in_the_private_chat_of_their_own_bot_only(stars: StarsTill, order, shop: Shop) -> None:
    """Neither in the web chat, nor at another bot, nor by the ordinary start of a payment."""
    elsewhere = an_account(shop, number="7000002")
    places = [shop.a_shopper(), somebody(shop, elsewhere, "5002")]
    orders = [shop.place(talker, shop.a_listing()) for talker in places]
    before = shop.fingerprint()

    for talker, one in zip(places, orders, strict=True):
        assert stars_price(actor=talker.actor, order_id=one.order_id) is None
        with pytest.raises(NotForSale):
            start_stars_payment(actor=talker.actor, order_id=one.order_id, keys=shop.keys, now=stars.now)
    with pytest.raises(NotForSale):
        start_payment(order_id=order.order_id, gateway_account_id=stars.account.id, now=stars.now)
    with pytest.raises(NotFound):
        start_stars_payment(actor=places[0].actor, order_id=order.order_id, keys=shop.keys, now=stars.now)
    assert stars_price(actor=places[0].actor, order_id=order.order_id) is None
    assert shop.fingerprint() == before


def test_a_suspended_merchant_sends_no_bill_for_an_order_or_a_top_up(stars: StarsTill, order) -> None:
    buyer, hundred = stars.buyer, Money(10_000, "CNY")
    ways = {"actor": buyer.actor, "keys": stars.shop.keys, "now": stars.now}
    stars.shop.sql("UPDATE party SET status = 'suspended' WHERE kind = 'merchant'")
    before = stars.shop.fingerprint()

    assert stars_price(actor=buyer.actor, order_id=order.order_id) is None
    with pytest.raises(NotForSale):
        start_stars_payment(order_id=order.order_id, **ways)
    with pytest.raises(NotForSale):
        start_stars_topup(conversation_id=buyer.conversation_id, worth=hundred, **ways)
    assert stars.shop.fingerprint() == before


def test_an_expired_order_gets_no_bill(stars: StarsTill, order) -> None:
    stars.till.wait(minutes=15)
    before = stars.shop.fingerprint()

    with pytest.raises(OrderNotPayable):
        start_stars_payment(actor=stars.buyer.actor, order_id=order.order_id, keys=stars.shop.keys, now=stars.now)
    assert stars.shop.fingerprint() == before
