"""Whole conversations on a real database: what a shopper says, and what the shop answers and does."""

from datetime import timedelta

import pytest

from bot.screens import ScreenKind
from core.ids import Prefix, public
from core.orders.service import expire_due
from tests.builders import Shop
from tests.support.dialog import Dialog, an_engine, order_of, pay, pay_and_deliver, queued


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

    asked = talk.tap("确认")

    assert asked.kind is ScreenKind.PAY
    assert "应付：¥20.00" in asked.text
    assert orders(shop) == 1
    assert shop.card_states() == {"free": 8, "held": 2}
    (link,) = [option for option in asked.options if option.pay_order]
    assert link.pay_order == order_of(asked)


def test_a_whole_purchase_by_tapping_only_and_its_cards_come_unasked(talk, shop, clock):
    talk.say("菜单")
    product = talk.tap("选购商品")
    assert product.kind is ScreenKind.PRODUCT  # the only product of the only shelf: nothing to choose before it

    talk.tap("购买")
    talk.tap("+1")
    asked = talk.tap("确认")
    assert "应付：¥20.00" in asked.text

    pay_and_deliver(shop, clock, order_of(asked))

    paid, cards = talk.unasked()
    assert paid.text.startswith("已支付，正在出货")
    assert cards.kind is ScreenKind.CARDS
    assert len(cards.cards) == 2
    assert len({card.token for card in cards.cards}) == 2
    assert [option.label for option in cards.options] == ["再次查看", "使用方法", "再来一单"]


def test_the_confirm_screen_has_one_option_that_places_and_one_that_cancels(talk, shop):
    confirm = talk.say("buy A1 2")

    assert [option.label for option in confirm.options] == ["确认下单", "−1", "+1", "改数量", "取消"]
    for option in confirm.options[1:]:
        talk.act(option.action)
    assert orders(shop) == 0


def test_buttons_of_a_message_read_twice_are_the_same_and_work(talk, shop, clock):
    talk.say("买 A1 1")
    order = order_of(talk.tap("确认"))
    pay_and_deliver(shop, clock, order)

    first, again = talk.unasked()[1], talk.unasked()[1]

    assert [option.action for option in first.options] == [option.action for option in again.options]
    confirm = talk.act(first.options[2].action)
    assert confirm.kind is ScreenKind.CONFIRM


@pytest.mark.parametrize("said", ["A1 ２", "买 A1 ×2", "买A1 两张", "Ａ１＊２个"])
def test_quantities_written_the_way_people_write_them_are_understood(talk, said):
    assert "数量：2" in talk.say(said).text


def test_a_bare_number_on_the_confirm_screen_is_the_new_quantity_and_never_places(talk, shop):
    talk.say("买 A1 2")

    assert "数量：1" in talk.say("1").text
    assert "合计：¥50.00" in talk.say("5").text
    assert talk.say("0").kind is ScreenKind.ERROR
    assert orders(shop) == 0


@pytest.mark.parametrize("word", ["确认", "好的", "yes", "Confirm"])
def test_a_typed_yes_places_what_the_confirm_screen_asked_about_once(talk, shop, word):
    talk.say("买 A1 2")

    assert "应付：¥20.00" in talk.say(word).text
    assert talk.say(word).text.startswith("现在没有需要确认的，也没有下单。")
    assert orders(shop) == 1


def test_a_typed_yes_without_a_question_places_nothing(talk, shop):
    assert talk.say("确认").text.startswith("现在没有需要确认的，也没有下单。")
    talk.say("买 A1 1")
    talk.tap("改数量")
    talk.say("确认")
    talk.say("买 A1 1")
    talk.tap("取消")
    talk.say("确认")

    assert orders(shop) == 0


def test_changing_the_quantity_asks_and_takes_a_number_or_a_tap(talk):
    talk.say("买 A1 1")
    question = talk.tap("改数量")

    assert question.kind is ScreenKind.INPUT
    assert "数量：4" in talk.say("4").text

    talk.tap("改数量")
    assert "数量：5" in talk.tap("5").text


def test_a_bare_number_answers_the_last_menu_and_a_late_one_gets_the_menu(talk):
    talk.say("菜单")
    assert talk.say("2").text.startswith("您还没有订单")

    talk.say("菜单")
    late = talk.say("88")

    assert late.text.startswith("菜单已更新，请重新选择。")


def test_a_language_is_chosen_once_and_kept(talk, shop, sql):
    talk.say("语言")
    screen = talk.tap("English")

    assert screen.text.startswith("From now on we speak English.")
    assert sql("SELECT locale FROM shopper WHERE id = %s", [talk.talker.shopper_id]) == [("en",)]
    assert talk.say("language 中文").text.startswith("已切换为中文。")
    assert talk.say("语言 fr").text == "请选择语言 / Choose a language"


def test_an_english_shopper_is_spoken_to_in_english_and_may_write_chinese(shop, clock):
    shop.a_listing("A1")
    shop.a_batch("A1", 3)
    talk = Dialog(an_engine(shop, clock), shop.a_shopper(), "en")

    confirm = talk.say("买 A1 2")

    assert "Total: CN¥20.00" in confirm.text
    assert confirm.options[0].label == "Confirm order"
    assert confirm.options[-1].label == "Cancel"
    assert "Pay before: 12:15 (GMT+08:00)" in talk.tap("Confirm").text


