"""An account that is let go takes its orders along and leaves the wallet; the others stay as they were bound."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from core.conversations.requests import RequestOver
from core.errors import NotFound
from core.ids import new_id
from core.members.accounts import accounts_of, living_shopper
from core.messages.service import MessageKind
from core.money import Money
from core.orders.service import cancel_order, order_view
from core.payments.service import (
    carry_out_refund,
    hold_wallet_part,
)
from core.payments.unbinding import NotBound, WalletMoneyHeld, bound_accounts, sealed_binding
from core.ports import Outcome
from core.vault.bindings import is_sealed
from tests.builders import KEYS, NOON, Shop, Talker, later
from tests.support.binding import Binder
from tests.support.till import ScriptedGateway, Till

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


def sealed_rows(sql: Sql) -> list[bool]:
    """Whether each binding's seal is right, in the order in which they were bound."""
    columns = "id, merchant_id, kept_shopper_id, merged_shopper_id, kept_identity_id, kept_address, merged_identity_id,"
    rows = sql(f"SELECT {columns} merged_address, bound_at, ended_at, seal FROM binding ORDER BY bound_at, id")
    return [is_sealed(KEYS.seal, *sealed_binding(row)) for row in rows]


def test_an_account_that_is_let_go_takes_its_orders_along_and_leaves_the_wallet(
    binder: Binder, old: Talker, young: Talker, listing: int, till: Till, shop: Shop, sql: Sql
) -> None:
    before, mine = shop.place(young, listing), shop.place(old, listing)
    till.fill_wallet(young, 3 * PRICE)
    kept = binder.bind(old, young)
    binder.pay(old, before)
    since = shop.place(binder.as_now(young), listing)
    binder.now += timedelta(minutes=5)

    gone = binder.let_go(young, said_by=old)

    assert gone.identity_ids == (young.identity_id,)
    assert binder.as_now(young).shopper_id not in {old.shopper_id, young.shopper_id}
    assert binder.orders(young) == {before.order_id, since.order_id}
    assert binder.orders(old) == {mine.order_id}
    assert (binder.balance(old), binder.balance(young)) == (2 * PRICE, 0)
    assert sql("SELECT paid_orders FROM shopper WHERE id = %s", [kept]) == [(0,)]
    assert sql("SELECT paid_orders, merged_into FROM shopper WHERE id = %s", [binder.as_now(young).shopper_id]) == [
        (1, None)
    ]
    assert sql("SELECT ended_at FROM binding") == [(binder.now,)]
    assert sealed_rows(sql) == [True]
    assert binder.told(young)[-1] is MessageKind.UNBOUND
    assert MessageKind.UNBOUND not in binder.told(old)
    assert binder.violations() == {}


@pytest.mark.parametrize("said_by", ["old", "young"])
def test_it_is_let_go_from_either_chat_and_bound_again_later(
    binder: Binder, old: Talker, young: Talker, till: Till, said_by: str
) -> None:
    till.fill_wallet(old, 500)
    binder.bind(old, young)
    binder.let_go(young, said_by={"old": old, "young": young}[said_by])
    alone = binder.as_now(young).shopper_id
    till.fill_wallet(binder.as_now(young), 70)

    assert binder.bind(young, old) == old.shopper_id
    assert living_shopper(shopper_id=alone) == old.shopper_id
    assert binder.balance(young) == 570
    assert binder.violations() == {}


def test_it_is_let_go_also_where_a_clock_was_set_back_in_between(
    binder: Binder, old: Talker, young: Talker, sql: Sql
) -> None:
    """Fault 18; a seed of the simulator found it."""
    binder.now = later(120)
    binder.bind(old, young)
    binder.now = later(60)

    binder.let_go(young, said_by=young)

    assert sql("SELECT bound_at, ended_at FROM binding") == [(later(120), later(120))]
    assert sealed_rows(sql) == [True]
    assert binder.as_now(young).shopper_id != old.shopper_id
    assert binder.violations() == {}


def test_only_what_was_bound_is_let_go_and_never_the_one_that_keeps_the_wallet(
    binder: Binder, old: Talker, young: Talker, shop: Shop
) -> None:
    binder.bind(old, young)
    stranger = binder.a_shopper()
    before = shop.fingerprint()

    for wanted, said_by in ((old, young), (old, old), (stranger, old), (young, stranger)):
        with pytest.raises(NotBound):
            binder.let_go(wanted, said_by=said_by)
    assert shop.fingerprint() == before


def test_letting_go_twice_is_refused_the_second_time(binder: Binder, old: Talker, young: Talker, shop: Shop) -> None:
    binder.bind(old, young)
    binder.let_go(young, said_by=old)
    before = shop.fingerprint()

    for said_by in (old, young):
        with pytest.raises(NotBound):
            binder.let_go(young, said_by=said_by)
    assert shop.fingerprint() == before


def test_an_unpaid_order_with_wallet_money_set_aside_is_ended_first(
    binder: Binder, old: Talker, young: Talker, listing: int, till: Till, shop: Shop
) -> None:
    till.fill_wallet(old, 500)
    binder.bind(old, young)
    here = binder.as_now(young)
    order = shop.place(here, listing)
    hold_wallet_part(actor=here.actor, order_id=order.order_id, amount=Money(400, "CNY"), now=NOON)
    before = shop.fingerprint()

    with pytest.raises(WalletMoneyHeld):
        binder.let_go(young, said_by=old)
    assert shop.fingerprint() == before
    cancel_order(actor=here.actor, order_id=order.order_id, now=NOON)
    binder.let_go(young, said_by=old)
    assert binder.balance(old) == 500
    assert binder.violations() == {}


