"""Memberships whose money goes back, and those of shoppers who become one or part again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.actor import OPERATOR
from core.db import execute
from core.errors import NotAllowed
from core.fulfilment.memberships import NotForUs, NothingGiven, TakenBack, take_back
from core.fulfilment.service import deliver
from core.members.memberships import memberships_of
from core.members.periods import Unit
from core.orders.rules import OrderStatus
from core.orders.service import order_view
from core.reports.checks import all_checks
from tests.builders import NOON, Shop, Sql, Talker, broken
from tests.support.binding import Binder
from tests.support.carriers import NOBODY
from tests.support.memberships import JANUARY_31, Club, SilentVault, membership_of, shanghai, told, wrong
from tests.support.till import Till


@pytest.fixture
def binder(shop: Shop) -> Binder:
    return Binder(shop)


def test_shoppers_who_become_one_have_their_periods_one_after_another_and_part_with_their_own(
    binder: Binder, club: Club, monthly: int
) -> None:
    """INV-P5: what was bought in two chats is added up, never run beside each other; an account takes its own along."""
    old, young = binder.a_shopper(age=2), binder.a_shopper(age=1)
    club.buy(old, monthly, NOON)
    club.buy(young, monthly, NOON + timedelta(days=10))

    binder.bind(old, young)

    both = binder.as_now(young)
    assert both.shopper_id == old.shopper_id
    assert membership_of(both).until == NOON.replace(month=5)
    assert execute("SELECT shopper_id FROM membership") == [(old.shopper_id,)]
    assert wrong(binder.shop.sql) == {}

    binder.let_go(young, said_by=old)

    assert membership_of(old).until == NOON.replace(month=4)
    assert membership_of(binder.as_now(young)).until == NOON.replace(month=4, day=12)
    assert wrong(binder.shop.sql) == {}


def test_a_refund_of_the_line_takes_its_period_back_once(
    club: Club, monthly: int, talker: Talker, till: Till, shop: Shop, sql: Sql
) -> None:
    club.buy(talker, monthly, till.now)
    placed = shop.place(talker, monthly, now=till.now)
    till.receive(till.notice(till.start(placed), 1500))
    ((delivery,),) = execute("SELECT id FROM delivery WHERE order_id = %s", (placed.order_id,))
    deliver(delivery_id=delivery, vault=SilentVault(), carrier=NOBODY, now=till.now)
    assert membership_of(talker).until == till.now.replace(month=5)
    later = till.now + timedelta(days=3)

    with pytest.raises(NotAllowed):
        take_back(actor=talker.actor, order_id=placed.order_id, returns=True, now=later)
    done = take_back(actor=OPERATOR, order_id=placed.order_id, returns=True, now=later)
    with pytest.raises(NothingGiven):
        take_back(actor=OPERATOR, order_id=placed.order_id, returns=True, now=later)

    assert done == TakenBack(1, 1500, "CNY")
    (told_now,) = (body for kind, body in told(talker) if kind == "membership_taken_back")
    assert told_now["until"] == membership_of(talker).until.isoformat()
    assert membership_of(talker).until == till.now.replace(month=4)
    assert order_view(actor=talker.actor, order_id=placed.order_id).status is OrderStatus.REFUNDED
    assert execute("SELECT amount_minor, to_wallet, state FROM refund") == [(1500, False, "requested")]
    assert {name: count for name, count in broken(sql, all_checks()).items() if name not in ("INV-M2", "INV-M10")} == {}


def test_inv_o3_verify_counts_a_membership_that_its_periods_do_not_make(
    club: Club, monthly: int, talker: Talker, sql: Sql
) -> None:
    """INV-O3: web's password may write the table; its rows of periods say otherwise, before and after one went back."""
    club.buy(talker, monthly, JANUARY_31)
    second = club.buy(talker, monthly, JANUARY_31)
    take_back(actor=OPERATOR, order_id=second, returns=False, now=JANUARY_31)
    sql("CREATE TABLE as_it_was AS SELECT * FROM membership")
    assert wrong(sql) == {}

    for forged in (
        "UPDATE membership SET until = until + interval '25 hours'",
        "UPDATE membership SET months = 2, until = until + interval '1 month 3 days'",
        "UPDATE membership SET since = since + interval '1 day', until = until + interval '1 day'",
        "DELETE FROM membership",
        "INSERT INTO membership SELECT gen_random_uuid(), plan_id, merchant_id, since, anchor_day, zone, months, days,"
        " until FROM membership",
    ):
        sql("ALTER TABLE membership DISABLE TRIGGER ALL", role="superuser")  # its foreign keys
        sql(forged)
        assert wrong(sql) == {"INV-O3": 1}, forged
        sql("DELETE FROM membership")
        sql("INSERT INTO membership SELECT * FROM as_it_was")
    assert wrong(sql) == {}


def test_what_a_gateway_gave_back_by_itself_is_not_given_back_twice(
    club: Club, monthly: int, talker: Talker, till: Till, shop: Shop
) -> None:
    placed = shop.place(talker, monthly, now=till.now)
    till.receive(till.notice(till.start(placed), 1500))
    ((delivery,),) = execute("SELECT id FROM delivery WHERE order_id = %s", (placed.order_id,))
    deliver(delivery_id=delivery, vault=SilentVault(), carrier=NOBODY, now=till.now)
    shop.sql("UPDATE payment SET state = 'refunded', refunded_minor = amount_minor")  # as its notice does
    before = shop.fingerprint()

    with pytest.raises(NotForUs):
        take_back(actor=OPERATOR, order_id=placed.order_id, returns=True, now=till.now)
    assert shop.fingerprint() == before
    assert take_back(actor=OPERATOR, order_id=placed.order_id, returns=False, now=till.now) == TakenBack(1, 0, "CNY")

    assert memberships_of(actor=talker.actor) == []
    assert shop.count("refund") == 0
    (told_now,) = (body for kind, body in told(talker) if kind == "membership_taken_back")
    assert "until" not in told_now


def test_what_was_paid_beyond_that_meanwhile_goes_back_and_nothing_is_given(
    club: Club, talker: Talker, sql: Sql
) -> None:
    decade = club.goods("F4", 10, Unit.YEAR)
    first, (one,) = club.paid(talker, decade, JANUARY_31, quantity=3)
    second, (other,) = club.paid(talker, decade, JANUARY_31, quantity=3)

    assert deliver(delivery_id=one, vault=SilentVault(), carrier=NOBODY, now=JANUARY_31) is True
    assert deliver(delivery_id=other, vault=SilentVault(), carrier=NOBODY, now=JANUARY_31) is False

    assert membership_of(talker).until == shanghai(2057, 1, 31, 12, 0)
    assert order_view(actor=talker.actor, order_id=first).status is OrderStatus.DELIVERED
    assert order_view(actor=talker.actor, order_id=second).status is OrderStatus.REFUNDED
    assert [kind for kind, _ in told(talker)][-1] == "refunded"
    assert wrong(sql) == {}
