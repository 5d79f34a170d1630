"""The event loop of the web process never waits for the database: no coroutine takes a connection."""

from __future__ import annotations

import re
import threading
import time

import httpx
import pytest

from core import db
from core.clock import DatabaseClock
from tests.support.web import Chatter, WebServer

LOOP = "web"  # the name of the thread whose loop the server of the tests runs on


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of the threads that connected, with a clock that asks the database each time it is read."""
    names: set[str] = set()
    connect = db.StoreDatabase.connect

    def noted(self: db.StoreDatabase, reuse_if_open: bool = False) -> bool:
        names.add(threading.current_thread().name)
        return bool(connect(self, reuse_if_open))

    monkeypatch.setattr(db.StoreDatabase, "connect", noted)
    monkeypatch.setattr(DatabaseClock, "EVERY", -1.0)
    return names


@pytest.fixture
def chatter(users: set[str], web: WebServer) -> Chatter:
    return Chatter(web.url)


def linked(web: WebServer, screen: dict, part: str) -> str:
    """The page that a screen leads to, at this server."""
    (url,) = [option["url"] for option in screen["options"] if part in option.get("url", "")]
    return web.url + str(url)[str(url).index(part) :]


def press(page: str) -> httpx.Response:
    """The sandbox's button; nobody charges here, so the page waits in vain and shows itself again."""
    html = httpx.get(page, trust_env=False).text
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', html)) | {"sandbox-pay": "1"}
    return httpx.post(page, data=fields, trust_env=False, timeout=20)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages wait a moment only for the money."""
    monkeypatch.setattr("channels.web.till.SETTLE_WAIT", 0.1)


@pytest.mark.usefixtures("impatient")
def test_the_pay_button_still_answers_after_the_database_was_started_again(
    users: set[str], chatter: Chatter, web: WebServer, sql
) -> None:
    """The clock was once read on the loop, whose connection nobody replaced: every press was 503 for ever."""
    order = linked(web, chatter.place("买 A1 1"), "/pay/")
    wallet = chatter.say("钱包")[0]
    top_up = linked(web, chatter.act(wallet["options"][0]["action"])[0], "/topup/")
    assert [press(order).status_code, press(top_up).status_code] == [303, 303]

    sql(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND usename = 'keystall_shop'",
        role="superuser",
    )
    time.sleep(0.2)

    assert [press(order).status_code, press(top_up).status_code] == [303, 303]
    assert LOOP not in users


@pytest.mark.usefixtures("impatient")
def test_no_page_answer_or_stream_uses_the_database_on_the_event_loop(
    users: set[str], chatter: Chatter, web: WebServer
) -> None:
    order = linked(web, chatter.place("买 A1 1"), "/pay/")
    press(order)
    chatter.read(wait=1)
    with chatter.http.stream("GET", "/messages/stream") as stream:
        assert next(stream.iter_lines()) == "retry: 1500"

    for path in ("/", "/s/demo", "/api/docs", "/api/v1/products", "/health", "/nothing"):
        httpx.get(web.url + path, trust_env=False)
    httpx.get(f"{order}/state?state=other", trust_env=False)
    httpx.post(f"{web.url}/hooks/pay/sandbox/sandbox-account-0001", content=b"{}", trust_env=False)

    assert users
    assert LOOP not in users