def test_a_refund_that_cannot_go_back_fills_the_wallet_of_the_order_wherever_it_is_by_then(
    binder: Binder, old: Talker, young: Talker, listing: int, till: Till, shop: Shop, sql: Sql
) -> None:
    binder.bind(old, young)
    order = shop.place(binder.as_now(young), listing)
    payment = till.start(order)
    till.receive(till.notice(payment, PRICE))
    till.receive(till.notice(payment, PRICE))  # paid twice: the second goes back
    (refund,) = (row[0] for row in sql("SELECT id FROM refund"))
    binder.let_go(young, said_by=old)

    gateway = ScriptedGateway([Outcome.NO])
    assert carry_out_refund(refund_id=refund, gateways={"sandbox": gateway}, now=NOON) is Outcome.NO

    assert (binder.balance(young), binder.balance(old)) == (PRICE, 0)
    assert binder.violations() == {}


def test_the_middle_one_leaves_and_the_others_stay_bound_since_when_they_were(
    binder: Binder, old: Talker, young: Talker, sql: Sql
) -> None:
    third = binder.a_shopper()
    binder.bind(old, young)
    binder.now = later(60)
    binder.bind(young, third)
    bound_at = binder.now
    binder.now = later(120)

    binder.let_go(young, said_by=third)

    assert binder.as_now(third).shopper_id == binder.as_now(old).shopper_id == old.shopper_id
    live = sql(
        "SELECT kept_identity_id, merged_identity_id, bound_at, merged_shopper_id FROM binding WHERE ended_at IS NULL"
    )
    assert live == [(old.identity_id, third.identity_id, bound_at, None)]
    assert sealed_rows(sql) == [True] * 3
    assert sorted(set(binder.told(old)[-1:] + binder.told(young)[-1:])) == [MessageKind.UNBOUND]


def test_a_row_that_nobody_sealed_is_ended_without_a_seal_of_ours(
    binder: Binder, old: Talker, young: Talker, sql: Sql
) -> None:
    """Fault 106."""
    binder.bind(old, young)
    victim = binder.a_shopper()
    forged = "INSERT INTO binding (id, merchant_id, kept_shopper_id, kept_identity_id, kept_address,"
    forged += " merged_identity_id, merged_address, bound_at, seal)"
    forged += " VALUES (%s, %s, %s, %s, 'web:x', %s, 'web:y', %s, sha256('x'))"
    number, whose = new_id(), [old.merchant_id, old.shopper_id, victim.identity_id, young.identity_id]
    sql(forged, [number, *whose, NOON - timedelta(days=60)], role="shop")

    binder.let_go(young, said_by=old)

    assert sealed_rows(sql) == [False, True]
    assert sql("SELECT count(*) FROM binding WHERE ended_at IS NULL") == [(0,)]


def test_the_bots_of_one_merchant_know_one_telegram_person_who_is_bound_and_let_go_whole(
    binder: Binder, old: Talker, sql: Sql
) -> None:
    first, second = (binder.a_shopper() for _ in range(2))
    for talker, bot in ((first, 1), (second, 2)):
        sql(
            "UPDATE identity SET channel = 'telegram', external_id = %s, shopper_id = %s WHERE id = %s",
            [f"779012:{bot}", first.shopper_id, talker.identity_id],
        )
    binder.bind(old, first)
    seen = bound_accounts(actor=binder.as_now(old).actor, conversation_id=old.conversation_id)

    assert [(one.channel.value, one.hint, len(one.identity_ids)) for one in seen.accounts] == [
        ("web", "", 1),
        ("telegram", "9012", 2),
    ]
    assert binder.as_now(second).shopper_id == old.shopper_id
    binder.let_go(second, said_by=old)
    assert binder.as_now(first).shopper_id == binder.as_now(second).shopper_id != old.shopper_id
    assert len(accounts_of(shopper_id=old.shopper_id)) == 1


def test_two_chats_of_one_telegram_person_can_be_bound_for_reading_without_any_merging(
    binder: Binder, old: Talker, sql: Sql
) -> None:
    first, second = old, binder.a_shopper()
    for talker, bot in ((first, 1), (second, 2)):
        sql(
            "UPDATE identity SET channel = 'telegram', external_id = %s, shopper_id = %s WHERE id = %s",
            [f"779012:{bot}", first.shopper_id, talker.identity_id],
        )

    claim_id = binder.asked(first, second)
    binder.agree(first, claim_id)
    assert binder.agree(second, claim_id).is_bound

    assert sql("SELECT merged_shopper_id FROM binding") == [(None,)]
    assert binder.as_now(second).shopper_id == first.shopper_id
    with pytest.raises(RequestOver):
        binder.agree(second, new_id())


def test_what_is_said_of_a_foreign_order_is_what_is_said_of_none_before_and_after(
    binder: Binder, old: Talker, young: Talker, listing: int, shop: Shop
) -> None:
    """INV-T1."""
    order = shop.place(young, listing).order_id

    def sees(talker: Talker) -> bool:
        try:
            return order_view(actor=binder.as_now(talker).actor, order_id=order).id == order
        except NotFound:
            return False

    assert (sees(old), sees(young)) == (False, True)
    binder.bind(old, young)
    assert (sees(old), sees(young)) == (True, True)
    binder.let_go(young, said_by=old)
    assert (sees(old), sees(young)) == (False, True)
