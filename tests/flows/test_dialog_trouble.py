"""Conversations that go wrong: taps too many, invented buttons, old prices, bad quantities, empty shelves."""

import pytest

from bot.intents import Intent
from bot.screens import ScreenKind
from core.actor import OPERATOR
from core.catalog.changes import set_on_sale, set_price
from core.ids import Prefix, new_id, public
from core.money import Money
from tests.builders import Shop
from tests.support.dialog import Dialog, an_engine, order_of, pay_and_deliver, queued


@pytest.fixture
def talk(shop, clock):
    """A known shopper in front of ten cards of A1 at ¥10.00."""
    shop.a_listing("A1")
    shop.a_batch("A1", 10)
    return Dialog(an_engine(shop, clock), shop.a_shopper())


def orders(shop: Shop) -> int:
    return shop.count("shop_order")


def test_fault_39_ten_taps_on_confirm_make_one_order(talk, shop):
    action = talk.say("买 A1 2").options[0].action

    screens = [talk.act(action) for _ in range(10)]

    assert orders(shop) == 1
    assert {order_of(screen) for screen in screens} == {order_of(screens[0])}
    assert shop.card_states() == {"free": 8, "held": 2}


def test_the_confirm_button_of_a_cancelled_order_shows_that_order_and_places_no_other(talk, shop):
    action = talk.say("买 A1 1").options[0].action
    talk.act(action)
    talk.tap("取消订单")

    screen = talk.act(action)

    assert screen.kind is ScreenKind.RECEIPT
    assert screen.text.startswith("订单已取消")
    assert orders(shop) == 1


def test_while_the_vault_opens_nothing_the_shop_says_so_before_anybody_pays(talk, shop, sql):
    sql("INSERT INTO vault_state (open, reason, at) VALUES (false, 'its key is missing', now())"
        " ON CONFLICT (one) DO UPDATE SET open = false, reason = excluded.reason")  # fmt: skip

    product = talk.say("A1")
    confirm = talk.say("买 A1 2")
    talk.say("钱包")
    top_up = talk.tap("充值")

    assert "店里暂时出不了货，先不接单。" in product.text
    assert "购买" not in [option.label for option in product.options]
    for refused in (confirm, top_up):
        assert refused.kind is ScreenKind.ERROR
        assert refused.text.startswith("店里暂时出不了货，先不接单。")
    assert shop.count("payment") == 0
    sql("UPDATE vault_state SET open = true, reason = NULL")
    assert "购买" in [option.label for option in talk.say("A1").options]


@pytest.mark.parametrize("action", ["x" * 22, "", "place?listing=1&quantity=9", "A" * 5000, "🎁", "\0"])
def test_fault_40_an_invented_button_is_answered_like_a_missing_one_and_does_nothing(talk, shop, action):
    screen = talk.act(action)

    assert screen.kind is ScreenKind.ERROR
    assert screen.text.startswith("这个按钮已经失效")
    assert screen.error_id is not None
    assert orders(shop) == 0


def test_fault_40_a_button_with_one_sign_changed_does_nothing(talk, shop):
    action = talk.say("买 A1 1").options[0].action

    for place in range(len(action)):
        changed = action[:place] + ("a" if action[place] != "a" else "b") + action[place + 1 :]
        assert talk.act(changed).kind is ScreenKind.ERROR
    assert orders(shop) == 0


def test_fault_40_another_shoppers_button_is_answered_like_an_invented_one(talk, shop, clock):
    action = talk.say("买 A1 1").options[0].action
    stranger = Dialog(an_engine(shop, clock), shop.a_shopper())

    theirs, invented = stranger.act(action), stranger.act("x" * 22)

    assert theirs.text == invented.text
    assert orders(shop) == 0


def test_fault_41_a_changed_price_is_shown_and_asked_about_before_anything_is_placed(talk, shop, clock):
    old = talk.say("买 A1 2").options[0].action
    set_price(actor=OPERATOR, listing_id=shop.a_listing("A1"), price=Money(1200, "CNY"), now=clock.now())

    screen = talk.act(old)

    assert screen.kind is ScreenKind.CONFIRM
    assert screen.text.startswith("价格已更新")
    assert "原来价格：¥10.00" in screen.text
    assert "合计：¥24.00" in screen.text
    assert orders(shop) == 0
    assert "应付：¥24.00" in talk.tap("确认").text


def test_a_button_of_goods_taken_off_the_shelf_says_so(talk, shop, clock):
    old = talk.say("买 A1 2").options[0].action
    set_on_sale(actor=OPERATOR, listing_id=shop.a_listing("A1"), on_sale=False, now=clock.now())

    screen = talk.act(old)

    assert screen.kind is ScreenKind.ERROR
    assert screen.text.startswith("这件商品没有在售。\n没有下单，也没有扣款。")


