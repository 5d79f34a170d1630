"""Two shoppers become one with everything they have: orders in every state, wallets, holds, money on its way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.errors import NotFound
from core.members.accounts import living_shopper
from core.members.service import set_locale
from core.messages.service import MessageKind
from core.money import Money
from core.orders.service import cancel_order, expire_due, orders_of
from core.payments.service import (
    choose_exchange,
    hold_wallet_part,
    start_topup,
    wallet_balance,
)
from tests.builders import NOON, Shop, Talker, later
from tests.support.binding import Binder
from tests.support.pickups import confirmed
from tests.support.till import Till

Sql = Callable[..., list[tuple[Any, ...]]]
PRICE = 1000


@pytest.fixture
def binder(shop: Shop) -> Binder:
    shop.a_listing("A1", price=PRICE)
    shop.a_batch("A1", 40)
    return Binder(shop)


@pytest.fixture
def old(binder: Binder) -> Talker:
    return binder.a_shopper(age=2)


@pytest.fixture
def young(binder: Binder) -> Talker:
    return binder.a_shopper(age=1)


@pytest.fixture
def listing(binder: Binder, shop: Shop) -> int:
    return shop.a_listing("A1")


def paid(till: Till, order: Any) -> None:
    """An order is paid at the gateway."""
    till.receive(till.notice(till.start(order), order.total.minor))


def test_orders_in_every_state_go_to_the_older_shopper_and_stay_what_they_were(
    binder: Binder, old: Talker, young: Talker, listing: int, till: Till, shop: Shop, sql: Sql
) -> None:
    awaiting, dropped, late = (shop.place(young, listing) for _ in range(3))
    cancel_order(actor=young.actor, order_id=dropped.order_id, now=NOON)
    sql("UPDATE shop_order SET deadline = %s WHERE id = %s", [NOON, late.order_id])
    assert expire_due(now=later(0)) == 1
    bought = shop.place(young, listing, 2)
    paid(till, bought)
    mine = shop.place(old, listing)
    before = dict(sql("SELECT id, state FROM shop_order"))

    binder.bind(old, young)

    assert binder.orders(young) == binder.orders(old) == set(before)
    assert dict(sql("SELECT id, state FROM shop_order")) == before
    assert set(before.values()) == {"awaiting_payment", "cancelled", "expired", "paid"}
    assert {awaiting.order_id, mine.order_id} <= set(before)
    assert sql("SELECT paid_orders FROM shopper WHERE id = %s", [old.shopper_id]) == [(1,)]
    assert sql("SELECT paid_orders FROM shopper WHERE id = %s", [young.shopper_id]) == [(0,)]
    assert sql("SELECT DISTINCT shopper_id FROM payment") == [(old.shopper_id,)]
    assert binder.violations() == {}


def test_an_unpaid_order_of_either_is_paid_from_either_chat_afterwards(
    binder: Binder, old: Talker, young: Talker, listing: int, till: Till, shop: Shop
) -> None:
    first, second = shop.place(young, listing), shop.place(old, listing)
    till.fill_wallet(young, 2 * PRICE)
    binder.bind(young, old)

    binder.pay(old, first)
    binder.pay(young, second)

    assert binder.balance(old) == 0
    assert {view.status.value for view in orders_of(actor=binder.as_now(old).actor)} == {"paid"}
    assert binder.violations() == {}


def test_money_for_an_order_that_was_on_its_way_arrives(
    binder: Binder, old: Talker, young: Talker, listing: int, till: Till, shop: Shop
) -> None:
    order = shop.place(young, listing)
    payment = till.start(order)
    binder.bind(old, young)

    till.receive(till.notice(payment, PRICE))

    assert till.order_state(order) == "paid"
    assert binder.told(young)[-1] is MessageKind.PAID
    assert binder.violations() == {}


def test_two_wallets_become_one_by_one_transfer_each_currency(
    binder: Binder, old: Talker, young: Talker, till: Till, sql: Sql
) -> None:
    till.fill_wallet(old, 700)
    till.fill_wallet(young, 300)

    binder.bind(young, old)

    assert (binder.balance(old), binder.balance(young)) == (1000, 1000)
    assert wallet_balance(actor=young.actor, currency="CNY") == Money(0, "CNY")
    binding = sql("SELECT id FROM binding")[0][0]
    assert sql("SELECT amount, code FROM transfer WHERE reference = %s", [binding]) == [(300, "merged")]
    assert binder.violations() == {}


def test_a_top_up_that_was_on_its_way_fills_the_wallet_that_can_be_spent(
    binder: Binder, old: Talker, young: Talker, till: Till
) -> None:
    topup = start_topup(actor=young.actor, gateway_account_id=till.account()[0], amount=Money(500, "CNY"), now=NOON)
    binder.bind(old, young)

    till.receive(till.notice(topup, 500))

    assert binder.balance(young) == 500
    assert binder.violations() == {}


def test_wallet_money_that_is_held_for_an_unpaid_order_stays_held_for_it(
    binder: Binder, old: Talker, young: Talker, listing: int, till: Till, shop: Shop
) -> None:
    """INV-M5."""
    till.fill_wallet(young, 900)
    kept, given_up = shop.place(young, listing), shop.place(young, listing)
    for order in (kept, given_up):
        hold_wallet_part(actor=young.actor, order_id=order.order_id, amount=Money(400, "CNY"), now=NOON)

    binder.bind(old, young)
    assert binder.balance(old) == 100
    assert binder.violations() == {}
    till.receive(till.notice(till.start(kept), PRICE - 400))
    cancel_order(actor=binder.as_now(old).actor, order_id=given_up.order_id, now=NOON)

    assert till.order_state(kept) == "paid"
    assert binder.balance(old) == 500
    assert binder.violations() == {}


def test_late_money_is_exchanged_into_the_one_wallet_from_either_chat(
    binder: Binder, old: Talker, young: Talker, listing: int, till: Till, shop: Shop, sql: Sql
) -> None:
    order = shop.place(young, listing)
    payment = till.start(order)
    sql("UPDATE shop_order SET deadline = %s", [NOON])
    expire_due(now=NOON)
    sql("UPDATE card SET state = 'quarantined' WHERE state = 'free'")
    till.receive(till.notice(payment, PRICE))
    event = sql("SELECT id FROM payment_event")[0][0]

    binder.bind(old, young)
    choose_exchange(actor=binder.as_now(old).actor, event_id=event, now=NOON)

    assert binder.balance(young) == PRICE
    assert binder.violations() == {}


@pytest.mark.parametrize("heard_last", ["old", "young"])
def test_the_language_used_last_is_spoken_from_then_on(
    binder: Binder, old: Talker, young: Talker, sql: Sql, heard_last: str
) -> None:
    set_locale(actor=old.actor, locale="en", now=NOON)
    last = {"old": old, "young": young}[heard_last]
    for talker, minute in ((old, 1), (young, 1), (last, 2)):
        sql("UPDATE conversation SET last_heard_at = %s WHERE id = %s", [later(minute), talker.conversation_id])

    kept = binder.bind(old, young)

    assert sql("SELECT locale FROM shopper WHERE id = %s", [kept]) == [("en" if heard_last == "old" else "zh-CN",)]


def test_an_address_follows_and_of_two_the_one_confirmed_last_stays(
    binder: Binder, old: Talker, young: Talker, sql: Sql
) -> None:
    for talker, kind, address, minute in (
        (old, "email", "old@example.com", 1),
        (young, "email", "young@example.com", 2),
        (young, "phone", "+8613800138000", 1),
    ):
        confirmed(binder.shop, talker, at=later(minute), **{kind: address})

    kept = binder.bind(old, young)

    assert sql("SELECT shopper_id, kind, address FROM contact ORDER BY kind") == [
        (kept, "email", "young@example.com"),
        (kept, "phone", "+8613800138000"),
    ]


def test_a_button_tapped_before_and_after_places_one_order(
    binder: Binder, old: Talker, young: Talker, listing: int, shop: Shop
) -> None:
    """INV-O5, Fault 39."""
    first = shop.place(young, listing, submission="button:1")
    binder.bind(old, young)

    again = shop.place(binder.as_now(young), listing, submission="button:1")

    assert (again.order_id, again.repeated) == (first.order_id, True)
    assert shop.count("shop_order") == 1


def test_the_shopper_that_became_a_part_places_and_fills_nothing_any_more(
    binder: Binder, old: Talker, young: Talker, listing: int, till: Till, shop: Shop
) -> None:
    binder.bind(old, young)
    before = shop.fingerprint()

    with pytest.raises(NotFound):
        shop.place(young, listing)
    with pytest.raises(NotFound):
        start_topup(actor=young.actor, gateway_account_id=till.account()[0], amount=Money(5, "CNY"), now=NOON)
    assert shop.fingerprint() == before


def test_shoppers_of_three_chats_become_one_over_the_middle_one(
    binder: Binder, old: Talker, young: Talker, listing: int, till: Till, shop: Shop
) -> None:
    third = binder.a_shopper(age=3)
    for talker, minor in ((old, 100), (young, 20), (third, 3)):
        till.fill_wallet(talker, minor)
    placed = {shop.place(talker, listing).order_id for talker in (old, young, third)}

    binder.bind(old, young)
    kept = binder.bind(young, third)

    assert kept == third.shopper_id
    assert living_shopper(shopper_id=young.shopper_id) == third.shopper_id
    assert [binder.balance(one) for one in (old, young, third)] == [123] * 3
    assert binder.orders(old) == placed
    assert binder.told(old)[-1] is MessageKind.BOUND  # it had no part in it
    assert binder.violations() == {}


LEFT_BEHIND = {
    "an identity": "UPDATE identity SET shopper_id = %(young)s WHERE id = %(identity)s",
    "a payment": "UPDATE payment SET shopper_id = %(young)s",
    "money": "UPDATE account SET balance = 1 WHERE holder = 'shopper:' || %(young)s::text",
}


@pytest.mark.parametrize("statement", LEFT_BEHIND.values(), ids=LEFT_BEHIND)
def test_inv_t2_what_is_left_with_a_shopper_that_is_no_more_is_counted(
    binder: Binder, old: Talker, young: Talker, till: Till, sql: Sql, statement: str
) -> None:
    """INV-T2: whatever raw SQL leaves behind, once the triggers are gone."""
    till.fill_wallet(young, 5)
    binder.bind(old, young)
    assert binder.violations() == {}

    named = {"young": young.shopper_id, "identity": young.identity_id}
    sql("ALTER TABLE identity DISABLE TRIGGER ALL", role="superuser")
    sql("ALTER TABLE payment DISABLE TRIGGER ALL", role="superuser")
    sql(statement, named, role="superuser")

    assert binder.violations()["INV-T2"] == 1
