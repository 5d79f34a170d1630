"""What a supplier says that it has is believed until it proves wrong: then its goods are paused (fault 92)."""

from __future__ import annotations

import psycopg
import pytest

from core.orders.service import order_view
from core.stock.rules import OutOfStock
from tests.builders import Talker
from tests.flows.test_recall import violated
from tests.support.supplying import PRICE, Supplied


def test_fault_92_a_supplier_whose_stock_lies_is_paused_and_the_money_goes_back(
    supplied: Supplied, talker: Talker
) -> None:
    supplied.double.buys = "refuses"
    order = supplied.bought(talker, 2)

    supplied.carries_out(order)

    assert supplied.request(order) == ("rejected", 2, 0, "code_400", True)
    assert order_view(actor=talker.actor, order_id=order.order_id).refunded_minor == 2 * PRICE
    assert supplied.left() == 0
    with pytest.raises(OutOfStock):
        supplied.place(talker)
    assert violated() == {}


def test_fault_92_paused_goods_are_believed_again_after_a_while(supplied: Supplied, talker: Talker) -> None:
    supplied.double.buys = "refuses"
    supplied.carries_out(supplied.bought(talker))

    supplied.till.wait(minutes=5)
    supplied.asks_stock()
    assert supplied.left() == 0
    supplied.till.wait(minutes=5)
    supplied.asks_stock()

    assert supplied.left() == 10


def test_fault_92_a_supplier_that_falls_silent_is_promised_no_longer(supplied: Supplied) -> None:
    supplied.double.is_away = True
    left = []
    for _ in range(3):
        supplied.till.wait(minutes=1)
        assert not supplied.asks_stock()
        left.append(supplied.left())

    assert left == [10, 10, 0]


def test_what_costs_more_than_agreed_is_not_sold_and_not_bought(supplied: Supplied, talker: Talker) -> None:
    supplied.double.price = "9.5000"
    order = supplied.bought(talker)
    supplied.carries_out(order)
    assert supplied.request(order)[:4] == ("rejected", 1, 0, "code_400")

    supplied.till.wait(minutes=30)
    supplied.asks_stock()
    assert supplied.left() == 0


def test_webs_password_alone_says_neither_what_is_bought_nor_how_dear_it_may_be(supplied: Supplied) -> None:
    """Else it would have dear keys bought for cheap orders."""
    for bent in (
        "UPDATE supplier_good SET most_minor = 99999",
        "UPDATE supplier_good SET product = '7'",
        "UPDATE supplier_good SET stock_told = 100, paused_at = NULL, paused_for = NULL",
        "UPDATE supplier_account SET party_id = 1",
        "INSERT INTO supplier_account (party_id, connector, created_at) VALUES (1, 'kasushou', now())",
    ):
        with (
            psycopg.connect(supplied.vault.config.database.roles.shop) as web,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            web.execute(bent)


def test_a_line_that_names_another_goods_supplier_has_nothing_bought(supplied: Supplied, talker: Talker) -> None:
    """Whoever writes rows as web has no dear key bought for the line of a cheap one; the vault would refuse it."""
    order = supplied.bought(talker)
    supplied.till.shop.sql("UPDATE supplier_good SET sku_id = %s", [supplied.till.shop.a_sku("B2")])

    supplied.carries_out(order)

    assert supplied.double.paths() == ["info"]
    assert supplied.till.shop.count("supplier_request") == 0


def test_an_answer_that_is_none_tells_nothing(supplied: Supplied) -> None:
    supplied.double.raw = b'{"code":200,"data":{"id":1001,"goods_price":"NaN","stock_num":9}}'
    supplied.till.wait(minutes=1)

    assert not supplied.asks_stock()
    assert supplied.till.shop.sql("SELECT stock_told, failures FROM supplier_good") == [(100, 1)]


def test_a_supplier_is_asked_once_a_minute(supplied: Supplied) -> None:
    assert not supplied.asks_stock()
    assert supplied.double.paths() == ["info"]