def test_cancel_gives_up_the_question_first_and_then_the_unpaid_order(talk, shop):
    talk.say("买 A1 1")
    talk.tap("确认")
    talk.say("买 A1 2")

    assert talk.say("取消").text.startswith("好的，没有下单。")
    assert shop.card_states() == {"free": 9, "held": 1}
    assert talk.say("取消").text.startswith("订单已取消")
    assert shop.card_states() == {"free": 10}
    assert talk.say("取消").text == "没有待付款的订单可以取消，也没有扣款。"


def test_two_unpaid_orders_are_a_choice_when_one_is_cancelled(talk, shop):
    for _ in range(2):
        talk.say("买 A1 1")
        talk.tap("确认")

    which = talk.say("取消")
    assert which.text == "要取消哪个订单？"
    assert len({option.label for option in which.options}) == 3  # two orders that can be told apart, and the menu
    assert talk.say("1").text.startswith("订单已取消")
    assert shop.card_states() == {"free": 9, "held": 1}


def test_an_expired_order_says_that_nothing_was_charged_and_offers_it_again(talk, shop, clock):
    talk.say("买 A1 1")
    order = order_of(talk.tap("确认"))
    clock.move(timedelta(minutes=16))
    expire_due(now=clock.now())

    (told,) = talk.unasked()

    assert told.text.startswith("订单已过期")
    assert "没有扣款" in told.text
    assert told.order == order
    assert talk.act(told.options[0].action).kind is ScreenKind.CONFIRM


def test_cards_are_asked_for_again_and_never_stand_in_the_answer(talk, shop, clock):
    assert talk.say("取卡").text.startswith("您在本店还没有已发货的卡密。")
    talk.say("买 A1 2")
    pay_and_deliver(shop, clock, order_of(talk.tap("确认")))

    answer = talk.say("取卡")

    assert answer.kind is ScreenKind.TEXT
    assert answer.text == "卡密马上发到下面。"
    assert answer.cards == ()
    assert queued("reread") == 1


def test_cards_asked_for_while_the_delivery_waits_name_the_paid_order(talk, shop, clock):
    talk.say("买 A1 2")
    order = order_of(talk.tap("确认"))
    pay(shop, clock, order)

    answer = talk.say("取卡")

    assert answer.text.startswith(f"订单 {public(Prefix.ORDER, order)}（商品 A1 × 2）已付款，正在出货。")
    assert talk.tap("查看订单").text.startswith("已支付，正在出货")


def test_cards_asked_for_while_the_shop_checks_the_order_say_so(talk, shop, clock, sql):
    talk.say("买 A1 2")
    order = order_of(talk.tap("确认"))
    pay(shop, clock, order)
    sql("UPDATE delivery SET state = 'waiting'")
    sql("UPDATE order_line SET gate = 'review', gate_reason = 'over_budget'")

    assert f"订单 {public(Prefix.ORDER, order)}（商品 A1 × 2）已付款，商家核对中" in talk.say("取卡").text


def test_orders_are_listed_with_their_state_and_each_can_be_opened(talk, shop, clock):
    talk.say("买 A1 2")
    pay_and_deliver(shop, clock, order_of(talk.tap("确认")))
    clock.move(timedelta(minutes=1))
    talk.say("买 A1 1")
    talk.tap("确认")

    listed = talk.say("订单")

    unpaid, delivered, menu = [option.label for option in listed.options]
    assert unpaid.startswith("商品 A1 × 1 · ¥10.00 · 待付款 · 12:01 · …")
    assert delivered.startswith("商品 A1 × 2 · ¥20.00 · 已发货 · 12:00 · …")
    assert menu == "菜单"
    assert talk.say("1").kind is ScreenKind.PAY
    talk.say("订单")
    receipt = talk.say("2")
    assert receipt.text.startswith("订单已发货")
    number = public(Prefix.ORDER, order_of(receipt))
    assert f"订单号：{number}" in receipt.text
    assert delivered.endswith(number[-6:])


def test_three_alike_orders_of_one_minute_are_told_apart_in_every_list(talk):
    for _ in range(3):
        talk.say("买 A1 1")
        talk.tap("确认")

    for word in ("订单", "取消"):
        assert len({option.label for option in talk.say(word).options}) == 4


def test_what_has_not_opened_is_answered_honestly_with_the_menu(talk):
    for word in ("会员", "积分", "签到", "优惠券", "售后"):
        screen = talk.say(word)

        assert screen.kind is ScreenKind.MENU
        assert screen.options[0].label == "选购商品"
        assert "还没有" in screen.text or "暂时不能" in screen.text


def test_an_order_that_costs_nothing_is_settled_at_once(shop, clock):
    shop.a_listing("F1", price=0)
    shop.a_batch("F1", 2)
    talk = Dialog(an_engine(shop, clock), shop.a_shopper())
    talk.say("买 F1 1")

    screen = talk.tap("确认")

    assert screen.kind is ScreenKind.RECEIPT
    assert screen.text.startswith("已支付，正在出货")
    assert queued("deliver") == 1
