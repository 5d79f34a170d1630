"""The WeChat double brings what followers do as WeChat does, and takes passive replies as WeChat does."""

import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest

from tests.doubles.wechat import BROKEN
from tests.house.tree import ROOT
from tests.support.command_line import free_port
from tests.support.wechat_shop import AES_KEY, APP_ID, SECRET, TOKEN, sealed_reply, text_reply


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_a_follower_speaks_and_reads_the_passive_reply_in_every_mode(double, shop, mode):
    account = double.add_account(APP_ID, SECRET, TOKEN, AES_KEY, shop.url, mode=mode)
    make = sealed_reply if mode == "safe" else text_reply
    shop.answer = lambda fields: make(fields, f"heard {fields['Content']}")

    exchange = double.follower(account).say("买 A1 2")

    assert double.verify(account)
    assert exchange.reply == "heard 买 A1 2"
    assert shop.heard[0]["MsgType"] == "text"
    assert shop.heard[0]["MsgId"].isdigit()
    assert double.violations == []


def test_events_have_the_tags_that_wechat_gives_them(double, shop, account):
    account.templates["T1"] = ("thing1",)
    user = double.follower(account, follows=False)

    user.subscribe("goods-A1")
    user.scan("42")
    user.click("取卡")
    user.consent("T1")
    user.unsubscribe()

    seen = [(fields["Event"], fields.get("EventKey"), "Ticket" in fields) for fields in shop.heard]
    assert seen == [
        ("subscribe", "qrscene_goods-A1", True),
        ("SCAN", "42", True),
        ("CLICK", "取卡", False),
        ("subscribe_msg_popup_event", None, False),
        ("unsubscribe", "", False),
    ]
    assert all("MsgId" not in fields for fields in shop.heard)
    with pytest.raises(AssertionError, match="only a follower"):
        user.say("hello")


def test_no_answer_in_time_is_asked_for_three_times_with_one_msgid_then_the_follower_reads_that_it_is_broken(
    double, shop, account
):
    double.callbacks.patience = 0.2
    ended = threading.Event()
    shop.answer = lambda fields: b"success" if ended.wait(5) else b""

    exchange = double.follower(account).say("hello")
    ended.set()

    assert exchange.is_broken
    assert [seen.text for seen in double.follower(account).messages()] == ["hello", BROKEN]
    assert len({fields["MsgId"] for fields in shop.heard}) == 1
    assert len({one.query["nonce"] for one in exchange.tries}) == 3


def test_the_second_try_may_succeed(double, shop, account):
    double.callbacks.patience = 0.3
    ended = threading.Event()

    def answer(fields):
        if len(shop.heard) == 1:
            ended.wait(5)
        return text_reply(fields, "here it is")

    shop.answer = answer
    exchange = double.follower(account).say("取卡")
    ended.set()

    assert exchange.reply == "here it is"
    assert len(exchange.tries) == 2


def test_a_shop_that_is_not_there_is_tried_again_and_answers_once_it_is_back(double):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    account = double.add_account(APP_ID, SECRET, TOKEN, "", f"http://127.0.0.1:{port}/", mode="plain")
    double.callbacks.pause = 0.01

    assert double.follower(account).say("hello").is_broken


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"ToUserName": "oSomebodyElse"}, "not from the account"),
        ({"CreateTime": 1}, "CreateTime"),
        ({"CreateTime": "now"}, "CreateTime"),
        ({"MsgType": "markdown"}, "MsgType"),
        ({"Content": "字" * 683}, "2049 bytes"),
        ({"Content": "  "}, "empty"),
        ({"Extra": "x"}, "the tags"),
    ],
)
def test_a_wrong_reply_breaks_and_is_a_violation(double, shop, account, changed, why):
    shop.answer = lambda fields: text_reply(fields, "hello", **changed)

    assert double.follower(account).say("hello").is_broken
    assert why in double.violations[0]


def test_a_reply_in_safe_mode_must_be_sealed_and_signed(double, shop):
    account = double.add_account(APP_ID, SECRET, TOKEN, AES_KEY, shop.url)

    shop.answer = lambda fields: text_reply(fields, "in the open")
    assert double.follower(account).say("1").is_broken
    shop.answer = lambda fields: sealed_reply(fields, "hello", token="another")
    assert double.follower(account).say("2").is_broken

    assert [words.partition(": ")[2] for words in double.violations] == ["a plain reply in safe mode", "MsgSignature"]


def test_twins_repeats_and_replays_are_what_they_say(double, shop, account):
    user = double.follower(account)
    double.callbacks.twins = 3
    exchange = user.say("hello")
    double.callbacks.twins = 1
    repeated = double.repeat(exchange)
    replayed = double.replay(exchange)

    assert len(shop.heard) == 5
    assert len({fields["MsgId"] for fields in shop.heard}) == 1
    assert repeated.tries[0].query["nonce"] not in {one.query["nonce"] for one in exchange.tries}
    assert (replayed.body, replayed.query) == (exchange.tries[0].body, exchange.tries[0].query)


def test_a_menu_inside_a_message_is_tapped_and_says_its_words(double, shop, account):
    link = '<a href="weixin://bizmsgmenu?msgmenucontent=2&msgmenuid=a1b2">2 订单</a>'
    shop.answer = lambda fields: text_reply(fields, f"选一个\n{link}")
    user = double.follower(account)
    user.say("菜单")
    with double.world.lock:
        user.fan.windows.clear()

    user.tap("2 订单")

    assert (shop.heard[1]["Content"], shop.heard[1]["bizmsgmenuid"]) == ("2", "a1b2")
    assert list(user.fan.windows) == ["tap"]
    assert user.messages()[1].shown == "选一个\n2 订单"


def test_while_the_platform_is_out_people_wait_and_nothing_is_lost(double, shop, account):
    double.outage(callbacks=True)
    exchange = double.follower(account).say("hello", wait=False)
    assert not exchange.done.wait(0.2)
    assert shop.heard == []

    double.outage(on=False)

    exchange.wait()
    assert [fields["Content"] for fields in shop.heard] == ["hello"]


def test_a_person_talks_on_the_page(double, shop, account):
    shop.answer = lambda fields: text_reply(fields, "您好")
    user = double.follower(account)
    with httpx.Client(base_url=double.url, trust_env=False) as http:
        assert "WeChat double" in http.get("/").text
        assert http.post("/person/do", json={"do": "say", "text": "hi"}).json() == {}
        saved = http.post("/person/do", json={"do": "address", "url": shop.url}).json()
        kept = http.post("/person/do", json={"do": "address", "url": "http://127.0.0.1:1/"}).json()
        state = http.get("/person/state").json()

    assert [(each["way"], each["text"]) for each in state["messages"]] == [("said", "hi"), ("passive", "您好")]
    assert state["openid"] == user.openid
    assert saved == {"said": "Token verified, saved."}
    assert "Nobody answers" in kept["said"]
    assert account.callback_url == shop.url


def test_the_command_says_how_a_store_finds_it_and_ends_with_ctrl_c():
    command = [sys.executable, str(ROOT / "run.py"), "doubles", "wechat", "--port", str(port := free_port())]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            first = running.stdout.readline()
            page = httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
        finally:
            running.send_signal(signal.SIGINT)
        rest, errors = running.stdout.read(), running.stderr.read()

    assert f"http://127.0.0.1:{port} " in first
    assert page.status_code == 200
    assert "python run.py channel add wechat --merchant demo" in rest
    assert (running.returncode, errors) == (130, "")
