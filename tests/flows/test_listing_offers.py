"""What suppliers offer is listed by a rule in one step, and prices follow a cost; nobody lists what was not shown."""

from __future__ import annotations

from typing import Any

import pytest

from core.actor import OPERATOR, Actor, ActorKind
from core.errors import Invalid, NotAllowed, NotFound
from core.ids import new_id
from core.money import GREATEST, Money
from core.parties.service import CodeTaken, Role
from core.supply.listing_offers import CostMoved, Moved, Pick, follow_costs, list_offers
from core.supply.markup import Ending, Markup, margin
from core.supply.service import withdraw_offer
from tests.builders import NOON, Shop

RULE = Markup(2000, Ending.NINETY)


def test_a_price_is_the_cost_with_the_rule_on_top_rounded_up_to_its_ending() -> None:
    """No ending eats the margin; a fraction of a cent counts as one; a currency of no cents has no ending."""
    cases: dict[tuple[int, Ending, int, str], int] = {
        (2000, Ending.NINETY, 7_420_000, "CNY"): 990,
        (2000, Ending.NINETY, 7_416_666, "CNY"): 890,
        (2000, Ending.NINETY, 7_416_667, "CNY"): 990,
        (0, Ending.WHOLE, 3_000_000, "CNY"): 300,
        (0, Ending.WHOLE, 3_000_001, "CNY"): 400,
        (1250, Ending.EXACT, 1_000_001, "CNY"): 113,
        (0, Ending.HALF, 500_001, "CNY"): 150,
        (0, Ending.NINETY_NINE, 0, "CNY"): 99,
        (1000, Ending.NINETY_NINE, 1_234_567, "JPY"): 2,
        (0, Ending.EXACT, 5, "USDT"): 5,
    }
    assert {case: Markup(case[0], case[1]).price(case[2], case[3]).minor for case in cases} == cases
    assert margin(Money(990, "CNY"), 7_420_001) == Money(247, "CNY")
    assert margin(Money(100, "CNY"), 2_000_000) == Money(-100, "CNY")
    for basis_points in (-1, 1_000_001):
        with pytest.raises(Invalid):
            Markup(basis_points, Ending.EXACT)
    with pytest.raises(Invalid):
        Markup(1_000_000, Ending.EXACT).price(GREATEST, "USDT")


def keeper(party: int, *roles: Role) -> Actor:
    return Actor(ActorKind.STAFF, new_id(), party, frozenset(roles or {Role.CATALOG}))


@pytest.fixture
def offered(shop: Shop) -> Shop:
    """A1 is sold already; B1 and C1 are only offered; D1 is offered to another merchant."""
    brand, other = shop.a_party("brand1", "supplier"), shop.a_party("other")
    shop.a_listing("A1", 500)
    for code, price in (("A1", 7_420_000), ("B1", 1_000_000), ("C1", 2_000_000)):
        shop.an_offer(brand, shop.merchant, price_micro=price, code=code, credit=None)
    shop.an_offer(brand, other, price_micro=1, code="D1", credit=None)
    return shop


def do_list(shop: Shop, *picks: tuple[str, str, int], **more: Any) -> int:
    given = [Pick(shop.a_sku(sku), code, seen) for sku, code, seen in picks]
    values: dict[str, Any] = {"actor": keeper(shop.merchant), "merchant_id": shop.merchant, "rule": RULE, **more}
    return list_offers(picks=given, currency="CNY", now=NOON, **values)


def prices(shop: Shop) -> list[tuple[str, int]]:
    return shop.sql("SELECT code, price_minor FROM listing ORDER BY code")


def test_offers_are_listed_together_or_not_at_all_at_the_prices_that_were_seen(offered: Shop) -> None:
    """INV-T1: another merchant's offer is as one that is not there."""
    other = offered.a_party("other")
    before = offered.fingerprint()
    good = ("B1", "B1", 190)
    for kind, picks, more in (
        (CostMoved, [good, ("C1", "C1", 300)], {}),
        (NotFound, [good, ("D1", "D1", 90)], {}),
        (CodeTaken, [good, ("C1", "A1", 290)], {}),
        (Invalid, [good, ("C1", "c 1", 290)], {}),
        (Invalid, [good, good], {}),
        (Invalid, [], {}),
        (NotFound, [good], {"merchant_id": other}),
        (NotAllowed, [good], {"actor": keeper(offered.merchant, Role.FINANCE)}),
    ):
        with pytest.raises(kind):
            do_list(offered, *picks, **more)
    assert offered.fingerprint() == before

    assert do_list(offered, good, ("C1", "X9", 290), ("A1", "", 990)) == 3
    assert prices(offered) == [("A1", 990), ("B1", 190), ("X9", 290)]
    assert offered.sql("SELECT DISTINCT basis_points, ending FROM markup") == [(2000, "90")]
    assert do_list(offered, good) == 1  # again: it is there, and costs the same
    assert offered.sql("SELECT version FROM listing WHERE code = 'B1'") == [(1,)]


def test_a_price_follows_its_cost_when_somebody_says_so(offered: Shop) -> None:
    do_list(offered, ("B1", "B1", 190))
    brand = offered.a_party("brand1")
    offered.an_offer(brand, offered.merchant, price_micro=2_000_000, code="B1", credit=None)
    ((listing,),) = offered.sql("SELECT id FROM listing WHERE code = 'B1'")
    ((unruled,),) = offered.sql("SELECT id FROM listing WHERE code = 'A1'")

    def follow(listing_id: int = listing, seen: int = 290, **more: Any) -> int:
        values: dict[str, Any] = {"actor": keeper(offered.merchant), "merchant_id": offered.merchant, **more}
        return follow_costs(moved=[Moved(listing_id, seen)], now=NOON, **values)

    before = offered.fingerprint()
    other = offered.a_party("other")
    for kind, given in (
        (CostMoved, {"seen": 190}),
        (NotFound, {"listing_id": unruled}),
        (NotFound, {"actor": keeper(other), "merchant_id": other}),
        (NotAllowed, {"actor": keeper(offered.merchant, Role.SUPPORT)}),
    ):
        with pytest.raises(kind):
            follow(**given)
    assert offered.fingerprint() == before
    assert follow() == 1
    assert prices(offered) == [("A1", 500), ("B1", 290)]
    assert offered.sql("SELECT cost_micro FROM markup") == [(2_000_000,)]
    withdraw_offer(actor=OPERATOR, seller_id=brand, buyer_id=offered.merchant, sku_id=offered.a_sku("B1"), now=NOON)
    with pytest.raises(NotFound):
        follow()
