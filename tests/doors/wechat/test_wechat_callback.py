"""WeChat's callbacks at the real door: in every mode, repeated, forged, junk, late."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from bot.engine import Engine
from core.connections.chats import ChatAccount
from tests.builders import Shop
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat.crypto import sha1, xml
from tests.doubles.wechat.person import Follower
from tests.doubles.wechat.world import Account
from tests.support.web import WebServer

Sql = Callable[..., list[tuple[Any, ...]]]


@pytest.mark.parametrize("mode", ["safe", "compatible", "plain"])
def test_the_address_proves_itself_and_a_follower_is_answered(
    wx: WeChatDouble, official_account: Account, fan: Follower
) -> None:
    assert wx.verify(official_account)

    welcome = fan.subscribe()
    menu = fan.say("菜单")

    assert welcome.reply is not None
    assert "1 选购商品" in welcome.reply
    assert menu.reply == welcome.reply


def test_numbers_answer_the_menu_that_was_sent_last(fan: Follower) -> None:
    fan.say("菜单")

    goods = fan.say("１")
    nothing = fan.say("7")

    assert goods.reply is not None
    assert "商品 A1" in goods.reply
    assert nothing.reply is not None
    assert nothing.reply.startswith("菜单已更新，请重新选择")


@pytest.mark.parametrize("said", ["买 A1 2", "A1*2", "A1 2", "Ａ１　２个", "買A1×2", "A1 2 券SAVE5"])
def test_one_turn_is_the_total_and_one_link_and_places_nothing(fan: Follower, shop_rows: Any, said: str) -> None:
    """chat.md: at most one turn and the payment."""
    reply = fan.say(said).reply

    assert reply is not None
    assert "¥50.00" in reply
    assert reply.count("/w/") == 1
    assert shop_rows("shop_order") == 0


@pytest.fixture
def shop_rows(goods: Shop) -> Any:
    return goods.count


def test_the_same_message_three_times_has_one_effect_and_one_reply(
    wx: WeChatDouble, fan: Follower, goods: Shop
) -> None:
    """Fault 47, INV-O6: at once and later, the first answer again."""
    first = fan.say("买 A1 2")
    with ThreadPoolExecutor(3) as pool:
        repeats = [one.result() for one in [pool.submit(wx.repeat, first) for _ in range(3)]]

    assert {repeat.reply for repeat in repeats} == {first.reply}
    assert goods.count("inbox") == 1
    assert goods.sql("SELECT count(*)::int FROM button WHERE intent = 'page:checkout'") == [(1,)]


def test_a_slow_answer_says_so_in_time_and_the_repeat_brings_it(
    wx: WeChatDouble, fan: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 48: 处理中 within five seconds, whatever takes eight; what goes on behind is found by the repeat."""
    go_on = threading.Event()
    handle = Engine.handle

    def slowly(self: Engine, incoming: Any) -> Any:
        go_on.wait(20)
        return handle(self, incoming)

    monkeypatch.setattr(Engine, "handle", slowly)
    began = time.monotonic()
    late = fan.say("菜单")
    waited = time.monotonic() - began
    go_on.set()
    again = wx.repeat(late)

    assert late.reply == "处理中，回复【取卡】查看"
    assert waited < 5
    assert again.reply is not None
    assert "1 选购商品" in again.reply


def test_a_request_of_wechat_sent_again_with_other_words_is_refused(
    wx: WeChatDouble, fan: Follower, goods: Shop
) -> None:
    """Fault 51: a nonce counts once; the byte-same request is only the same message again."""
    heard = fan.say("菜单")
    before = goods.fingerprint()

    same = wx.replay(heard)
    altered = wx.replay(heard, msg_signature="0" * 40)
    old = wx.replay(heard, timestamp="1700000000")

    assert (same.status, altered.status, old.status) == (200, 403, 403)
    assert goods.fingerprint() == before


@pytest.mark.parametrize(
    ("mode", "attack"),
    [
        ("safe", """UPDATE chat_account SET settings = settings || '{"mode": "plain"}' RETURNING id"""),
        ("plain", "UPDATE credential SET name = 'gone' WHERE name = 'mode' RETURNING account_id"),
        ("plain", "UPDATE credential SET sealed = sealed || '\\x00' WHERE name = 'mode' RETURNING account_id"),
    ],
)
def test_no_table_makes_plain_text_believed(
    wx: WeChatDouble, fan: Follower, goods: Shop, mode: str, attack: str, sql: Sql
) -> None:
    """Words that no signature covers count only where the operator's own sealed word says so."""
    account = fan.account
    assert sql(attack, role="shop")
    before = goods.fingerprint()

    answer = wx.post(account, plain_text(fan), **fresh_query(account))

    assert answer.status_code in {403, 404}
    assert goods.fingerprint() == before


