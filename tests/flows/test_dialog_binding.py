"""Binding as it is talked about: in two chats, by buttons and by words, in both languages."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bot.screens import Screen, ScreenKind
from core.clock import FixedClock
from core.db import execute
from tests.builders import Shop
from tests.support.dialog import Dialog, an_engine

CODE = re.compile(r"[A-Z2-7]{4}-[A-Z2-7]{4}")


def a_dialog(shop: Shop, clock: FixedClock, *, locale: str = "zh-CN", merchant: int | None = None) -> Dialog:
    return Dialog(an_engine(shop, clock), shop.a_shopper(merchant=merchant), locale)


@pytest.fixture
def one(shop: Shop, clock: FixedClock) -> Dialog:
    shop.a_listing("A1")
    shop.a_batch("A1", 10)
    return a_dialog(shop, clock)


@pytest.fixture
def other(one: Dialog, shop: Shop, clock: FixedClock) -> Dialog:
    return a_dialog(shop, clock)


def heard(dialog: Dialog) -> Dialog:
    """The same chat, as its door looks it up for every message."""
    rows = execute("SELECT shopper_id FROM conversation WHERE id = %s", (dialog.talker.conversation_id,))
    dialog.talker = replace(dialog.talker, shopper_id=rows[0][0])
    return dialog


def code_in(screen: Screen) -> str:
    found = CODE.search(screen.text)
    assert found, screen.text
    return found[0]


def tap_unasked(dialog: Dialog, label: str) -> Screen:
    """Tap an option of the newest message that was sent unasked."""
    dialog.screen = heard(dialog).unasked()[-1]
    return dialog.tap(label)


def bind(one: Dialog, other: Dialog) -> None:
    other.say(f"绑定 {code_in(heard(one).say('绑定'))}")
    other.tap("同意")
    tap_unasked(one, "同意")
    assert one.screen.text.startswith("已和“网页聊天")
    heard(one)
    heard(other)


def test_two_chats_are_bound_with_one_word_one_code_and_a_tap_in_each(one: Dialog, other: Dialog, shop: Shop) -> None:
    one.say("买 A1 1")
    one.tap("确认")
    shown = one.say("绑定")
    question = other.say(f"绑定 {code_in(shown)}")

    assert "两边都同意" in shown.text
    assert "两边的钱包会合成一个。" in question.text
    assert "钱包留在" in question.text
    assert (question.kind, [option.label for option in question.options[:2]]) == (ScreenKind.MENU, ["同意", "不绑定"])
    waits = other.tap("同意")
    assert "那边同意" in waits.text
    done = tap_unasked(one, "同意")

    assert done.text.splitlines()[0].startswith("已和“网页聊天")
    assert heard(other).unasked()[-1].text.splitlines()[0].startswith("已和“网页聊天")
    assert len(other.say("订单").options) == len(heard(one).say("订单").options) == 2
    assert shop.count("shop_order") == 1


def test_the_other_order_of_agreeing_ends_alike(one: Dialog, other: Dialog) -> None:
    other.say(f"bind {code_in(one.say('bind'))}")
    tap_unasked(one, "同意")
    assert "那边同意" in one.screen.text

    assert other.say("同意").text.startswith("已和“网页聊天")


def test_words_answer_where_nothing_can_be_tapped(one: Dialog, other: Dialog) -> None:
    other.say(f"绑定{code_in(one.say('綁定'))}")

    assert one.say("绑定").text.startswith("要和“网页聊天")  # the question waits: it is shown once more
    assert one.say("不同意").text.startswith("好的，没有绑定")
    assert heard(other).unasked()[-1].text.endswith("一切照旧。")
    assert other.say("同意").text.startswith("现在没有需要确认的")


def test_a_yes_without_a_question_agrees_to_nothing(one: Dialog) -> None:
    for words in ("同意", "不同意", "agree", "decline"):
        assert one.say(words).text.startswith("现在没有需要确认的")


@pytest.mark.parametrize("words", ["绑定 AAAA-AAAA", "绑定 微信", "bind aaaaaaaa"])
def test_a_wrong_code_says_what_to_do_and_nothing_else(one: Dialog, words: str) -> None:
    screen = one.say(words)

    assert screen.kind is ScreenKind.ERROR
    assert screen.error_id is not None
    assert screen.text.splitlines()[0] == "这个绑定码用不了。"


def test_a_code_of_another_merchant_is_as_unknown_as_an_invented_one(
    one: Dialog, shop: Shop, clock: FixedClock
) -> None:
    foreign = a_dialog(shop, clock, merchant=shop.a_party("other"))
    code = code_in(foreign.say("绑定"))

    assert one.say(f"绑定 {code}").text == one.say("绑定 AAAA-AAAA").text
    assert heard(foreign).unasked() == []


def test_the_fourth_code_is_refused_for_ten_minutes(one: Dialog) -> None:
    for _ in range(3):
        one.say("绑定 AAAA-AAAA")

    assert "10 分钟后再试" in one.say("绑定 AAAA-AAAA").text


def test_the_own_code_is_not_for_the_own_chat(one: Dialog) -> None:
    code = code_in(one.say("绑定"))

    assert one.say(f"绑定 {code}").text.startswith("这个绑定码要在您的另一个聊天里发送")


@pytest.mark.parametrize("from_first", [True, False])
def test_it_is_let_go_in_two_taps_from_either_chat(one: Dialog, other: Dialog, from_first: bool) -> None:
    bind(one, other)
    speaking, hearing = (one, other) if from_first else (other, one)

    asked = speaking.say("解绑")
    assert [option.label for option in asked.options] == ["解绑", "菜单"]
    assert "钱包里的钱留在“网页聊天" in asked.text
    done = speaking.tap("解绑")

    told = heard(hearing).unasked()[-1].text
    assert done.text.splitlines()[0] == ("这个聊天已解绑" if not from_first else told.splitlines()[0])
    assert told.splitlines()[0].endswith("”已解绑")
    assert told.splitlines()[1:] == done.text.splitlines()[1:]
    assert heard(speaking).say("解绑").text == "您还没有绑定其他账号。"
    bind(one, other)


def test_of_several_accounts_one_is_chosen_and_the_list_stands_beside_the_code(
    one: Dialog, other: Dialog, shop: Shop, clock: FixedClock
) -> None:
    third = a_dialog(shop, clock)
    bind(one, other)
    bind(one, third)

    assert "已绑定：网页聊天" in one.say("绑定").text
    chosen = one.say("unbind")
    assert len(chosen.options) == 3
    one.act(chosen.options[0].action or "")
    assert one.screen.text.startswith("要解绑“网页聊天")
    one.tap("解绑")
    assert "已解绑" in one.screen.text
    assert len({heard(dialog).talker.shopper_id for dialog in (one, other, third)}) == 2


def test_an_old_question_says_that_it_is_over(one: Dialog, other: Dialog) -> None:
    bind(one, other)
    other.say("解绑")
    other.tap("解绑")
    heard(other)

    again = tap_first_question(one)

    assert again.kind is ScreenKind.ERROR
    assert again.text.startswith("这次绑定已经失效")


def tap_first_question(dialog: Dialog) -> Screen:
    dialog.screen = heard(dialog).unasked()[0]
    return dialog.tap("同意")


def test_in_english_it_reads_as_well(shop: Shop, clock: FixedClock) -> None:
    one, other = (a_dialog(shop, clock, locale="en") for _ in range(2))
    other.say(f"bind {code_in(one.say('bind'))}")

    assert other.screen.text.startswith("Link with “Web chat, since")
    assert other.tap("Agree").text.startswith("All right. Now agree in “Web chat")
    assert one.say("agree").text.startswith("Linked with “Web chat")
    assert heard(one).say("unbind").text.startswith("Unlink “Web chat")


def test_help_names_it(one: Dialog) -> None:
    assert "绑定：在另一个聊天里也能用同样的订单和钱包" in one.say("帮助").text
