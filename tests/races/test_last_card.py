"""One card is left and a hundred want it. One gets it, the others hear that it is gone and keep their money."""

import threading
from typing import Any

import pytest

from core import db
from core.orders import place
from core.orders.service import PlacedOrder
from core.reports.checks import verify
from core.stock import service as stock
from core.stock.rules import OutOfStock
from tests.builders import NOON, Shop
from tests.races.racing import at_once, failures
from tests.support.till import Till

BUYERS = 100


@pytest.fixture
def till(shop: Shop) -> Till:
    return Till(shop)


def a_hundred_order_the_last_card(shop: Shop, till: Till) -> tuple[list[Any], list[PlacedOrder]]:
    """All at once, through 24 connections; whoever gets an order pays. Returns all results and the paid orders."""
    listing, talkers = shop.a_listing(price=1000), [shop.a_shopper() for _ in range(BUYERS)]
    shop.a_batch(cards=1)
    till.account()
    results = at_once([lambda talker=talker: shop.place(talker, listing) for talker in talkers])
    placed = [result for result in results if isinstance(result, PlacedOrder)]
    for order in placed:
        till.pay(order)
    return results, placed


def test_fault_58_the_last_card_is_sold_once_and_ninety_nine_keep_their_money(shop: Shop, till: Till) -> None:
    results, placed = a_hundred_order_the_last_card(shop, till)

    assert len(placed) == 1
    assert len(failures(results)) == BUYERS - 1
    assert set(failures(results)) <= {"HeldByOthers", "StockKeptForOthers", "OutOfStock"}
    assert shop.card_states() == {"claimed": 1}
    assert till.balances()["clearing"] == -1000  # one price, passed on to those who have a share in it
    assert shop.count("payment") == 1
    assert [finding for finding in verify() if finding.violations] == []


def test_once_it_is_sold_everybody_hears_that_it_is_sold_out(shop: Shop, till: Till) -> None:
    a_hundred_order_the_last_card(shop, till)

    with pytest.raises(OutOfStock) as refused:
        shop.place(shop.a_shopper(), shop.a_listing(), now=NOON)

    assert refused.value.params == {"code": "A1", "left": 0}


def test_control_reading_before_taking_sells_the_last_card_to_many(
    shop: Shop, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.sql("ALTER TABLE card DISABLE TRIGGER card_sold_once")
    shop.sql("ALTER TABLE card DROP CONSTRAINT card_one_state")
    meeting = threading.Barrier(20, timeout=20)

    def naive(**wanted: Any) -> list[stock.HeldGroup]:
        found = db.execute("SELECT id FROM card WHERE state IN ('free', 'held') LIMIT 1")
        meeting.wait()
        db.execute("UPDATE card SET state = 'held', line_id = %s WHERE id = %s", (wanted["line_id"], found[0][0]))
        return [stock.HeldGroup(1, stock.Terms.OWN, 1, 0, ())]

    monkeypatch.setattr(place.stock, "hold_cards", naive)
    monkeypatch.setattr(place, "is_near_a_cap", lambda *_: False)
    monkeypatch.setattr(place, "decide", lambda *_: place.Decision(reasons={}))
    monkeypatch.setattr(till, "pay", lambda order: None)

    _, placed = a_hundred_order_the_last_card(shop, till)

    assert len(placed) > 1
