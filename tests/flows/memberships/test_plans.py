"""Plans and their goods: who sets them up, what may be sold as one, and what the database itself refuses."""

from __future__ import annotations

from typing import Any

import pytest

from core.actor import OPERATOR, Actor, ActorKind
from core.catalog.service import UnknownListing
from core.db import execute
from core.errors import Invalid, NotFound
from core.fulfilment.service import deliver
from core.members.periods import Unit
from core.members.plans import PlanOffer, create_plan, plans_of, set_period
from core.orders.rules import PriceChanged
from core.parties.service import CodeTaken
from tests.builders import NOON, Shop, Sql, Talker
from tests.support.carriers import NOBODY
from tests.support.memberships import JANUARY_31, Club, SilentVault, membership_of, shanghai


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


def test_an_old_button_does_not_buy_a_period_that_changed_meanwhile(club: Club, monthly: int, talker: Talker) -> None:
    """INV-O8: what was seen is what is bought, or it is asked anew; the same period said again changes nothing."""
    ((sku, version),) = execute("SELECT sku_id, version FROM listing WHERE id = %s", (monthly,))
    for count in (1, 2, 2):
        set_period(actor=OPERATOR, sku_id=sku, plan_id=club.plan, count=count, unit=Unit.MONTH, now=NOON)
    before = club.shop.fingerprint()

    with pytest.raises(PriceChanged):
        club.shop.place(talker, monthly, seen_version=version)

    assert club.shop.fingerprint() == before
    assert execute("SELECT version FROM listing WHERE id = %s", (monthly,)) == [(version + 1,)]
