"""Who gets what of a line, and who may hold stock: pure rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.pricing.rules import CostGroup, ShareRole, fee, quote, split
from core.risk.rules import (
    HoldPolicy,
    RiskFacts,
    StockKeptForOthers,
    TooManyOnNetwork,
    TooManyUnpaid,
    cap,
    decide,
    is_near_a_cap,
)

CHAIN = ((1, 11, 6_000_000), (2, 12, 7_500_000), (3, 13, 8_000_000))


def shares_of(total: int, groups: list[CostGroup], basis_points: int = 100) -> dict[tuple[str, int], int]:
    shares = split(
        total_minor=total, currency="CNY", merchant_id=1, platform_id=2, fee_basis_points=basis_points, groups=groups
    )
    return {(share.role.value, share.party_id): share.amount_minor for share in shares}


def test_each_hop_gets_its_own_margin_and_the_merchant_the_rest() -> None:
    assert shares_of(2000, [CostGroup(2, 0, CHAIN)]) == {
        ("upstream", 11): 1200,
        ("upstream", 12): 300,
        ("upstream", 13): 100,
        ("platform_fee", 2): 20,
        ("merchant", 1): 380,
    }


def test_a_sale_below_cost_makes_the_merchants_share_negative_and_never_the_suppliers() -> None:
    assert shares_of(1000, [CostGroup(2, 0, CHAIN)])[("merchant", 1)] == -610
    assert shares_of(1000, [CostGroup(2, 0, CHAIN)])[("upstream", 11)] == 1200


def test_owned_cards_pay_their_cost_back_into_stock() -> None:
    assert shares_of(2000, [CostGroup(2, 7_000_000, ())], basis_points=0) == {("cost", 1): 1400, ("merchant", 1): 600}


def test_a_free_line_has_no_shares_but_its_costs() -> None:
    assert shares_of(0, []) == {}
    assert shares_of(0, [CostGroup(1, 0, CHAIN)])[("merchant", 1)] == -800


def test_the_fee_is_rounded_down() -> None:
    assert [fee(total_minor=total, basis_points=100) for total in (99, 100, 199, 200)] == [0, 1, 1, 2]


@given(
    st.integers(0, 10**9),
    st.integers(0, 10_000),
    st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 10**10), st.booleans()), max_size=4),
)
def test_inv_m7_shares_add_up_to_the_line_to_the_minor_unit(
    total: int, basis_points: int, groups: list[tuple[int, int, bool]]
) -> None:
    made = [
        CostGroup(count, 0, ((n, 11 + n, micro), (n + 50, 99, micro + 3))) if chained else CostGroup(count, micro, ())
        for n, (count, micro, chained) in enumerate(groups)
    ]

    assert (
        sum(
            shares.amount_minor
            for shares in split(
                total_minor=total,
                currency="CNY",
                merchant_id=1,
                platform_id=2,
                fee_basis_points=basis_points,
                groups=made,
            )
        )
        == total
    )


def test_a_quote_says_how_the_price_came_about() -> None:
    priced = quote(list_price_minor=2500, quantity=3)

    assert priced.total_minor == 7500
    assert priced.reasons == ({"code": "list_price", "minor": 2500, "quantity": 3},)


def facts(**over: int | bool) -> RiskFacts:
    base = {
        "stranger": False,
        "quantity": 1,
        "unpaid_of_shopper": 0,
        "unpaid_of_network": 0,
        "held": 0,
        "held_by_strangers": 0,
        "sellable": 100,
    }
    return RiskFacts(**(base | over))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("over", "refusal"),
    [
        ({"unpaid_of_shopper": 3}, TooManyUnpaid),
        ({"unpaid_of_network": 20}, TooManyOnNetwork),
        ({"stranger": True, "quantity": 21}, StockKeptForOthers),
        ({"stranger": True, "held": 20, "held_by_strangers": 20}, StockKeptForOthers),
        ({"held": 50}, StockKeptForOthers),
        ({"held": 49, "quantity": 2}, StockKeptForOthers),
    ],
)
def test_what_is_refused(over: dict[str, int | bool], refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        decide(facts(**over), HoldPolicy())


@pytest.mark.parametrize(
    "over",
    [
        {},
        {"unpaid_of_shopper": 2},
        {"stranger": True, "quantity": 20},
        {"held": 49},
        {"quantity": 80},
        {"sellable": 1},
        {"stranger": True, "sellable": 1},
        {"sellable": 0, "quantity": 5, "stranger": True},
    ],
)
def test_what_may_go_on_with_its_reasons(over: dict[str, int | bool]) -> None:
    decision = decide(facts(**over), HoldPolicy())

    assert decision.reasons["decision"] == "allow"
    assert decision.reasons["facts"]["quantity"] == facts(**over).quantity


def test_a_share_is_rounded_down_and_one_card_can_always_be_held() -> None:
    assert [cap(sellable=n, percent=20) for n in (0, 1, 4, 5, 9, 10, 50)] == [1, 1, 1, 1, 1, 2, 10]


def test_a_cap_far_off_needs_no_lock() -> None:
    assert not is_near_a_cap(facts(sellable=10_000), HoldPolicy())
    assert is_near_a_cap(facts(sellable=40), HoldPolicy())
    assert ShareRole.UPSTREAM == "upstream"
