"""What was ready only after 处理中: said with the next reply, once; numbers mean a menu only when it was said."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bot.engine import Engine
from tests.builders import Shop
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat.person import Exchange, Follower

WORKING = "处理中，回复【取卡】查看"
CHANGED = "菜单已更新，请重新选择。"
Slow = Callable[[str], Exchange]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """处理中 is said sooner here; that it is said in time is what test_wechat_in_time.py shows."""
    monkeypatch.setattr("channels.web.hooks.wechat.ANSWER_WITHIN", 1.5)


@pytest.fixture
def slow(fan: Follower, goods: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    """Says something whose answer is ready only after 处理中 was said, and waits until it is."""
    handle, go_on = Engine.handle, threading.Event()
    held: set[str] = set()

    def slowly(self: Engine, incoming: Any) -> Any:
        if incoming.text in held:
            go_on.wait(30)
        return handle(self, incoming)

    def say(words: str) -> Exchange:
        held.add(words)
        go_on.clear()
        told = fan.say(words)
        go_on.set()
        held.clear()
        end = time.monotonic() + 10
        while goods.sql("SELECT count(*) FROM inbox WHERE handled_at IS NULL") != [(0,)]:
            assert time.monotonic() < end
            time.sleep(0.02)
        return told

    monkeypatch.setattr(Engine, "handle", slowly)
    yield say
    go_on.set()


def test_a_late_answer_is_what_cards_brings_and_only_once(fan: Follower, slow: Slow) -> None:
    """Fault 48: 处理中 promises that 取卡 shows it."""
    menu = fan.say("菜单").reply

    late = slow("买 A1 2")
    shown, then = fan.say("取卡").reply, fan.say("取卡").reply

    assert late.reply == WORKING
    assert shown is not None
    assert "¥50.00" in shown
    assert shown.count("/w/") == 1
    assert then is not None
    assert then.startswith("您在本店还没有已发货的卡密")
    assert menu not in {shown, then}


def test_a_late_answer_stands_before_the_next_one_and_only_the_next_has_numbers(fan: Follower, slow: Slow) -> None:
    slow("买 A1 2")

    both = fan.say("菜单").reply
    goods = fan.say("1").reply

    assert both is not None
    assert both.index("¥50.00") < both.index("您好")
    assert both.count("\n0 ") + both.count("\n1 ") == 1
    assert goods is not None
    assert "商品 A1" in goods


@pytest.mark.parametrize("said", ["2", "1", "确认"])
def test_a_number_after_a_menu_that_nobody_saw_chooses_nothing(
    fan: Follower, slow: Slow, goods: Shop, said: str
) -> None:
    """INV-O6: numbers mean what was read; between two menus the later one is shown, and only then answers."""
    fan.say("语言")
    slow("菜单")
    orders = goods.count("shop_order")

    answer = fan.say(said).reply
    then = fan.say("2").reply

    assert answer is not None
    assert answer.startswith(f"{CHANGED}\n\n您好，想买点什么？")
    assert "English." not in answer
    assert then is not None
    assert then.startswith("您还没有订单")
    assert goods.count("shop_order") == orders


def test_until_it_is_ready_numbers_mean_the_menu_that_was_read(
    fan: Follower, goods: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    fan.say("语言")
    go_on, handle = threading.Event(), Engine.handle

    def slowly(self: Engine, incoming: Any) -> Any:
        screens = handle(self, incoming)
        if incoming.text == "菜单":
            go_on.wait(30)
        return screens

    monkeypatch.setattr(Engine, "handle", slowly)
    late = fan.say("菜单")
    chosen = fan.say("2").reply
    go_on.set()

    assert late.reply == WORKING
    assert chosen is not None
    assert chosen.startswith("From now on we speak English.")


def test_a_repeat_that_brings_the_late_answer_has_told_it(wx: WeChatDouble, fan: Follower, slow: Slow) -> None:
    fan.say("语言")
    late = slow("菜单")

    again, number, cards = wx.repeat(late).reply, fan.say("1").reply, fan.say("取卡").reply

    assert again is not None
    assert "1 选购商品" in again
    assert number is not None
    assert "商品 A1" in number
    assert cards is not None
    assert cards.startswith("您在本店还没有已发货的卡密")


def test_a_late_list_still_names_what_it_lists(fan: Follower, slow: Slow) -> None:
    slow("语言")

    both = fan.say("菜单").reply

    assert both is not None
    assert both.startswith("请选择语言 / Choose a language\n\n· 中文\n· English\n\n您好，想买点什么？")


def test_where_one_reply_has_no_room_for_both_the_rest_waits_for_the_next(
    fan: Follower, slow: Slow, goods: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.chat.wechat.replies.fits", lambda text: len(text) < 80)
    slow("语言")

    first, second, third = fan.say("菜单").reply, fan.say("取卡").reply, fan.say("取卡").reply

    assert first is not None
    assert first.startswith("请选择语言 / Choose a language\n\n1 中文\n2 English\n")
    assert first.endswith(WORKING)
    assert second is not None
    assert second.startswith("您好，想买点什么？")
    assert third is not None
    assert third.startswith("您在本店还没有已发货的卡密")
    assert goods.count("late_answer") == 0


def test_what_waits_too_long_is_not_said_any_more(fan: Follower, slow: Slow, goods: Shop) -> None:
    slow("菜单")
    goods.sql("UPDATE late_answer SET at = at - interval '16 minutes'")

    cards = fan.say("取卡").reply

    assert cards is not None
    assert cards.startswith("您在本店还没有已发货的卡密")
