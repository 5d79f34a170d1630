"""Two guests of the web chat who are one person: bound over HTTP, and what each of their sessions shows then."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from core.orders.service import expire_due
from tests.builders import Shop
from tests.support.binding import Binder
from tests.support.web import Chatter, WebServer

Sql = Callable[..., list[tuple[Any, ...]]]
CODE = re.compile(r"[A-Z2-7]{4}-[A-Z2-7]{4}")


def action(screen: dict[str, Any], label: str) -> str:
    return next(option["action"] for option in screen["options"] if option["label"] == label)


def bind(one: Chatter, other: Chatter) -> None:
    """One asks, the other enters the code and agrees, one agrees to what it was told."""
    found = CODE.search(one.say("绑定")[0]["text"])
    assert found
    other.act(action(other.say(f"绑定 {found[0]}")[0], "同意"))
    asked = one.read()["screens"][-1]
    assert one.act(action(asked, "同意"))[0]["text"].startswith("已和“网页聊天")


def orders(chatter: Chatter) -> list[str]:
    return [option["label"] for option in chatter.say("订单")[0]["options"][:-1]]


def test_two_guest_sessions_share_orders_and_language_from_then_on(web: WebServer, goods: Shop) -> None:
    one, other = Chatter(web.url), Chatter(web.url)
    one.place("买 A1 1")
    other.place("买 A1 1")
    assert [len(orders(one)), len(orders(other))] == [1, 1]

    bind(one, other)

    assert orders(one) == orders(other)
    assert len(orders(one)) == 2
    assert other.read()["screens"][-1]["text"].startswith("已和“网页聊天")
    other.act(action(other.say("语言")[0], "English"))
    assert one.say("menu")[0]["text"].startswith("Hello")
    assert Binder(goods).violations() == {}


def test_an_order_of_one_session_is_paid_and_cancelled_from_the_other(web: WebServer, goods: Shop) -> None:
    one, other = Chatter(web.url), Chatter(web.url)
    one.place("买 A1 1")
    bind(one, other)

    asked = other.say("取消")[0]
    assert asked["kind"] in {"receipt", "menu", "text"}
    assert goods.sql("SELECT count(*) FROM shop_order WHERE state = 'cancelled'")[0][0] == 1


def test_each_session_goes_its_own_way_again_after_two_taps(web: WebServer, goods: Shop, sql: Sql) -> None:
    one, other = Chatter(web.url), Chatter(web.url)
    other.place("买 A1 1")
    bind(one, other)

    other.act(action(other.say("解绑")[0], "解绑"))

    assert one.read()["screens"][-1]["text"].splitlines()[0].endswith("已解绑")
    assert one.say("订单")[0]["text"].startswith("您还没有订单")
    assert len(orders(other)) == 1
    assert sql("SELECT count(*) FROM shopper WHERE merged_into IS NULL") == [(2,)]
    assert Binder(goods).violations() == {}


def test_a_long_poll_that_began_before_shows_what_is_told_after(web: WebServer) -> None:
    """The session that waits is looked up anew: its shopper is another by the time that something is told."""
    one, other = Chatter(web.url), Chatter(web.url)
    ordered = other.place("买 A1 1")
    found = CODE.search(one.say("绑定")[0]["text"])
    assert found
    question = other.say(f"绑定 {found[0]}")[0]
    one.act(action(one.read()["screens"][-1], "同意"))
    cursor, got = other.read()["cursor"], []
    waiting = threading.Thread(target=lambda: got.append(other.read(after=cursor, wait=20)))
    waiting.start()

    post = {"json": {"id": str(uuid.uuid4()), "action": action(question, "同意")}, "headers": other.http.headers}
    assert httpx.post(f"{other.http.base_url}messages", trust_env=False, **post).status_code == 200
    assert expire_due(now=datetime.now(UTC) + timedelta(hours=1)) == 1
    waiting.join(25)

    assert [screen["order"] for screen in got[0]["screens"]] == [ordered["order"]]
