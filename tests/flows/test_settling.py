"""What a settlement refuses by itself, whatever its caller looked at: another amount, and cards that are not there."""

import pytest

from core.orders.rules import CannotSettle
from tests.builders import Shop
from tests.flows.test_order_life import clearing, settle


@pytest.mark.parametrize("minor", [1, 1999, 2001, 200000])
def test_inv_o2_an_order_is_settled_for_its_total_and_for_no_other_amount(shop: Shop, minor: int) -> None:
    shop.a_batch(cards=5)
    order = shop.place(shop.a_shopper(), shop.a_listing(price=1000), 2).order_id
    clearing(shop)
    before = shop.fingerprint()

    with pytest.raises(CannotSettle) as refusal:
        settle(shop, order, minor)

    assert refusal.value.params == {"why": "amount"}
    assert shop.fingerprint() == before


def test_inv_o3_an_order_with_a_card_too_few_is_not_settled(shop: Shop) -> None:
    shop.a_batch(cards=5)
    order = shop.place(shop.a_shopper(), shop.a_listing(price=1000), 3).order_id
    shop.sql(
        "UPDATE card SET state = 'free', line_id = NULL WHERE id = (SELECT id FROM card WHERE state = 'held' LIMIT 1)"
    )
    clearing(shop)
    before = shop.fingerprint()

    with pytest.raises(RuntimeError, match="disagree"):
        settle(shop, order, 3000)

    assert shop.fingerprint() == before
