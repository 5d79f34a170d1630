"""Races of binding on real PostgreSQL, each with its control: without the protection the same race must break."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any

import peewee
import pytest

from core import db
from core.conversations import binding as asking
from core.conversations.binding import TooManyWrongCodes, UnknownCode
from core.db import execute
from core.errors import NotFound
from core.ids import new_id
from core.money import Money
from core.orders import sql as order_sql
from core.orders.service import OrderPolicy
from core.payments import merging, notices
from core.payments.binding_sql import SHOPPERS_OF
from core.payments.service import pay_from_wallet, start_topup, wallet_balance
from core.payments.unbinding import NotBound
from core.risk.rules import HoldPolicy
from tests.builders import NOON, Shop, Talker
from tests.races.racing import Beside, at_once, failures
from tests.support.binding import Binder
from tests.support.till import Till

ROUNDS = 12
PRICE = 1000


@pytest.fixture
def binder(shop: Shop) -> Binder:
    shop.policy = OrderPolicy(holds=HoldPolicy(unpaid_per_shopper=50, share_percent=100))
    shop.a_listing("A1", price=PRICE)
    shop.a_batch("A1", 60)
    return Binder(shop)


@pytest.fixture
def old(binder: Binder) -> Talker:
    return binder.a_shopper(age=2)


@pytest.fixture
def young(binder: Binder) -> Talker:
    return binder.a_shopper(age=1)


def balance(binder: Binder, talker: Talker) -> int:
    return wallet_balance(actor=binder.as_now(talker).actor, currency="CNY").minor


def unlocked(identity_ids: Any) -> dict[Any, Any]:
    """What the locks are taken for, without them."""
    return dict(execute(SHOPPERS_OF, (list(identity_ids),)))


def test_both_sides_agree_at_once_and_are_bound_once(binder: Binder, old: Talker, till: Till) -> None:
    for _ in range(ROUNDS):
        young = binder.a_shopper()
        till.fill_wallet(young, 10)
        claim_id = binder.asked(old, young)

        answers = at_once([partial(binder.agree, one, claim_id) for one in (old, young)])

        assert failures(answers) == []
        assert sorted(one.is_bound for one in answers) == [False, True]
        binder.let_go(young, said_by=old)
    assert balance(binder, old) == 10 * ROUNDS
    assert binder.violations() == {}


def test_control_without_the_locks_each_side_misses_the_others_yes(
    binder: Binder, old: Talker, young: Talker, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_looked, agree = threading.Barrier(2, timeout=20), merging.agree

    def slowly(*args: Any) -> bool:
        both_looked.wait()
        return agree(*args)

    monkeypatch.setattr(merging, "lock_shoppers", unlocked)
    monkeypatch.setattr(merging, "agree", slowly)
    claim_id = binder.asked(old, young)

    answers = at_once([partial(binder.agree, one, claim_id) for one in (old, young)])

    assert [one.is_bound for one in answers] == [False, False]
    assert binder.as_now(young).shopper_id == young.shopper_id


def test_an_order_is_paid_from_the_wallet_while_its_shopper_becomes_part_of_another(
    binder: Binder, old: Talker, till: Till, shop: Shop
) -> None:
    """Neither the payment nor the money is lost, whichever comes first."""
    listing = shop.a_listing("A1")
    for _ in range(ROUNDS):
        young = binder.a_shopper()
        till.fill_wallet(young, PRICE + 5)
        order = shop.place(young, listing)
        claim_id = binder.asked(old, young)
        binder.agree(young, claim_id)
        pay = partial(
            pay_from_wallet, actor=young.actor, order_id=order.order_id, submission_id=str(new_id()), now=NOON
        )

        paid, bound = at_once([pay, partial(binder.agree, old, claim_id)])

        assert bound.is_bound
        if isinstance(paid, Exception):
            assert isinstance(paid, NotFound)  # the binding came first: the shopper that tapped is no more
            pay_from_wallet(
                actor=binder.as_now(young).actor, order_id=order.order_id, submission_id=str(new_id()), now=NOON
            )
        assert till.order_state(order) == "paid"
        binder.let_go(young, said_by=old)
    assert balance(binder, old) == 5 * ROUNDS
    assert binder.violations() == {}


def a_top_up_that_arrives_while_two_become_one(
    binder: Binder, old: Talker, young: Talker, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notice has found its payment, then the two become one, then its money is booked."""
    topup = start_topup(actor=young.actor, gateway_account_id=till.account()[0], amount=Money(500, "CNY"), now=NOON)
    claim_id = binder.asked(old, young)
    binder.agree(young, claim_id)
    found, is_one, find = threading.Event(), threading.Event(), notices.find_desk

    def slowly(**where: Any) -> Any:
        desk = find(**where)
        found.set()
        assert is_one.wait(20)
        return desk

    monkeypatch.setattr(notices, "find_desk", slowly)
    notice = Beside(lambda: till.receive(till.notice(topup, 500)).status)
    assert found.wait(20)
    assert binder.agree(old, claim_id).is_bound
    is_one.set()
    assert notice.result() == 200


