"""Trade accounts along the chain: what an order costs each buyer is held when it is placed, used when it is paid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.ids import new_id
from core.ledger.parts import WHOLE, asked
from core.orders.checks import PARTS
from core.orders.service import cancel_order, expire_due
from core.payments.service import pay_from_wallet
from core.reports.trace import trace_order
from core.stock.rules import OutOfStock
from core.stock.service import available
from ops.commands.trace import of_order
from tests.builders import NOON, Shop, later
from tests.support.till import Till
from tests.support.trade import CHAIN, COSTS, a_chain, limit, stands, top_up, violated


@pytest.fixture
def till(shop: Shop) -> Till:
    return a_chain(shop)


def test_an_order_holds_its_cost_on_every_hop_and_payment_captures_it(till: Till) -> None:
    """INV-M5, INV-M7, INV-M10, INV-M12: the seller keeps the shopper's money for what its trade account pays."""
    shop = till.shop
    order = shop.place(shop.a_shopper(), shop.a_listing(), 2)
    held = {"agent1→brand1": (0, 3000, 100_000), "dist1→agent1": (0, 3120, 100_000), "demo→dist1": (0, 3240, 100_000)}
    assert stands(shop) == held

    till.pay(order)

    used = {
        "agent1→brand1": (-3000, 0, 100_000),
        "dist1→agent1": (-3120, 0, 100_000),
        "demo→dist1": (-3240, 0, 100_000),
    }
    assert stands(shop) == used
    rows = shop.sql(
        "SELECT a.kind, a.holder, sum(CASE WHEN t.credit_id = a.id THEN t.amount ELSE -t.amount END)::int"
        " FROM account a JOIN transfer t ON a.id IN (t.debit_id, t.credit_id)"
        " WHERE a.kind IN ('pending', 'trade_sales') GROUP BY a.kind, a.holder"
    )
    names = {f"party:{number}": code for code, number in shop._made.items()}
    assert {(kind, names[holder]): net for kind, holder, net in rows} == {
        ("pending", "brand1"): 0,
        ("pending", "agent1"): 0,
        ("pending", "dist1"): 0,
        ("pending", "demo"): 2 * 1990 - 39,
        ("trade_sales", "brand1"): 3000,
        ("trade_sales", "agent1"): 3120,
        ("trade_sales", "dist1"): 3240,
    }
    assert violated() == {}


def cancel(till: Till, talker: Any, order: Any) -> None:
    cancel_order(actor=talker.actor, order_id=order.order_id, now=till.now)


def expire(till: Till, talker: Any, order: Any) -> None:
    expire_due(now=later(15))


@pytest.mark.parametrize("end", [cancel, expire])
def test_an_order_that_ends_unpaid_gives_back_what_it_held_on_every_hop(till: Till, end: Callable[..., None]) -> None:
    shop, talker = till.shop, till.shop.a_shopper()
    order = shop.place(talker, shop.a_listing(), 2)

    end(till, talker, order)

    assert set(stands(shop).values()) == {(0, 0, 100_000)}
    assert set(shop.sql("SELECT DISTINCT state, released = amount FROM trade_hold")) <= {
        ("released", True),
        ("expired", True),
    }
    assert violated() == {}


@pytest.mark.parametrize("hop", range(3))
def test_a_hop_without_room_is_sold_out_before_anything_is_paid(till: Till, hop: int) -> None:
    """Fault 103, INV-M11: the refusal is clear and changes nothing; one fen more would have been enough."""
    shop = till.shop
    creditor, debtor = CHAIN[hop], [*CHAIN[1:], "demo"][hop]
    limit(shop, creditor, debtor, COSTS[hop] - 1)
    talker, listing = shop.a_shopper(), shop.a_listing()
    before = shop.fingerprint()

    with pytest.raises(OutOfStock) as refused:
        shop.place(talker, listing)

    assert refused.value.params == {"code": "A1", "left": 0}
    assert shop.fingerprint() == before
    limit(shop, creditor, debtor, COSTS[hop])
    shop.place(talker, listing)


def test_where_two_parties_have_no_account_nothing_is_sold_on_credit(shop: Shop) -> None:
    brand, listing = shop.a_party("brand1", "supplier"), shop.a_listing()
    shop.an_offer(brand, shop.merchant, price_micro=7_000_000, credit=None)
    shop.a_batch(cards=5, owner=brand, supplier=brand, terms="consigned")

    with pytest.raises(OutOfStock):
        shop.place(shop.a_shopper(), listing)


def test_a_short_hop_takes_the_next_source_for_what_it_does_not_reach(till: Till) -> None:
    """Fault 103: five are wanted, dist1's line reaches for two, the others come from a dearer seller."""
    shop = till.shop
    limit(shop, "dist1", "demo", 2 * 1620 + 1619)
    other = shop.a_party("brand2", "supplier")
    shop.an_offer(other, shop.merchant, price_micro=17_000_000, credit=100_000)
    dear = shop.a_batch(cards=10, owner=other, supplier=other, terms="consigned")

    order = shop.place(shop.a_shopper(), shop.a_listing(), 5)
    till.pay(order)

    assert shop.card_states(dear) == {"free": 7, "claimed": 3}
    assert stands(shop)["demo→brand2"] == (-5100, 0, 100_000)
    assert stands(shop)["demo→dist1"] == (-3240, 0, 4859)
    assert violated() == {}