@pytest.mark.parametrize("written", ["0", "-1", "1e9", "1.5", "NaN", "1e3", "101"])
@pytest.mark.parametrize("form", ["买 A1 {}", "A1 {}", "A1*{}", "buy a1 {}"])
def test_fault_54_a_quantity_that_is_none_is_refused_in_clear_words(talk, shop, form, written):
    screen = talk.say(form.format(written))

    assert screen.kind is ScreenKind.ERROR
    assert screen.text == f"“{written}”不是可以买的数量。\n没有下单，也没有扣款。\n请发送 1 到 100 的整数。"
    assert screen.error_id is not None
    assert orders(shop) == 0
    assert "数量：3" in talk.say("3").text  # the number that was asked for


def test_sold_out_and_too_few_are_said_before_anything_is_placed(talk, shop):
    shop.a_listing("B1")
    shop.a_listing("A2")
    shop.a_batch("A2", 3)

    none = talk.say("买 B1 1")
    assert none.text == "B1 已售罄。\n没有下单，也没有扣款。\n看看别的商品，或者晚点再来。"

    few = talk.say("买 A2 5")
    assert few.text.startswith("A2 仅剩 3 件。\n没有下单，也没有扣款。")
    assert "数量：3" in talk.tap("改买 3 件").text
    assert orders(shop) == 0


def test_fault_58_the_last_card_goes_to_one_of_two_and_the_other_is_told_clearly(shop, clock):
    shop.a_listing("A1")
    shop.a_batch("A1", 1)
    first, second = (Dialog(an_engine(shop, clock), shop.a_shopper()) for _ in range(2))
    first.say("买 A1 1")
    second.say("买 A1 1")

    assert first.tap("确认").kind is ScreenKind.PAY
    refused = second.tap("确认")

    assert refused.kind is ScreenKind.ERROR
    assert "没有下单，也没有扣款。" in refused.text
    assert orders(shop) == 1


def test_too_many_unpaid_orders_lead_to_the_orders(talk):
    for _ in range(3):
        talk.say("买 A1 1")
        talk.tap("确认")
    talk.say("买 A1 1")

    refused = talk.tap("确认")

    assert refused.text.startswith("您的待付款订单已达上限（3 个）。\n这次没有下单，也没有扣款。")
    assert len(talk.tap("我的订单").options) == 4


def test_unknown_words_are_answered_with_the_nearest_goods_and_help(talk):
    screen = talk.say("今天天气不错")

    assert screen.kind is ScreenKind.MENU
    assert "今天天气不错" in screen.text
    assert [option.act.intent for option in screen.options][-2:] == [Intent.HELP, Intent.HOME]
    assert screen.options[0].label.startswith("商品 A1")


@pytest.mark.parametrize(
    "said", ["\0", "\u202e\u200b", "🎁🎁🎁", "'; DROP TABLE card;--", "%_%", "买 \0", "搜索 \0%", "x" * 60_000]
)
def test_fault_56_strange_signs_are_answered_and_harm_nothing(talk, shop, said):
    screen = talk.say(said)

    assert screen.text
    assert "\0" not in screen.text
    assert "\u202e" not in screen.text
    assert shop.card_states() == {"free": 10}


def test_a_message_that_is_handled_twice_has_the_cards_come_once(talk, shop, clock):
    """Its first handler was held to be dead. A tap of its own, on the same button, has them come again."""
    talk.say("买 A1 1")
    pay_and_deliver(shop, clock, order_of(talk.tap("确认")))
    talk.say("订单")
    talk.act(talk.screen.options[0].action)
    action = talk.option("再次查看").action
    message = talk.incoming(action=action, message="one")

    first, second = (talk.engine.handle(message)[0] for _ in range(2))
    asked = queued("reread")
    talk.act(action)

    assert first.text == second.text
    assert (asked, queued("reread")) == (1, 2)


def test_another_shoppers_order_is_answered_like_a_missing_one(talk, shop, clock):
    talk.say("买 A1 1")
    order = order_of(talk.tap("确认"))
    stranger = Dialog(an_engine(shop, clock), shop.a_shopper())

    theirs = stranger.say(f"订单 {public(Prefix.ORDER, order)}")
    missing = stranger.say(f"订单 {public(Prefix.ORDER, new_id())}")

    assert theirs.kind is ScreenKind.ERROR
    assert theirs.text == missing.text