def test_a_top_up_that_arrives_meanwhile_fills_the_wallet_that_can_be_spent(
    binder: Binder, old: Talker, young: Talker, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_top_up_that_arrives_while_two_become_one(binder, old, young, till, monkeypatch)

    assert balance(binder, young) == 500
    assert binder.violations() == {}


def test_control_without_asking_who_the_shopper_is_now_the_money_ends_in_a_wallet_that_nobody_has(
    binder: Binder, old: Talker, young: Talker, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "living_shopper", lambda *, shopper_id: shopper_id)

    a_top_up_that_arrives_while_two_become_one(binder, old, young, till, monkeypatch)

    assert balance(binder, young) == 0
    assert wallet_balance(actor=young.actor, currency="CNY").minor == 500


def a_chain_at_once(binder: Binder, talkers: list[Talker]) -> list[Any]:
    """First with second, and second with third, both with the last yes missing, which come at once."""
    first, second, third = talkers
    one, other = binder.asked(first, second), binder.asked(third, second)
    for claim_id in (one, other):
        binder.agree(second, claim_id)
    return at_once([partial(binder.agree, first, one), partial(binder.agree, third, other)])


@pytest.mark.parametrize("ages", [(1, 2, 3), (3, 2, 1), (1, 3, 2), (2, 1, 3)])
def test_two_bindings_over_one_account_at_once_make_one_shopper_of_three(
    binder: Binder, till: Till, ages: tuple[int, ...]
) -> None:
    for _ in range(ROUNDS // 4):
        talkers = [binder.a_shopper(age) for age in ages]
        for talker in talkers:
            till.fill_wallet(talker, 7)

        answers = a_chain_at_once(binder, talkers)

        assert failures(answers) == []
        assert [one.is_bound for one in answers] == [True, True]
        assert len({binder.as_now(one).shopper_id for one in talkers}) == 1
        assert balance(binder, talkers[0]) == 21
    assert binder.violations() == {}


def test_control_without_looking_again_under_the_lock_a_shopper_that_is_no_more_is_merged(
    binder: Binder, monkeypatch: pytest.MonkeyPatch
) -> None:
    talkers = [binder.a_shopper(age) for age in (1, 2, 3)]
    both_looked, gone = threading.Barrier(2, timeout=20), threading.Event()

    def believing(identity_ids: Any) -> dict[Any, Any]:
        found = unlocked(identity_ids)
        both_looked.wait()
        if binder.as_now(first).shopper_id in found.values():  # the second is merged into the third before
            assert gone.wait(20)
        for number in sorted(set(found.values())):
            execute("SELECT 1 FROM shopper WHERE id = %s FOR UPDATE", (number,))
        return found

    monkeypatch.setattr(merging, "lock_shoppers", unlocked)
    first, second, third = talkers
    one, other = binder.asked(first, second), binder.asked(third, second)
    for claim_id in (one, other):
        binder.agree(second, claim_id)
    monkeypatch.setattr(merging, "lock_shoppers", believing)

    def agree_before() -> None:
        binder.agree(third, other)
        gone.set()

    answers = at_once([partial(binder.agree, first, one), agree_before])

    assert failures(answers) == ["IntegrityError"]
    assert len({binder.as_now(one).shopper_id for one in talkers}) == 2


def ten_wrong_codes(binder: Binder, talker: Talker) -> list[str]:
    return failures(at_once([partial(binder.enter, talker, "AAAA-AAAA") for _ in range(10)]))


def test_ten_wrong_codes_at_once_are_three(binder: Binder, old: Talker) -> None:
    assert ten_wrong_codes(binder, old) == [TooManyWrongCodes.__name__] * 7 + [UnknownCode.__name__] * 3


def test_control_without_the_shoppers_lock_ten_wrong_codes_are_ten(
    binder: Binder, old: Talker, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted, look = threading.Barrier(10, timeout=20), asking.request_of_code

    def slowly(**which: Any) -> Any:
        counted.wait()
        return look(**which)

    monkeypatch.setattr(asking, "LOCK_SHOPPER", "SELECT 1 FROM shopper WHERE id = %s")
    monkeypatch.setattr(asking, "request_of_code", slowly)

    assert ten_wrong_codes(binder, old) == [UnknownCode.__name__] * 10


def test_an_account_is_let_go_once_however_often_it_is_said_at_once(binder: Binder, old: Talker) -> None:
    for _ in range(ROUNDS // 2):
        young = binder.a_shopper()
        binder.bind(old, young)
        said = [partial(binder.let_go, young, said_by=binder.as_now(one)) for one in (old, young, old, young)]

        answers = at_once(said)

        assert failures(answers) == [NotBound.__name__] * 3
        assert binder.as_now(young).shopper_id != old.shopper_id
    assert binder.violations() == {}


def an_order_placed_while_two_become_one(
    binder: Binder, old: Talker, young: Talker, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """The order waits for the shopper's row, which is merged away when it gets it."""
    listing, claim_id = shop.a_listing("A1"), binder.asked(old, young)
    binder.agree(young, claim_id)
    merged, placing, move = threading.Event(), threading.Event(), merging._move_wallet

    def slowly(*args: Any) -> None:
        merged.set()
        assert placing.wait(20)
        move(*args)

    monkeypatch.setattr(merging, "_move_wallet", slowly)
    bound = Beside(lambda: binder.agree(old, claim_id))
    assert merged.wait(20)
    placed = Beside(lambda: shop.place(young, listing))
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    until = time.monotonic() + 20
    while not shop.sql(waiting, role="superuser")[0][0] and time.monotonic() < until:
        time.sleep(0.01)
    placing.set()
    assert bound.result().is_bound
    return placed.result()


def test_an_order_that_waited_for_the_binding_is_refused_and_changes_nothing(
    binder: Binder, old: Talker, young: Talker, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = an_order_placed_while_two_become_one(binder, old, young, shop, monkeypatch)

    assert isinstance(placed, NotFound)
    assert shop.count("shop_order") == 0
    assert shop.place(binder.as_now(young), shop.a_listing("A1")).total.minor == PRICE
    assert binder.violations() == {}


def test_control_without_the_mark_of_the_merged_only_the_constraint_stops_it(
    binder: Binder, old: Talker, young: Talker, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_sql, "PLACE_FACTS", order_sql.PLACE_FACTS.replace(" AND s.merged_into IS NULL", ""))

    placed = an_order_placed_while_two_become_one(binder, old, young, shop, monkeypatch)

    assert isinstance(placed, peewee.IntegrityError)
    assert "shop_order_identity_id" in str(db.constraint(placed))
    assert shop.count("shop_order") == 0
