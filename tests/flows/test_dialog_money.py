"""What is said about money: wallet, late money, 我已支付, and an order found by its bill."""

import pytest

from bot.screens import ScreenKind
from core.ids import Prefix, public
from core.money import Money
from core.orders.service import expire_due
from core.payments.service import start_payment, start_topup, wallet_balance
from tests.support.dialog import Dialog, an_engine, order_of
from tests.support.till import Till


@pytest.fixture
def talk(shop, till):
    """A known shopper in front of two cards of A1 at ¥10.00, where the sandbox is the till."""
    shop.a_listing("A1")
    shop.a_batch("A1", 2)
    return Dialog(an_engine(shop, till.clock), shop.a_shopper())


def an_order(talk: Dialog, quantity: int = 1):
    talk.say(f"买 A1 {quantity}")
    return order_of(talk.tap("确认"))


def a_filled_wallet(till: Till, talk: Dialog, minor: int) -> None:
    payment = start_topup(
        actor=talk.talker.actor, gateway_account_id=till.account()[0], amount=Money(minor, "CNY"), now=till.now
    )
    till.receive(till.notice(payment, minor))


def late_money(till: Till, talk: Dialog):
    """An order expires, its cards go elsewhere, then its money comes: the screen that asks what to do."""
    order = an_order(talk)
    payment = start_payment(order_id=order, gateway_account_id=till.account()[0], now=till.now)
    till.wait(minutes=16)
    expire_due(now=till.now)
    till.shop.sql("UPDATE card SET state = 'withdrawn' WHERE state = 'free'")
    till.receive(till.notice(payment, 1000))
    return talk.unasked()[-1]


def test_a_wallet_that_covers_an_order_pays_it_in_one_tap(talk, till):
    a_filled_wallet(till, talk, 5000)
    an_order(talk)

    receipt = talk.tap("用钱包支付")

    assert receipt.kind is ScreenKind.RECEIPT
    assert receipt.text.startswith("已支付，正在出货")
    assert wallet_balance(actor=talk.talker.actor, currency="CNY") == Money(4000, "CNY")
    assert "余额：¥40.00" in talk.say("钱包").text


def test_an_order_paid_from_the_wallet_is_said_to_be_paid_once(talk, till):
    a_filled_wallet(till, talk, 5000)
    an_order(talk)
    before = [screen.text for screen in talk.unasked()]

    answer = talk.tap("用钱包支付")

    assert answer.text.startswith("已支付，正在出货")
    assert [screen.text for screen in talk.unasked()] == before


def test_a_wallet_that_is_too_small_is_not_offered(talk, till):
    a_filled_wallet(till, talk, 900)
    an_order(talk)

    assert [option.label for option in talk.screen.options] == ["去支付 ¥10.00", "我已支付", "取消订单"]


@pytest.fixture
def yen_talk(shop, till):
    """A shopper in front of two cards of Y1 that cost 500 yen; the till takes yen as well."""
    till.account("yen", currency="JPY")
    shop.a_listing("Y1", price=500, currency="JPY")
    shop.a_batch("Y1", 2)
    return Dialog(an_engine(shop, till.clock), shop.a_shopper())


def test_a_wallet_in_the_orders_own_currency_is_offered_and_pays(yen_talk, till):
    payment = start_topup(
        actor=yen_talk.talker.actor,
        gateway_account_id=till.account("yen")[0],
        amount=Money(800, "JPY"),
        now=till.now,
    )
    till.receive(till.notice(payment, 800, account="yen", currency="JPY"), account="yen")
    yen_talk.say("买 Y1 1")
    yen_talk.tap("确认")

    receipt = yen_talk.tap("用钱包支付")

    assert receipt.text.startswith("已支付，正在出货")
    assert wallet_balance(actor=yen_talk.talker.actor, currency="JPY") == Money(300, "JPY")


def test_late_money_in_another_currency_is_shown_in_the_wallet_as_what_it_is(yen_talk, till):
    yen_talk.say("买 Y1 1")
    order = order_of(yen_talk.tap("确认"))
    payment = start_payment(order_id=order, gateway_account_id=till.account("yen")[0], now=till.now)
    till.wait(minutes=16)
    expire_due(now=till.now)
    till.shop.sql("UPDATE card SET state = 'withdrawn' WHERE state = 'free'")
    till.receive(till.notice(payment, 500, account="yen", currency="JPY"), account="yen")
    yen_talk.screen = yen_talk.unasked()[-1]

    shown = yen_talk.tap("换货")

    assert shown.text.startswith("钱包现有 JP¥500")


def test_two_taps_on_the_wallet_pay_once(talk, till):
    a_filled_wallet(till, talk, 5000)
    an_order(talk)
    action = talk.option("用钱包支付").action

    first, second = talk.act(action), talk.act(action)

    assert first.text == second.text
    assert wallet_balance(actor=talk.talker.actor, currency="CNY") == Money(4000, "CNY")