@pytest.mark.parametrize("mode", ["plain"])
def test_plain_text_is_believed_where_the_operator_said_so(wx: WeChatDouble, fan: Follower) -> None:
    """The control of the test before."""
    answer = wx.post(fan.account, plain_text(fan), **fresh_query(fan.account))

    assert "1 选购商品" in answer.text


def plain_text(fan: Follower) -> bytes:
    """Words of a follower, signed by nobody."""
    tags = {"ToUserName": fan.account.original_id, "FromUserName": fan.openid, "CreateTime": 1772424000}
    return xml(tags | {"MsgType": "text", "Content": "菜单", "MsgId": "424242"}).encode()


def fresh_query(account: Account) -> dict[str, str]:
    """What signs an address, as somebody has it who holds back one of WeChat's requests."""
    stamp, nonce = str(int(time.time())), "98765"
    return {"signature": sha1(account.token, stamp, nonce), "timestamp": stamp, "nonce": nonce}


@pytest.mark.parametrize("mode", ["plain"])
def test_a_nonce_of_another_message_is_refused(wx: WeChatDouble, fan: Follower, goods: Shop) -> None:
    """Fault 51: in plain mode no signature covers the words, so who heard one request cannot send others with it."""
    heard = fan.say("菜单")
    before = goods.fingerprint()
    other = heard.tries[0].body.replace("菜单".encode(), "买 A1 9".encode()).replace(b"<MsgId>", b"<MsgId>9")

    answer = wx.post(heard.account, other, **heard.tries[0].query)

    assert answer.status_code == 403
    assert goods.fingerprint() == before


@pytest.mark.parametrize(
    "body",
    [
        b"", b"  ", b"no xml", b"<xml></xml>", b"<xml><MsgType>text</MsgType></xml>", "<xml>买".encode("gbk"),
        b"<xml>" + b"<a>" * 20_000,
        b'<!DOCTYPE x [<!ENTITY a "b">]><xml>&a;</xml>', b"<xml><Encrypt>AAAA</Encrypt></xml>",
        b"<xml>\x00</xml>",
    ],
)  # fmt: skip
def test_junk_with_a_right_signature_is_heard_in_silence(
    wx: WeChatDouble, official_account: Account, fan: Follower, goods: Shop, body: bytes
) -> None:
    """Faults 49 and 50: `success` or a refusal, never a traceback, and nothing is changed."""
    query = dict(fan.say("菜单").tries[0].query)
    before = goods.fingerprint()

    answer = wx.post(official_account, body, **query)

    assert answer.status_code in {200, 403}
    assert b"Traceback" not in answer.content
    assert goods.fingerprint() == before


def test_a_body_of_four_megabytes_is_not_read(web: WebServer, official_account: Account, wx: WeChatDouble) -> None:
    """Fault 49."""
    assert wx.post(official_account, b"<xml>" + b"a" * 4_000_000, timestamp="1").status_code == 413


@pytest.mark.parametrize("missing", ["signature", "timestamp", "nonce", "msg_signature"])
def test_without_a_part_of_its_signature_nothing_is_wechats(
    wx: WeChatDouble, fan: Follower, goods: Shop, missing: str
) -> None:
    """Fault 51."""
    heard = fan.say("菜单")
    before = goods.fingerprint()
    query = {name: value for name, value in heard.tries[0].query.items() if name != missing}

    answer = wx.post(heard.account, heard.tries[0].body, **query)

    assert answer.status_code == 403
    assert goods.fingerprint() == before


def test_an_address_that_no_account_has_is_unknown(web: WebServer, wx: WeChatDouble, account: ChatAccount) -> None:
    gone = httpx.post(f"{web.url}/hooks/wechat/{'x' * 22}", content=b"", trust_env=False)

    assert gone.status_code == 404


def test_events_that_nobody_answers_are_heard_in_silence(fan: Follower, goods: Shop) -> None:
    fan.say("菜单")

    assert fan.unsubscribe().seen is None


def test_a_picture_and_spoken_words_are_answered(fan: Follower) -> None:
    picture, spoken = fan.send_picture(), fan.say_aloud("菜单")

    assert picture.reply is not None
    assert "1 选购商品" in picture.reply
    assert spoken.reply == picture.reply
