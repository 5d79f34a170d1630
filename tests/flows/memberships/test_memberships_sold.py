"""Memberships that are sold: bought like goods, given once, renewed, counted from their anchor (fault 20, INV-P5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.db import execute, in_transaction
from core.fulfilment.memberships import give_membership
from core.fulfilment.service import NothingDelivered, deliver, request_reread
from core.ids import Prefix, public
from core.members.memberships import MembershipTooLong, memberships_of
from core.members.periods import Unit
from core.orders.ending import cancel_order
from core.orders.rules import OrderStatus
from core.orders.service import begin_sending, order_view
from core.stock.service import available
from ops.bench.recording import recorded
from tests.builders import NOON, Shop, Sql, Talker
from tests.support.carriers import NOBODY
from tests.support.dialog import pay
from tests.support.memberships import JANUARY_31, Club, Now, SilentVault, membership_of, shanghai, told, wrong


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


def test_inv_o6_a_sender_that_lost_its_lease_gives_nothing(club: Club, monthly: int, talker: Talker) -> None:
    """INV-O7: slow, not dead: it wakes up after another has taken the delivery, and before that one has given it."""
    _, (delivery,) = club.paid(talker, monthly, JANUARY_31)
    slow = in_transaction(lambda: begin_sending(delivery_id=delivery, now=JANUARY_31))
    assert slow is not None
    later = JANUARY_31 + timedelta(seconds=61)
    other = in_transaction(lambda: begin_sending(delivery_id=delivery, now=later))
    assert other is not None

    assert give_membership(sending=slow, now=later) is False
    assert memberships_of(actor=talker.actor) == []
    assert give_membership(sending=other, now=later) is True

    assert membership_of(talker).until == later.replace(day=28, month=2)


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


def test_a_membership_stays_within_the_statements_of_an_order(club: Club, monthly: int, talker: Talker) -> None:
    """The second of its kind, as for cards: place and settle at most 10 round trips, deliver at most 8."""
    club.buy(talker, monthly, JANUARY_31)
    with recorded() as recording:
        with recording.during("place"):
            placed = club.shop.place(talker, monthly, 3, now=JANUARY_31)
        with recording.during("settle"):
            (delivery,) = pay(club.shop, Now(JANUARY_31), placed.order_id)  # type: ignore[arg-type]
        with recording.during("deliver"):
            deliver(delivery_id=delivery, vault=SilentVault(), carrier=NOBODY, now=JANUARY_31)

    assert recording.statements("place") <= 10
    assert recording.statements("settle") <= 10
    assert recording.statements("deliver") <= 8
    assert [recording.commits(phase) for phase in ("place", "settle", "deliver")] == [1, 1, 2]
