"""WeChat's five seconds: under load, with a slow database, after a failure of ours; and that the answer is true."""

import threading
import time
from dataclasses import replace
from typing import Any

import psycopg
import pytest

import channels.web.hooks.wechat as hook
from bot.engine import Engine
from channels.chat.wechat.chat import WeChatChat
from tests.builders import Shop
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat.person import Exchange, Follower
from tests.doubles.wechat.world import Account

BUSY = "店里正忙。没有下单，您的钱也没有动。请再发一次。\n错误编号：err_"
UNSURE = "店里正忙，刚才那句办成没有还不确定，请发“订单”查看。\n错误编号：err_"


def seconds(exchange: Exchange) -> float:
    """How long the first try took; there was no other."""
    (only,) = exchange.tries
    return only.seconds


def test_fault_48_a_follower_is_answered_in_time_while_every_handler_is_busy(
    wx: WeChatDouble, fan: Follower, official_account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 48: more slow messages than there are threads; who speaks is read, and the reply sealed, beside them."""
    go_on, handle = threading.Event(), Engine.handle

    def slowly(self: Engine, incoming: Any) -> Any:
        if incoming.text == "慢":
            go_on.wait(30)
        return handle(self, incoming)

    monkeypatch.setattr(Engine, "handle", slowly)
    others = [wx.follower(official_account) for _ in range(20)]
    slow = [other.say("慢", wait=False) for other in others]
    for exchange in slow:
        exchange.wait()

    one = fan.say("菜单")
    go_on.set()

    assert one.reply == "处理中，回复【取卡】查看"
    assert seconds(one) < 4.5
    assert [exchange.reply for exchange in slow] == ["处理中，回复【取卡】查看"] * 20


def test_a_look_at_the_cards_that_takes_too_long_is_not_waited_for(
    fan: Follower, goods: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 48."""
    go_on, asked = threading.Event(), threading.Event()

    def slowly(*_: Any) -> None:
        asked.set()
        go_on.wait(30)

    monkeypatch.setattr(WeChatChat, "cards", slowly)
    monkeypatch.setattr(WeChatChat, "hear", lambda *_: hook.Reply("取卡中", 1))
    one = fan.say("取卡")
    go_on.set()

    assert asked.is_set()
    assert one.reply == "处理中，回复【取卡】查看"
    assert seconds(one) < 4.5


def test_a_slow_database_is_said_in_time_in_the_first_answer(fan: Follower, goods: Shop, urls: dict[str, str]) -> None:
    """Fault 48: nobody reads that the service is out of order, and nothing was done."""
    fan.say("菜单")
    with psycopg.connect(urls["owner"]) as holder:
        holder.execute("LOCK TABLE wechat_replay IN ACCESS EXCLUSIVE MODE")
        looks, pays = fan.say("菜单"), fan.say("确认")
        holder.rollback()

    assert looks.reply is not None
    assert looks.reply.startswith(BUSY)
    assert pays.reply is not None
    assert pays.reply.startswith(UNSURE)
    assert max(seconds(looks), seconds(pays)) < 4.5
    assert goods.count("inbox") == 1


def test_a_slow_database_before_any_key_was_read_is_503_in_time(
    wx: WeChatDouble, official_account: Account, goods: Shop, urls: dict[str, str]
) -> None:
    """Without the keys no answer can be sealed; WeChat is told at once, not left to wait."""
    began = time.monotonic()
    with psycopg.connect(urls["owner"]) as holder:
        holder.execute("LOCK TABLE credential IN ACCESS EXCLUSIVE MODE")
        answer = wx.post(official_account, b"<xml></xml>", **wx.callbacks._signed(official_account))
        waited = time.monotonic() - began
        holder.rollback()

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert waited < 4.5
    assert goods.count("inbox") == 0


def test_keys_heard_of_long_ago_or_withdrawn_say_nothing() -> None:
    from channels.chat.wechat.cipher import AccountKeys
    from channels.web.hooks.recent import KEPT_FOR, RecentKeys
    from core.secret import Secret
    from tests.builders import NOON

    recent, keys = RecentKeys(), AccountKeys("wx1", Secret(b"token"))
    recent.keep("one", keys, NOON)
    recent.keep("two", keys, NOON)
    found = recent.find("one")
    recent.drop("two")
    known = recent._known["one"]
    recent._known["one"] = type(known)(keys, NOON, time.monotonic() - KEPT_FOR - 1)

    assert found is not None
    assert found[0] is keys
    assert abs((found[1] - NOON).total_seconds()) < 1
    assert (recent.find("one"), recent.find("two")) == (None, None)
    assert "token" not in repr(recent)


def test_a_failure_of_ours_is_said_in_words_with_its_id_in_the_log_and_the_repeat_starts_afresh(
    wx: WeChatDouble, fan: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[dict[str, Any]] = []

    def note(event: str, **more: Any) -> None:
        logged.append({"event": event} | more)

    def broken(self: Engine, incoming: Any) -> Any:
        raise ValueError("x")

    with monkeypatch.context() as while_broken:
        while_broken.setattr(hook.log, "exception", note, raising=False)
        while_broken.setattr(Engine, "handle", broken)
        looks, pays = fan.say("菜单"), fan.say("1")
    again = wx.repeat(looks)

    assert looks.reply is not None
    assert looks.reply.startswith(BUSY)
    assert pays.reply is not None
    assert pays.reply.startswith(UNSURE)
    assert [entry["error_id"] for entry in logged] == [said.reply.rpartition("：")[2] for said in (looks, pays)]
    assert again.reply is not None
    assert "1 选购商品" in again.reply


def test_a_failure_is_said_in_the_language_of_the_chat(fan: Follower, monkeypatch: pytest.MonkeyPatch) -> None:
    fan.say("language English")
    monkeypatch.setattr(Engine, "handle", lambda *_: 1 / 0)

    assert (fan.say("menu").reply or "").startswith(
        "The shop is busy. Nothing was ordered, your money is untouched: please send it once more.\nError id: err_"
    )


def test_an_answer_that_changes_the_language_is_all_in_the_new_one(
    fan: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands around a screen too: 返回, links, ids. Agreeing to a binding changes the language like that."""
    handle = Engine.handle

    def handled(self: Engine, incoming: Any) -> Any:
        handle(self, replace(incoming, text="language English"))
        return handle(self, replace(incoming, locale="en", text="language xx"))

    monkeypatch.setattr(Engine, "handle", handled)
    reply = fan.say("语言").reply

    assert reply is not None
    assert reply.endswith("0 Back")
    assert "返回" not in reply


@pytest.mark.parametrize("mode", ["plain"])
def test_fault_51_the_nonce_of_a_verification_signs_no_message(
    wx: WeChatDouble, fan: Follower, official_account: Account, goods: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 51: whoever overhears the address that WeChat verifies has no signature for words of their own."""
    said = fan.say("菜单")
    asked: list[dict[str, str]] = []
    sign = wx.callbacks._signed

    def overheard(account: Account) -> dict[str, str]:
        asked.append(sign(account))
        return asked[-1]

    monkeypatch.setattr(wx.callbacks, "_signed", overheard)
    assert wx.verify(official_account)
    before = goods.fingerprint()

    forged = said.tries[0].body.replace(b"<MsgId>", b"<MsgId>9")
    answer = wx.post(official_account, forged, **asked[0])

    assert answer.status_code == 403
    assert goods.fingerprint() == before