def test_topping_up_leads_to_a_page_of_its_own_and_the_money_is_told(talk, till, sql):
    talk.say("钱包")

    screen = talk.tap("充值 ¥100.00")

    assert screen.kind is ScreenKind.PAY
    assert screen.text.startswith("钱包充值\n应付：¥100.00")
    (payment,) = [option.pay_payment for option in screen.options if option.pay_payment]
    till.receive(till.notice(payment, 10000))
    assert wallet_balance(actor=talk.talker.actor, currency="CNY") == Money(10000, "CNY")
    assert talk.unasked()[-1].text.startswith("¥100.00 已到钱包")


def test_ten_taps_on_an_amount_lead_to_one_payment_until_it_is_paid(talk, till, sql):
    talk.say("钱包")
    action = talk.option("充值 ¥100.00").action

    (first,) = {talk.act(action).options[0].pay_payment for _ in range(10)}
    till.receive(till.notice(first, 10000))
    next_one = talk.act(action).options[0].pay_payment

    assert next_one != first
    assert sql("SELECT count(*) FROM payment") == [(2,)]
    assert till.queued("start_payment") == [first, next_one]


def test_a_shop_without_a_gateway_cannot_top_up_and_says_so(talk, sql):
    sql("UPDATE gateway_account SET enabled = false")
    talk.say("钱包")

    refused = talk.tap("充值 ¥50.00")

    assert refused.kind is ScreenKind.ERROR
    assert refused.text.startswith("本店暂时没有可用的支付方式。\n没有扣款。")


def test_a_filled_wallet_is_told(talk, till):
    a_filled_wallet(till, talk, 5000)

    (told,) = talk.unasked()

    assert told.text == "¥50.00 已到钱包\n下次下单可以一键支付。"


def test_fault_31_late_money_for_goods_that_are_gone_is_a_choice_of_two(talk, till):
    asks = late_money(till, talk)

    assert asks.text.startswith("付款到得晚了，订单已结束")
    assert [option.label for option in asks.options] == ["退款", "换货"]


def test_late_money_goes_back_on_one_tap_and_a_second_choice_is_refused(talk, till):
    asks = late_money(till, talk)

    assert talk.act(asks.options[0].action).text.startswith("好的，款项会原路退回")

    second = talk.act(asks.options[1].action)
    assert second.kind is ScreenKind.ERROR
    assert second.text.startswith("这笔钱之前已经处理过了。")
    assert wallet_balance(actor=talk.talker.actor, currency="CNY") == Money(0, "CNY")


def test_late_money_buys_other_goods_on_one_tap(talk, till):
    asks = late_money(till, talk)

    answer = talk.act(asks.options[1].action)

    assert answer.text == "钱包现有 ¥10.00，选好商品直接用钱包付款。"
    assert wallet_balance(actor=talk.talker.actor, currency="CNY") == Money(1000, "CNY")


def test_another_shopper_cannot_decide_about_late_money(talk, till, shop):
    asks = late_money(till, talk)
    stranger = Dialog(an_engine(shop, till.clock), shop.a_shopper())

    assert stranger.act(asks.options[0].action).text.startswith("这个按钮已经失效")
    assert talk.act(asks.options[0].action).text.startswith("好的")


def test_i_have_paid_has_the_gateway_asked_in_the_next_round(talk, till, sql):
    order = an_order(talk)
    start_payment(order_id=order, gateway_account_id=till.account()[0], now=till.now)

    screen = talk.tap("我已支付")

    assert screen.kind is ScreenKind.PAY
    assert screen.text.startswith("还没有收到付款，正在向支付渠道查询")
    assert sql("SELECT poll_at FROM payment") == [(till.now,)]


def test_i_have_paid_after_the_money_came_shows_the_receipt(talk, till):
    order = an_order(talk)
    payment = start_payment(order_id=order, gateway_account_id=till.account()[0], now=till.now)
    till.receive(till.notice(payment, 1000))

    assert talk.tap("我已支付").text.startswith("已支付，正在出货")


def test_an_order_is_found_by_the_numbers_of_its_bill_by_its_shopper_only(talk, till, shop):
    order = an_order(talk)
    payment = start_payment(order_id=order, gateway_account_id=till.account()[0], now=till.now)
    till.receive(till.notice(payment, 1000, transaction="42000012345678"))
    stranger = Dialog(an_engine(shop, till.clock), shop.a_shopper())

    for said in ("找单 42000012345678", "42000012345678", f"找单 {public(Prefix.PAYMENT, payment)}"):
        found = talk.say(said)
        assert order_of(found) == order
        assert "状态：已支付，正在出货" in found.text
        assert found.cards == ()

    theirs, missing = stranger.say("找单 42000012345678"), stranger.say("找单 42000012345679")
    assert theirs.order is None
    assert theirs.text.replace("78", "79") == missing.text


def test_a_bill_number_of_strange_signs_finds_nothing(talk):
    for said in ("找单 '; --", "找单 pay_xyz", "找单 ord_xyz", "find " + "9" * 64):
        assert talk.say(said).text.startswith("没有找到单号为")
