"""Which batches an order is filled from, and whose holds count: what people saw go wrong, each by name."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from core import db
from core.catalog.rules import UnknownListing
from core.db import execute
from core.orders.rules import QuantityRefused
from core.risk.rules import StockKeptForOthers
from core.stock import service as stock
from core.stock.marks import move_marks
from core.stock.rules import OutOfStock
from tests.builders import NOON, Shop

TODAY = date(2026, 3, 2)
YESTERDAY = TODAY - timedelta(days=1)


def test_expired_batches_do_not_hide_the_good_ones_behind_them(shop: Shop) -> None:
    listing = shop.a_listing()
    for _ in range(25):
        shop.a_batch(cards=2, expires_on=YESTERDAY)
    good = shop.a_batch(cards=50, expires_on=date(2027, 1, 1))

    shop.place(shop.a_shopper(), listing, 10)

    assert shop.card_states(good) == {"free": 40, "held": 10}


def test_an_order_is_filled_from_as_many_small_batches_as_it_needs(shop: Shop) -> None:
    listing = shop.a_listing()
    for _ in range(25):
        shop.a_batch(cards=4)

    shop.place(shop.a_shopper(), listing, 90)

    assert shop.card_states() == {"free": 10, "held": 90}


def test_an_order_locks_no_more_cards_than_it_takes(shop: Shop) -> None:
    shop.a_listing()
    for _ in range(5):
        shop.a_batch(cards=20)
    asked: list[int] = []
    taken = stock._take

    def counting(statement: str, wanted: dict, batches: list, quantity: int) -> object:
        asked.append(len(batches))
        return taken(statement, wanted, batches, quantity)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stock, "_take", counting)
        shop.place(shop.a_shopper(), shop.a_listing(), 10)
        shop.place(shop.a_shopper(), shop.a_listing(), 15)

    assert asked == [1, 1, 1]  # the second order empties one batch and goes on to the next


def test_unpaid_orders_at_another_merchant_do_not_close_my_shop(shop: Shop) -> None:
    other = shop.a_party("other")
    mine, theirs = shop.a_listing(), shop.a_listing(merchant=other)
    shop.a_batch(cards=10)
    shop.a_batch(cards=200, owner=other)
    shop.place(shop.a_shopper(merchant=other), theirs, 100)

    assert shop.place(shop.a_shopper(), mine).total.minor == 1000


def test_holds_on_a_pool_that_two_merchants_share_count_for_both(shop: Shop) -> None:
    other, brand = shop.a_party("other"), shop.a_party("brand1", "supplier")
    mine, theirs = shop.a_listing(), shop.a_listing(merchant=other)
    for buyer in (shop.merchant, other):
        shop.an_offer(brand, buyer, price_micro=1_000_000)
    shop.a_batch(cards=20, owner=brand, supplier=brand, terms="consigned")
    shop.place(shop.a_shopper(merchant=other, paid_orders=0), theirs, 4)

    with pytest.raises(StockKeptForOthers):
        shop.place(shop.a_shopper(paid_orders=0), mine)


def test_the_mark_passes_expired_cards_and_no_figure_counts_them(shop: Shop, urls: dict[str, str]) -> None:
    shop.a_listing()
    batch = shop.a_batch(cards=5, expires_on=YESTERDAY)
    usable = shop.sql(
        "UPDATE card SET expires_on = NULL WHERE id = (SELECT id FROM card ORDER BY pos DESC LIMIT 1) RETURNING pos"
    )[0][0]

    db.connect(urls["worker"], size=4)  # whose sweep it is

    move_marks(now=NOON, zone="Asia/Shanghai")

    assert execute("SELECT low_pos, free_count FROM batch_mark WHERE batch_no = %s", (batch,)) == [(usable, 1)]
    shop.place(shop.a_shopper(), shop.a_listing())
    with pytest.raises(OutOfStock):
        shop.place(shop.a_shopper(), shop.a_listing(), 2)


def test_a_product_that_was_archived_is_no_longer_sold_by_an_old_button(shop: Shop) -> None:
    listing, _ = shop.a_listing(), shop.a_batch(cards=5)
    shop.sql("UPDATE product SET archived_at = now()")

    with pytest.raises(UnknownListing):
        shop.place(shop.a_shopper(), listing)


def test_a_line_larger_than_the_vault_opens_in_an_hour_is_refused_before_payment(shop: Shop) -> None:
    listing, _ = shop.a_listing(maximum_quantity=1000), shop.a_batch(cards=900)

    with pytest.raises(QuantityRefused) as refusal:
        shop.place(shop.a_shopper(), listing, 201)

    assert refusal.value.params["most"] == 200
