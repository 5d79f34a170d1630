"""Whole conversations on a real database: what a shopper says, and what the shop answers and does."""

import pytest

from bot.screens import ScreenKind
from tests.builders import Shop
from tests.support.dialog import Dialog, an_engine, order_of


@pytest.fixture
def shop(store_db, sql):
    return Shop(sql)


@pytest.fixture
def talk(shop, clock):
    """A known shopper in front of ten cards of A1 at ¥10.00."""
    shop.a_listing("A1")
    shop.a_batch("A1", 10)
    return Dialog(an_engine(shop, clock), shop.a_shopper())


def orders(shop: Shop) -> int:
    return shop.count("shop_order")


def test_buying_by_code_is_one_message_one_tap_and_a_payment_page(talk, shop):
    confirm = talk.say("买 A1 2")

    assert confirm.kind is ScreenKind.CONFIRM
    assert "数量：2" in confirm.text
    assert "合计：¥20.00" in confirm.text
    assert orders(shop) == 0

    pay = talk.tap("确认")

    assert pay.kind is ScreenKind.PAY
    assert "应付：¥20.00" in pay.text
    assert orders(shop) == 1
    assert shop.card_states() == {"free": 8, "held": 2}
    (link,) = [option for option in pay.options if option.pay_order]
    assert link.pay_order == order_of(pay)


def test_the_confirm_screen_has_one_option_that_places_and_one_that_cancels(talk, shop):
    confirm = talk.say("buy A1 2")

    assert [option.label for option in confirm.options] == ["确认下单", "−1", "+1", "改数量", "取消"]
    for option in confirm.options[1:]:
        talk.act(option.action)
    assert orders(shop) == 0
