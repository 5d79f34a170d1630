"""Fifty buyers at once and one hop's trade account that reaches for twenty of them, with the control."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from core.actor import OPERATOR
from core.ledger import trade
from core.orders import place
from core.orders.service import OrderPolicy, PlacedOrder, cancel_order
from core.reports.checks import verify
from core.risk.rules import HoldPolicy
from core.stock import service as stock
from core.supply.trade import LimitInUse, set_credit_limit
from tests.builders import NOON, Shop
from tests.races.racing import at_once, failures
from tests.support.till import Till

BUYERS = 50
REACHES_FOR = 20
AT_ONCE = 10
PRICE = 1000
COST = 700


@pytest.fixture
def till(shop: Shop) -> Till:
    """One card costs brand1's buyer 7.00 and the merchant 8.00; behind comes a dearer seller with ten cards."""
    till = Till(shop)
    till.account()
    shop.policy = OrderPolicy(holds=HoldPolicy(share_percent=100))
    shop.a_listing(price=PRICE)
    brand, agent, dear = (shop.a_party(code, "supplier") for code in ("brand1", "agent1", "brand2"))
    shop.an_offer(brand, agent, price_micro=COST * 10_000, credit=COST * REACHES_FOR + COST - 1)
    shop.an_offer(agent, shop.merchant, price_micro=8_000_000)
    shop.an_offer(dear, shop.merchant, price_micro=9_000_000)
    shop.a_batch(cards=100, owner=brand, supplier=brand, terms="consigned")
    shop.a_batch(cards=10, owner=dear, supplier=dear, terms="consigned")
    return till


def fifty_order(shop: Shop) -> tuple[list[Any], list[PlacedOrder]]:
    """All at once; returns every result and the orders that were placed."""
    talkers = [shop.a_shopper() for _ in range(BUYERS)]
    results = at_once([lambda talker=talker: shop.place(talker, shop.a_listing()) for talker in talkers])
    return results, [result for result in results if isinstance(result, PlacedOrder)]


def brands_account(shop: Shop) -> tuple[int, int, int]:
    """(balance, set aside, floor) of agent1's trade account at brand1."""
    rows = shop.sql(
        "SELECT a.balance, a.aside, a.floor FROM account a JOIN trade_account t ON t.account_id = a.id"
        " WHERE t.creditor_id = %s",
        [shop.a_party("brand1")],
    )
    balance, aside, floor = rows[0]
    return balance, aside, floor


def test_fault_103_a_hop_that_runs_empty_sells_what_it_reaches_for_and_no_more(till: Till) -> None:
    """INV-M11, INV-M12: twenty along the chain, ten from the next source, twenty refused before they paid anything."""
    results, placed = fifty_order(till.shop)

    assert len(placed) == REACHES_FOR + 10
    assert set(failures(results)) <= {"OutOfStock", "HeldByOthers"}
    assert brands_account(till.shop) == (0, REACHES_FOR * COST, -(REACHES_FOR * COST + COST - 1))
    assert till.shop.card_states() == {"free": 80, "held": REACHES_FOR + 10}
    at_once([lambda order=order: till.pay(order) for order in placed])
    assert brands_account(till.shop) == (-REACHES_FOR * COST, 0, -(REACHES_FOR * COST + COST - 1))
    assert till.shop.count("payment") == REACHES_FOR + 10
    assert [finding for finding in verify() if finding.violations] == []


def test_control_without_floor_and_condition_the_account_runs_below_its_limit(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 103: every buyer read the room before any took it."""
    till.shop.sql("ALTER TABLE account DROP CONSTRAINT account_floor")
    monkeypatch.setattr(trade, "HOLD", trade.HOLD.replace("AND (w.change < 0 OR w.change <= l.room)", ""))
    meeting = threading.Barrier(AT_ONCE, timeout=20)
    sellable = stock._sellable

    def all_at_the_same_time(*asked: Any) -> Any:
        batches = sellable(*asked)
        meeting.wait()
        return batches

    monkeypatch.setattr(stock, "_sellable", all_at_the_same_time)
    monkeypatch.setattr(place, "is_near_a_cap", lambda *_: False)
    talkers = [till.shop.a_shopper() for _ in range(AT_ONCE)]
    till.shop.sql("UPDATE account SET floor = -2100 WHERE kind = 'trade' AND floor > -100000")

    at_once([lambda talker=talker: till.shop.place(talker, till.shop.a_listing()) for talker in talkers])

    balance, aside, floor = brands_account(till.shop)
    assert balance - aside < floor


def test_orders_that_come_and_go_on_the_same_hops_never_deadlock(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    """INV-M4, INV-M11: placing, paying and cancelling touch three shared accounts each, always in id order."""
    tries: list[int] = []
    monkeypatch.setattr("core.db.time.sleep", lambda seconds: tries.append(1))  # what a repeated transaction waits
    shop = till.shop

    def one(number: int) -> None:
        talker = shop.a_shopper()
        order = shop.place(talker, shop.a_listing())
        if number % 2:
            till.pay(order)
        else:
            cancel_order(actor=talker.actor, order_id=order.order_id, now=NOON)

    results = at_once([lambda number=number: one(number) for number in range(16)])

    assert failures(results) == []
    assert tries == []
    assert brands_account(shop)[:2] == (-8 * COST, 0)
    assert [finding for finding in verify() if finding.violations] == []


def test_inv_m11_a_limit_that_is_lowered_while_orders_are_placed_holds_from_then_on(till: Till) -> None:
    shop = till.shop

    def lower() -> bool:
        return any(lowered(shop) for _ in range(50))

    results = at_once([lower, *(lambda: shop.place(shop.a_shopper(), shop.a_listing()) for _ in range(15))])

    balance, aside, floor = brands_account(shop)
    assert results[0] is True
    assert balance - aside >= floor
    assert [finding for finding in verify() if finding.violations] == []


def lowered(shop: Shop) -> bool:
    """Try to set the limit to what is used at this moment; False when more was used meanwhile."""
    balance, aside, _ = brands_account(shop)
    try:
        set_limit(shop, aside - balance)
    except LimitInUse:
        return False
    return True


def set_limit(shop: Shop, minor: int) -> None:
    pair = {"creditor_id": shop.a_party("brand1"), "debtor_id": shop.a_party("agent1")}
    set_credit_limit(actor=OPERATOR, **pair, currency="CNY", limit_minor=minor, as_owner=shop.sql, now=NOON)
