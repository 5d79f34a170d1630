"""The conversation by numbers and codes on a real database: one turn and a page, and nothing is held before that."""

import pytest

from bot.numbers import offered
from bot.pages import PageKind
from bot.screens import ScreenKind
from bot.wordings import by_number
from core.money import Money
from core.payments.service import pay_from_wallet, start_topup, wallet_balance
from tests.support.dialog import Dialog, an_engine, order_of


@pytest.fixture
def talk(shop, till):
    """A known follower of an account that shows prices, in front of ten cards of A1 at ¥10.00."""
    shop.a_listing("A1")
    shop.a_batch("A1", 10)
    return Dialog(an_engine(shop, till.clock), shop.a_shopper(), manner=by_number(shows_prices=True))


@pytest.fixture
def strict(shop, till, talk):
    """The same follower where `ios_rule` is strict."""
    return Dialog(talk.engine, talk.talker, manner=by_number(shows_prices=False))


def fill(till, talk, minor):
    payment = start_topup(
        actor=talk.talker.actor, gateway_account_id=till.account()[0], amount=Money(minor, "CNY"), now=till.now
    )
    till.receive(till.notice(payment, minor))


def keys(screen):
    return [(key, option.label) for key, option in offered(screen).keys]


def page_of(screen):
    (link,) = offered(screen).links
    return link.page


@pytest.mark.parametrize("words", ["买 A1 2", "A1*2", "Ａ１　２", "a1 2张", "买两个A1"])
def test_a_code_is_answered_with_the_total_and_one_page_and_holds_nothing(talk, shop, words):
    """One turn and the payment: ≤ 1 turn + payment (chat.md)."""
    screen = talk.say(words)

    assert screen.kind is ScreenKind.CONFIRM
    assert "合计：¥20.00" in screen.text
    page = page_of(screen)
    assert page.kind is PageKind.CHECKOUT
    assert dict(page.params) == {
        "listing": shop.a_listing("A1"), "quantity": 2, "version": 1, "price": 1000, "code": "A1",
    }  # fmt: skip
    assert keys(screen) == [("0", "取消")]
    assert shop.count("shop_order") == 0
    assert shop.card_states() == {"free": 10}


def test_codes_typed_out_of_curiosity_hold_no_card_and_use_up_no_order(talk, shop):
    for quantity in range(1, 9):
        talk.say(f"A1 {quantity}")

    assert shop.count("shop_order") == 0
    assert shop.card_states() == {"free": 10}


def test_a_coupon_goes_with_the_page(talk):
    assert page_of(talk.say("A1 2 券SAVE5")).params["coupon"] == "SAVE5"


def test_a_number_changes_the_quantity_and_zero_gives_it_up(talk, shop):
    talk.say("A1 2")

    assert page_of(talk.say("5")).params["quantity"] == 5
    assert page_of(talk.say("１０")).params["quantity"] == 10
    assert talk.say("0").text.startswith("好的，没有下单。")
    assert shop.count("shop_order") == 0


def test_yes_where_only_the_page_can_place_shows_the_page_once_more(talk, shop):
    talk.say("A1 2")

    again = talk.say("确认")

    assert page_of(again).params["quantity"] == 2
    assert shop.count("shop_order") == 0


def test_y_is_offered_only_where_the_wallet_covers_it_and_then_places_and_pays_once(talk, till, shop):
    fill(till, talk, 2500)
    assert [key for key, _ in keys(talk.say("A1 3"))] == ["0"]

    assert keys(talk.say("A1 2")) == [("Y", "用钱包付（余额 ¥25.00）"), ("0", "取消")]
    receipt = talk.say("y")

    assert receipt.kind is ScreenKind.RECEIPT
    assert receipt.text.startswith("已支付，正在出货")
    assert talk.say("Y").text.startswith("现在没有需要确认的")
    assert shop.count("shop_order") == 1
    assert wallet_balance(actor=talk.talker.actor, currency="CNY") == Money(500, "CNY")


def test_y_after_the_wallet_was_spent_elsewhere_leaves_an_order_to_be_paid_and_says_so(talk, till, shop):
    other = Dialog(talk.engine, talk.talker)
    other.say("买 A1 1")
    first = order_of(other.tap("确认"))
    fill(till, talk, 2000)
    talk.say("A1 2")
    pay_from_wallet(actor=talk.talker.actor, order_id=first, submission_id="elsewhere", now=till.now)

    screen = talk.say("Y")

    assert screen.kind is ScreenKind.PAY
    assert screen.text.startswith("钱包余额不够付这个订单。")
    assert wallet_balance(actor=talk.talker.actor, currency="CNY") == Money(1000, "CNY")


def test_a_strict_account_offers_no_blind_payment_from_the_wallet(strict, till, shop):
    fill(till, strict, 5000)

    screen = strict.say("A1 2")

    assert keys(screen) == [("0", "取消")]
    assert "¥" not in screen.text
    assert strict.say("Y").kind is ScreenKind.CONFIRM
    assert shop.count("shop_order") == 0


def test_a_language_that_is_chosen_keeps_the_manner(strict):
    assert strict.say("language en").text.endswith("“A1 2”.")


def test_numbers_walk_to_the_goods_and_a_number_of_no_menu_gets_the_new_menu(talk, shop):
    home = talk.say("菜单")
    assert keys(home)[0] == ("1", "选购商品")

    assert talk.say("1").kind is ScreenKind.PRODUCT
    assert page_of(talk.say("1")).params["code"] == "A1"
    talk.say("菜单")
    assert talk.say("8").text.startswith("菜单已更新，请重新选择。")
    assert keys(talk.screen) == keys(home)
    assert talk.say("0").text.startswith("您好")


def test_a_list_longer_than_the_numbers_goes_on_with_nine_and_back_with_zero(talk, shop):
    codes = [f"Z{n:02}" for n in range(1, 13)]
    for code in codes:
        shop.a_listing(code, price=2000)
        shop.a_batch(code, 1)
    talk.say("商品")
    everything = [label for _, label in keys(talk.screen)]
    while "下一页" in everything[-2:]:
        assert len(everything) <= 10
        assert keys(talk.screen)[8] == ("9", "下一页")
        talk.say("9")
        everything = everything[:-2] + [label for _, label in keys(talk.screen)]

    shown = [label for label in everything if " · Z" in label]

    assert len(shown) == len(set(shown)) == 12
    assert keys(talk.screen)[-1] == ("0", "上一页")
    talk.say("0")
    assert len(keys(talk.screen)) == 10
