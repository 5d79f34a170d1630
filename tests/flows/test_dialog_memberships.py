"""会员 in the chat: what it says before, during and after a membership, and buying one like any goods."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.screens import ScreenKind
from core.clock import FixedClock
from core.fulfilment.service import deliver
from core.members.periods import Unit
from tests.builders import Shop
from tests.support.carriers import NOBODY
from tests.support.dialog import Dialog, an_engine, order_of, pay
from tests.support.memberships import SilentVault, a_club, membership_of


@pytest.fixture
def talk(shop: Shop, clock: FixedClock) -> Dialog:
    """A known shopper in front of a month of membership at ¥15.00, on Monday 2026-03-02 at noon."""
    a_club(shop).goods("F1", 1, Unit.MONTH)
    return Dialog(an_engine(shop, clock), shop.a_shopper())


def bought(talk: Dialog, shop: Shop, clock: FixedClock) -> None:
    """Confirmed, paid and handed over."""
    for delivery in pay(shop, clock, order_of(talk.tap("确认"))):
        assert deliver(delivery_id=delivery, vault=SilentVault(), carrier=NOBODY, now=clock.now())


@pytest.mark.parametrize("word", ["会员", "我的会员", "member", "Membership"])
def test_the_word_that_always_works_says_how_to_join_and_leads_there(talk: Dialog, word: str) -> None:
    screen = talk.say(word)

    assert screen.text == "小铺会员：尚未开通\n付款后立即生效。"
    assert [option.label for option in screen.options] == ["开通 1 个月 · F1 · ¥15.00", "菜单"]
    assert talk.tap("开通").kind is ScreenKind.CONFIRM


def test_a_shop_without_plans_says_so(shop: Shop, clock: FixedClock) -> None:
    talk = Dialog(an_engine(shop, clock), shop.a_shopper())

    assert talk.say("会员").text.startswith("本店还没有开通会员。")


def test_joining_and_renewing_is_one_code_and_the_chat_tells_until_when(
    talk: Dialog, shop: Shop, clock: FixedClock
) -> None:
    assert "数量：3\n时长：3 个月\n合计：¥45.00" in talk.say("买 F1 3").text
    confirm = talk.say("买 F1")
    assert "数量：1\n时长：1 个月\n合计：¥15.00" in confirm.text
    assert "卡密" not in confirm.text
    assert "付款后会员立即开通，到期时间会在这里告诉您。" in confirm.text
    bought(talk, shop, clock)

    paid, given = talk.unasked()
    assert paid.text.startswith("已支付，会员马上到账")
    assert given.text == ("会员已到账\n小铺会员：有效期至 2026年4月2日 12:00\n随时可以续费，时长会接在到期日之后。")
    assert talk.say("会员").text.startswith("小铺会员：有效期至 2026年4月2日 12:00\n到期前续费")
    talk.tap("续费 1 个月")
    bought(talk, shop, clock)
    assert talk.say("会员").text.startswith("小铺会员：有效期至 2026年5月2日 12:00")


def test_after_the_end_it_says_since_when_it_is_over(talk: Dialog, shop: Shop, clock: FixedClock) -> None:
    talk.say("买 F1")
    bought(talk, shop, clock)

    clock.move(membership_of(talk.talker).until - clock.now())

    assert talk.say("会员").text == "小铺会员：已于 2026年4月2日 12:00 到期\n付款后立即生效。"
    talk.tap("续费 1 个月")
    bought(talk, shop, clock)
    assert talk.say("会员").text.startswith("小铺会员：有效期至 2026年5月2日 12:00")


def test_its_receipt_leads_to_the_membership_and_never_to_cards(talk: Dialog, shop: Shop, clock: FixedClock) -> None:
    talk.say("买 F1 2")
    bought(talk, shop, clock)
    talk.say("订单")

    receipt = talk.tap("会员 F1")

    assert receipt.text.startswith("订单已完成")
    assert [option.label for option in receipt.options] == ["我的会员", "再来一单", "菜单"]
    assert talk.say("取卡").text.startswith("您在本店还没有已发货的卡密")


def test_what_reaches_too_far_is_refused_with_a_sentence(talk: Dialog, shop: Shop) -> None:
    a_club(shop, "long").goods("F9", 30, Unit.YEAR)
    talk.say("买 F9 2")

    refused = talk.tap("确认")

    assert refused.kind is ScreenKind.ERROR
    assert refused.text.startswith("会员时长不能超过 50 年，这样买就超出了。")
    assert shop.count("shop_order") == 0


def test_what_is_no_longer_sold_is_still_owned(talk: Dialog, shop: Shop, clock: FixedClock) -> None:
    talk.say("买 F1")
    bought(talk, shop, clock)
    shop.sql("UPDATE listing SET on_sale = false")
    clock.move(timedelta(days=1))

    screen = talk.say("会员")

    assert screen.text == "小铺会员：有效期至 2026年4月2日 12:00"
    assert [option.label for option in screen.options] == ["菜单"]
