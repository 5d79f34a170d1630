"""Stars in the conversation: offered in the bot's chat, asked for with a tap, and refused in good words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.screens import ScreenKind
from bot.stars import PRECHECK_WORDS, bill_words, precheck_words
from bot.texts import Phrasebook
from core.money import Money
from core.payments.service import PrecheckRefusal, make_intent, wallet_balance
from core.payments.stars import invoice_of
from tests.builders import Shop
from tests.support.dialog import Dialog, an_engine, order_of
from tests.support.stars import StarsTill, a_stars_till
from tests.support.till import Till

BOOK = Phrasebook(zone="Asia/Shanghai", default="zh-CN")


class InTelegram(Dialog):
    """A shopper in a bot's private chat."""

    def incoming(self, **said: object):  # type: ignore[override]
        return replace(super().incoming(**said), channel="telegram")  # type: ignore[arg-type]


@pytest.fixture
def stars(shop: Shop) -> StarsTill:
    """A merchant whose only till is Stars."""
    shop.a_listing("A1")
    shop.a_batch("A1", 5)
    return a_stars_till(Till(shop))


@pytest.fixture
def talk(stars: StarsTill) -> InTelegram:
    return InTelegram(an_engine(stars.shop, stars.till.clock), stars.buyer)


def labels(talk: Dialog) -> list[str]:
    return [option.label for option in talk.screen.options]


def test_an_order_is_paid_in_stars_by_one_tap_and_the_bill(stars: StarsTill, talk: InTelegram) -> None:
    talk.say("买 A1 1")
    order = order_of(talk.tap("确认"))
    offered = labels(talk)

    screen = talk.tap("用星星支付")
    again = talk.say("订单")  # another look changes nothing
    (payment,) = stars.till.queued("start_payment")
    make_intent(payment_id=payment, gateways={"stars": stars.gateway}, now=stars.now)
    stars.tell_paid(payment, stars.charge(payment))

    assert offered == ["用星星支付（72 ⭐）", "我已支付", "取消订单"]
    assert screen.text.splitlines()[0] == "72 星的账单马上发到这里；如果已经收到，直接付那一张就好。"
    assert (screen.kind, screen.order) == (ScreenKind.PAY, order)
    assert again.kind is ScreenKind.MENU
    assert [screen.kind for screen in talk.unasked()][-1] is ScreenKind.RECEIPT


def test_where_there_is_a_page_too_both_ways_stand_side_by_side(stars: StarsTill, talk: InTelegram) -> None:
    stars.till.account()
    talk.say("买 A1 1")
    talk.tap("确认")

    assert labels(talk) == ["去支付 ¥10.00", "用星星支付（72 ⭐）", "我已支付", "取消订单"]


def test_the_web_chat_of_the_same_merchant_offers_no_stars(stars: StarsTill, shop: Shop) -> None:
    stars.till.account()
    talk = Dialog(an_engine(shop, stars.till.clock), shop.a_shopper())
    talk.say("买 A1 1")
    talk.tap("确认")

    assert labels(talk) == ["去支付 ¥10.00", "我已支付", "取消订单"]


def test_the_button_of_an_order_that_is_paid_shows_its_receipt(stars: StarsTill, talk: InTelegram) -> None:
    talk.say("买 A1 1")
    talk.tap("确认")
    button = talk.option("用星星支付").action
    assert button is not None
    talk.act(button)
    (payment,) = stars.till.queued("start_payment")
    stars.tell_paid(payment, stars.charge(payment))

    assert talk.act(button).kind is ScreenKind.RECEIPT
    assert len(stars.till.queued("start_payment")) == 1


def test_a_wallet_is_topped_up_in_stars(stars: StarsTill, talk: InTelegram) -> None:
    talk.say("钱包")
    talk.tap("充值 ¥50.00")
    offered = labels(talk)

    screen = talk.tap("用星星支付")
    (payment,) = stars.till.queued("start_payment")
    make_intent(payment_id=payment, gateways={"stars": stars.gateway}, now=stars.now)
    stars.tell_paid(payment, stars.charge(payment))

    assert offered == ["用星星支付（358 ⭐）", "菜单"]
    assert screen.text.startswith("358 星的账单马上发到这里")
    assert wallet_balance(actor=talk.talker.actor, currency="CNY") == Money(5000, "CNY")
    bill = stars.telegram.invoices[0]
    assert (bill["title"], bill["description"]) == ("钱包充值 ¥50.00", "为你在本店的钱包充值 ¥50.00。")


def test_every_refusal_before_the_payment_has_its_words_in_both_languages() -> None:
    assert set(PRECHECK_WORDS) == set(PrecheckRefusal)
    for refusal in PrecheckRefusal:
        chinese, english = (precheck_words(BOOK.texts(locale), refusal) for locale in ("zh-CN", "en"))
        assert ("扣款" in chinese, "charged" in english) == (True, True)


def test_a_bill_with_a_long_name_is_cut_to_what_telegram_takes(stars: StarsTill) -> None:
    order = stars.shop.place(stars.buyer, stars.shop.a_listing("A1"))
    invoice = invoice_of(payment_id=stars.bill(order))
    long = replace(invoice, lines=(({"zh-CN": "很长的名字" * 60}, 2),))

    title, description = bill_words(BOOK.texts("zh-CN"), long)

    assert (len(title), title[-1], len(description) <= 255) == (32, "…", True)
