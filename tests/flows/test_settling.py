"""What a settlement refuses by itself, whatever its caller looked at: another amount, and cards that are not there."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.db import execute, in_transaction
from core.ids import new_id
from core.orders import trading
from core.orders.rules import CannotSettle
from tests.builders import NOON, Shop
from tests.flows.test_order_life import clearing, settle
from tests.support.trade import a_chain, stands


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


TRADED = "SET session_replication_role = replica; "
AWRY = {
    "a hop was let go already": "UPDATE trade_hold SET state = 'released', released = amount, settled_at = now()"
    " WHERE position = 1",
    "a hop's account is gone": f"{TRADED}DELETE FROM trade_account"
    " WHERE account_id = (SELECT account_id FROM trade_hold WHERE position = 1)",
    "the seller's account is gone": f"{TRADED}UPDATE account SET holder = holder || '0' WHERE kind = 'pending'",
}


@pytest.mark.parametrize("what", AWRY)
def test_inv_m12_an_order_of_which_a_hop_is_not_held_any_more_is_not_settled(shop: Shop, what: str) -> None:
    """INV-M12: it would be sold with a hop that costs nobody anything, and with claims that nothing pays."""
    order = _a_traded_order(shop)
    shop.sql(AWRY[what], role="superuser")
    before = shop.fingerprint()

    with pytest.raises(RuntimeError, match="a line's holds and its trade accounts disagree"):
        settle(shop, order, 2 * 1990)

    assert shop.fingerprint() == before


BACK = {
    "a hop was given back already": "UPDATE trade_hold SET returned = captured WHERE position = 1",
    "a hop's account is gone": AWRY["a hop's account is gone"],
}


@pytest.mark.parametrize("what", BACK)
def test_inv_m12_what_a_line_captured_goes_back_whole_or_not_at_all(shop: Shop, what: str) -> None:
    """INV-M12: else a refunded line would leave a buyer of the chain owing for it."""
    order = _a_traded_order(shop)
    settle(shop, order, 2 * 1990)
    ((line,),) = execute("SELECT id FROM order_line")
    shop.sql(BACK[what], role="superuser")
    before = shop.fingerprint()

    def back() -> None:
        trading.give_back(line_id=line, reference=new_id(), merchant_id=shop.merchant, currency="CNY", now=NOON)

    with pytest.raises(RuntimeError, match="a line's holds and its trade accounts disagree"):
        in_transaction(back)

    assert shop.fingerprint() == before


def _a_traded_order(shop: Shop) -> UUID:
    """Two cards from three sellers up the chain, held and not paid yet."""
    a_chain(shop)
    order = shop.place(shop.a_shopper(), shop.a_listing(), 2).order_id
    clearing(shop)
    assert {held for _, held, _ in stands(shop).values()} == {3000, 3120, 3240}
    return order