def test_prepaid_money_is_spent_before_credit_and_both_together_are_the_room(till: Till) -> None:
    shop = till.shop
    limit(shop, "dist1", "demo", 1000)
    top_up(shop, "dist1", "demo", 2300)

    till.pay(shop.place(shop.a_shopper(), shop.a_listing(), 2))

    assert stands(shop)["demo→dist1"] == (2300 - 3240, 0, 1000)
    assert violated() == {}
    with pytest.raises(OutOfStock):
        shop.place(shop.a_shopper(), shop.a_listing())


def test_stock_that_no_trade_account_reaches_is_not_shown(till: Till) -> None:
    shop = till.shop
    asked = {"merchant_id": shop.merchant, "sku_ids": [shop.a_sku()], "usable_on": NOON.date()}
    assert available(**asked) == {shop.a_sku(): 10}

    limit(shop, "agent1", "dist1", 3 * 1560)

    assert available(**asked) == {shop.a_sku(): 3}
    shop.a_batch(cards=4)  # the merchant's own need no trade account
    assert available(**asked) == {shop.a_sku(): 7}
    limit(shop, "agent1", "dist1", 0)
    assert available(**asked) == {shop.a_sku(): 4}


def test_late_money_holds_again_on_the_trade_accounts(till: Till) -> None:
    shop = till.shop
    order = shop.place(shop.a_shopper(), shop.a_listing())
    payment = till.start(order)
    till.wait(minutes=16)
    expire_due(now=till.now)

    till.receive(till.notice(payment, 1990))

    assert till.order_state(order) == "paid"
    assert stands(shop)["demo→dist1"] == (-1620, 0, 100_000)
    assert shop.sql("SELECT state, count(*)::int FROM trade_hold GROUP BY state ORDER BY state") == [
        ("captured", 3),
        ("expired", 3),
    ]
    assert violated() == {}


def test_late_money_whose_hop_has_no_room_any_more_waits_for_the_shoppers_choice(till: Till) -> None:
    shop = till.shop
    order = shop.place(shop.a_shopper(), shop.a_listing())
    payment = till.start(order)
    till.wait(minutes=16)
    expire_due(now=till.now)
    limit(shop, "brand1", "agent1", 1499)

    till.receive(till.notice(payment, 1990))

    assert till.order_state(order) == "expired"
    assert shop.card_states() == {"free": 10}
    assert stands(shop)["demo→dist1"] == (0, 0, 100_000)
    assert shop.sql("SELECT booked_to, reason FROM payment_event") == [("suspense", "late")]
    assert violated() == {}


def test_an_order_paid_from_the_wallet_uses_the_trade_accounts_too(till: Till) -> None:
    shop, talker = till.shop, till.shop.a_shopper()
    till.fill_wallet(talker, 5000)
    order = shop.place(talker, shop.a_listing())

    pay_from_wallet(actor=talker.actor, order_id=order.order_id, submission_id=str(new_id()), now=till.now)

    assert stands(shop)["demo→dist1"] == (-1620, 0, 100_000)
    assert violated() == {}


def test_the_platforms_fee_is_held_where_it_keeps_an_account_of_the_merchant(till: Till) -> None:
    shop = till.shop
    limit(shop, "platform", "demo", 20)
    till.pay(shop.place(shop.a_shopper(), shop.a_listing()))
    assert stands(shop)["demo→platform"] == (-19, 0, 20)
    assert violated() == {}

    with pytest.raises(OutOfStock) as refused:
        shop.place(shop.a_shopper(), shop.a_listing())
    assert refused.value.params == {"code": "A1", "left": 0}


def test_trace_says_per_hop_what_is_held_and_what_was_paid(till: Till) -> None:
    shop = till.shop
    order = shop.place(shop.a_shopper(), shop.a_listing(), 2)
    held = "\n".join(of_order(trace_order(order_id=order.order_id), ZoneInfo("Asia/Shanghai")))
    till.pay(order)
    paid = "\n".join(of_order(trace_order(order_id=order.order_id), ZoneInfo("Asia/Shanghai")))

    assert "hop         dist1 → demo  16.200000 CNY a card  margin 1.20 CNY  trade account holds 32.40 CNY" in held
    assert "hop         brand1 → agent1  15.000000 CNY a card  margin 30.00 CNY  trade account paid 30.00 CNY" in paid


COSTS_NOTHING = {
    ("CNY", 2_500): 0,  # half a fen for two cards
    ("CNY", 2_501): 2,
    ("CNY", 9_000): 2,  # below a fen each, and to be paid all the same
    ("JPY", 250_000): 0,  # half a yen
    ("JPY", 250_001): 2,
    ("USDT", 1): 2,  # its smallest unit is a millionth
}


def test_cards_that_nobody_paid_for_are_told_unless_their_price_rounds_to_nothing_in_its_currency(till: Till) -> None:
    """INV-M12: by the currency's own smallest unit, and by what the whole line costs."""
    shop = till.shop
    till.pay(shop.place(shop.a_shopper(), shop.a_listing(), 2))
    part = [one for one in PARTS if one.invariant == "INV-M12"][2]
    behind = "SET session_replication_role = replica; DELETE FROM trade_hold; UPDATE shop_order SET currency = '{}';"
    sound, found = shop.sql(asked(part, WHOLE)), {}
    for currency, price in COSTS_NOTHING:
        shop.sql(behind.format(currency) + f"UPDATE offer SET price_micro = {price}", role="superuser")
        found[currency, price] = shop.sql(asked(part, WHOLE))[0][0]

    assert sound == [(0,)]
    assert found == COSTS_NOTHING
