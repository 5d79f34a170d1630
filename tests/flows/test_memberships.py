"""Memberships that are sold: bought like goods, given once, renewed, counted from their anchor (fault 20, INV-P5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.actor import OPERATOR, Actor, ActorKind
from core.catalog.service import UnknownListing
from core.db import execute, in_transaction
from core.errors import Invalid, NotAllowed, NotFound
from core.fulfilment.memberships import NotForUs, NothingGiven, TakenBack, take_back
from core.fulfilment.service import NothingDelivered, deliver, request_reread
from core.ids import Prefix, public
from core.members.memberships import MembershipTooLong, memberships_of
from core.members.periods import Unit
from core.members.plans import PlanOffer, create_plan, plans_of, set_period
from core.orders.ending import cancel_order
from core.orders.rules import OrderStatus
from core.orders.service import begin_sending, order_view
from core.parties.service import CodeTaken
from core.reports.checks import all_checks
from core.stock.service import available
from tests.builders import NOON, Shop, Sql, Talker, broken
from tests.support.binding import Binder
from tests.support.carriers import NOBODY
from tests.support.dialog import pay
from tests.support.memberships import Club, Now, SilentVault, a_club, membership_of
from tests.support.till import Till


def shanghai(*wall: int) -> datetime:
    return datetime(*wall, tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)  # type: ignore[arg-type, misc]


JANUARY_31 = shanghai(2027, 1, 31, 12, 0)


@pytest.fixture
def club(shop: Shop) -> Club:
    return a_club(shop)


@pytest.fixture
def monthly(club: Club) -> int:
    return club.goods("F1", 1, Unit.MONTH)


@pytest.fixture
def talker(shop: Shop) -> Talker:
    return shop.a_shopper()


def wrong(sql: Sql) -> dict[str, int]:
    """What `verify` finds about goods, orders and parties; money comes here without its notices."""
    return broken(sql, {name: text for name, text in all_checks().items() if not name.startswith("INV-M")})


def told(talker: Talker) -> list[tuple[str, dict[str, Any]]]:
    return [
        (kind, body)
        for kind, body in execute(
            "SELECT kind, body FROM message WHERE conversation_id = %s ORDER BY seq", (talker.conversation_id,)
        )
    ]


def test_a_membership_is_bought_like_goods_and_is_given_without_the_vault(
    club: Club, monthly: int, talker: Talker, sql: Sql
) -> None:
    order, (delivery,) = club.paid(talker, monthly, JANUARY_31)
    assert memberships_of(actor=talker.actor) == []

    assert deliver(delivery_id=delivery, vault=SilentVault(), carrier=NOBODY, now=JANUARY_31) is True

    view = membership_of(talker)
    assert (view.name("zh-CN"), view.since) == ("小铺会员", JANUARY_31)
    assert view.until == shanghai(2027, 2, 28, 12, 0)
    assert order_view(actor=talker.actor, order_id=order).status is OrderStatus.DELIVERED
    kind, body = told(talker)[1]
    assert kind == "membership"
    assert body == {
        "order": public(Prefix.ORDER, order),
        "plan": {"zh-CN": "小铺会员", "en": "Shop member"},
        "since": "2027-01-31T04:00:00+00:00",
        "until": "2027-02-28T04:00:00+00:00",
    }
    assert execute("SELECT since, until, anchor_day, zone FROM membership") == [
        (JANUARY_31, shanghai(2027, 2, 28, 12, 0), 31, "Asia/Shanghai")
    ]
    assert wrong(sql) == {}


@pytest.mark.parametrize(
    ("break_it", "invariant"),
    [
        ("DELETE FROM membership_period", "INV-O3"),
        ("UPDATE membership_period SET months = 2", "INV-O3"),
        ("UPDATE membership_period SET taken_back_at = given_at", "INV-O3"),
        ("UPDATE order_line SET gate = 'cancelled'", "INV-O3"),
        ("UPDATE delivery SET state = 'unknown', delivered_at = NULL, lease_until = NULL", "INV-O3"),
    ],
)
def test_verify_counts_a_membership_that_was_not_given_as_it_was_sold(
    club: Club, monthly: int, talker: Talker, sql: Sql, break_it: str, invariant: str
) -> None:
    club.buy(talker, monthly, JANUARY_31)

    sql(break_it)

    assert invariant in wrong(sql)


def test_fault_20_a_membership_begun_on_a_31st_and_renewed_each_month_ends_on_31sts(
    club: Club, monthly: int, talker: Talker
) -> None:
    """INV-P5: renewed before each end, to the second; the anchor never drifts to the 28th."""
    ends = []
    moment = JANUARY_31
    for _ in range(5):
        club.buy(talker, monthly, moment)
        ends.append(membership_of(talker).until)
        moment = ends[-1] - timedelta(seconds=1)

    assert [f"{end.astimezone(ZoneInfo('Asia/Shanghai')):%m-%d %H:%M}" for end in ends] == [
        *("02-28 12:00", "03-31 12:00", "04-30 12:00", "05-31 12:00", "06-30 12:00"),
    ]
    assert membership_of(talker).since == JANUARY_31


def test_inv_p5_after_the_end_it_begins_anew_and_keeps_the_new_day(club: Club, monthly: int, talker: Talker) -> None:
    club.buy(talker, monthly, JANUARY_31)
    over = membership_of(talker).until

    club.buy(talker, monthly, over)

    assert membership_of(talker).since == over
    assert membership_of(talker).until == shanghai(2027, 3, 28, 12, 0)


def test_three_pieces_or_a_year_of_the_same_plan_add_up(club: Club, monthly: int, talker: Talker) -> None:
    yearly = club.goods("F2", 1, Unit.YEAR)

    club.buy(talker, monthly, JANUARY_31, quantity=3)
    assert membership_of(talker).until == shanghai(2027, 4, 30, 12, 0)

    club.buy(talker, yearly, JANUARY_31 + timedelta(days=1))
    assert membership_of(talker).until == shanghai(2028, 4, 30, 12, 0)


def test_inv_p5_summer_time_moves_no_end_on_the_wall(club: Club, talker: Talker) -> None:
    weekly, berlin = club.goods("F3", 7, Unit.DAY), ZoneInfo("Europe/Berlin")
    begun = datetime(2027, 3, 26, 9, 0, tzinfo=berlin).astimezone(UTC)

    club.buy(talker, weekly, begun, zone="Europe/Berlin")

    until = membership_of(talker).until
    assert f"{until.astimezone(berlin):%Y-%m-%d %H:%M}" == "2027-04-02 09:00"
    assert until - begun == timedelta(days=7, hours=-1)


def test_inv_o6_a_period_is_given_once_however_often_it_is_handed_over(
    club: Club, monthly: int, talker: Talker, sql: Sql
) -> None:
    """INV-O7: a worker killed after it took the delivery leaves a lease; the next one gives the same period."""
    _, (delivery,) = club.paid(talker, monthly, JANUARY_31)
    in_transaction(lambda: begin_sending(delivery_id=delivery, now=JANUARY_31))  # and then kill -9
    soon, later = JANUARY_31 + timedelta(seconds=59), JANUARY_31 + timedelta(seconds=61)

    assert deliver(delivery_id=delivery, vault=SilentVault(), carrier=NOBODY, now=soon) is False
    assert deliver(delivery_id=delivery, vault=SilentVault(), carrier=NOBODY, now=later) is True
    assert deliver(delivery_id=delivery, vault=SilentVault(), carrier=NOBODY, now=later) is False

    assert membership_of(talker).until == later.replace(day=28, month=2)
    assert [kind for kind, _ in told(talker)] == ["paid", "membership"]
    with pytest.raises(Exception, match="membership_period_pkey"):
        sql("INSERT INTO membership_period SELECT * FROM membership_period")


def test_there_is_always_enough_and_nothing_is_held(club: Club, monthly: int, shop: Shop, sql: Sql) -> None:
    ((sku,),) = execute("SELECT sku_id FROM listing WHERE id = %s", (monthly,))
    day = JANUARY_31.date()

    assert available(merchant_id=shop.merchant, sku_ids=[sku], usable_on=day) == {sku: 100}
    stranger = shop.a_shopper(paid_orders=0)
    placed = shop.place(stranger, monthly, 20)

    assert wrong(sql) == {}
    assert available(merchant_id=shop.merchant, sku_ids=[sku], usable_on=day) == {sku: 100}
    assert cancel_order(actor=stranger.actor, order_id=placed.order_id, now=NOON) is True
    assert memberships_of(actor=stranger.actor) == []


def test_what_would_end_too_far_ahead_is_refused_before_anything_is_placed(
    club: Club, talker: Talker, shop: Shop
) -> None:
    decade = club.goods("F4", 10, Unit.YEAR)
    club.buy(talker, decade, JANUARY_31, quantity=4)
    before = shop.fingerprint()

    for quantity in (2, 100):
        with pytest.raises(MembershipTooLong):
            shop.place(talker, decade, quantity, now=JANUARY_31 + timedelta(days=1))

    assert shop.fingerprint() == before


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


def test_goods_of_a_plan_without_a_period_are_not_sold(club: Club, monthly: int, talker: Talker, sql: Sql) -> None:
    sql("DELETE FROM plan_period")

    with pytest.raises(UnknownListing):
        club.shop.place(talker, monthly)


def test_cards_cannot_be_brought_for_a_membership(club: Club, monthly: int, shop: Shop, sql: Sql) -> None:
    with pytest.raises(Exception, match="batch_has_cards"):
        sql(
            "INSERT INTO batch (id, owner_id, sku_id, terms, state, source_name, created_at)"
            " SELECT gen_random_uuid(), merchant_id, sku_id, 'own', 'selling', 'x', now() FROM listing"
        )


def test_there_are_no_cards_to_read_again(club: Club, monthly: int, talker: Talker) -> None:
    order = club.buy(talker, monthly, JANUARY_31)

    for wanted in (order, None):
        with pytest.raises(NothingDelivered):
            request_reread(
                actor=talker.actor, conversation_id=talker.conversation_id, order_id=wanted, submission_id=str(wanted),
                now=JANUARY_31,
            )  # fmt: skip


def test_late_money_for_a_membership_buys_it_after_all(club: Club, monthly: int, talker: Talker) -> None:
    placed = club.shop.place(talker, monthly, now=JANUARY_31)
    cancel_order(actor=talker.actor, order_id=placed.order_id, now=JANUARY_31)
    order = placed.order_id

    (delivery,) = pay(club.shop, Now(JANUARY_31 + timedelta(hours=1)), order)  # type: ignore[arg-type]
    assert deliver(delivery_id=delivery, vault=SilentVault(), carrier=NOBODY, now=JANUARY_31 + timedelta(hours=1))

    assert membership_of(talker).until == shanghai(2027, 2, 28, 13, 0)


def test_a_plan_is_set_up_by_its_merchant_for_its_own_goods_only(club: Club, monthly: int, shop: Shop) -> None:
    ((sku,),) = execute("SELECT sku_id FROM listing WHERE id = %s", (monthly,))
    other = shop.a_party("other")
    foreign = create_plan(actor=OPERATOR, merchant_id=other, code="vip", names={"zh-CN": "别家会员"}, now=NOON)
    stranger = Actor(ActorKind.STAFF, party_id=other, roles=frozenset({"owner"}))
    cards = shop.a_sku("A1")
    before = shop.fingerprint()

    for changed, refusal in (
        ({"plan_id": foreign}, Invalid),
        ({"plan_id": 999}, NotFound),
        ({"sku_id": 999}, NotFound),
        ({"sku_id": cards}, Invalid),
        ({"count": 0}, Invalid),
        ({"count": 51, "unit": Unit.YEAR}, Invalid),
        ({"actor": stranger}, NotFound),
    ):
        asked: dict[str, Any] = {"actor": OPERATOR, "sku_id": sku, "plan_id": club.plan, "count": 1, "unit": Unit.MONTH}
        with pytest.raises(refusal):
            set_period(**{**asked, **changed}, now=NOON)
    with pytest.raises(CodeTaken):
        create_plan(actor=OPERATOR, merchant_id=shop.merchant, code="vip", names={"zh-CN": "又一个"}, now=NOON)
    with pytest.raises(Invalid):
        create_plan(actor=OPERATOR, merchant_id=shop.platform, code="vip", names={"zh-CN": "平台会员"}, now=NOON)

    assert shop.fingerprint() == before
    (view,) = plans_of(merchant_id=shop.merchant)
    assert view.offers == (PlanOffer("F1", 1500, "CNY", 1, Unit.MONTH),)


def test_raw_sql_gives_a_plan_no_goods_of_another_merchant(club: Club, shop: Shop, sql: Sql) -> None:
    with pytest.raises(Exception, match="plan_period_of_own_goods"):
        sql("INSERT INTO plan_period VALUES (%s, %s, 1, 'month')", [shop.a_sku("A1"), club.plan])


def test_a_change_of_a_period_is_for_what_is_sold_from_then_on(club: Club, monthly: int, talker: Talker) -> None:
    """INV-O8: a line gives what was promised when it was ordered."""
    ((sku,),) = execute("SELECT sku_id FROM listing WHERE id = %s", (monthly,))
    _, (delivery,) = club.paid(talker, monthly, JANUARY_31)
    set_period(actor=OPERATOR, sku_id=sku, plan_id=club.plan, count=1, unit=Unit.DAY, now=JANUARY_31)

    deliver(delivery_id=delivery, vault=SilentVault(), carrier=NOBODY, now=JANUARY_31)

    assert membership_of(talker).until == shanghai(2027, 2, 28, 12, 0)


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
    assert membership_of(talker).until == till.now.replace(month=4)
    assert order_view(actor=talker.actor, order_id=placed.order_id).status is OrderStatus.REFUNDED
    assert execute("SELECT amount_minor, to_wallet, state FROM refund") == [(1500, False, "requested")]
    assert {name: count for name, count in broken(sql, all_checks()).items() if name not in ("INV-M2", "INV-M10")} == {}


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
