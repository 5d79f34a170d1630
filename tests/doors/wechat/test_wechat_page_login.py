"""Who opens a page's link: WeChat is asked where the account may ask, and the page opens for its own follower alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import httpx
import pytest

from channels.chat.wechat.courier import Apis
from channels.chat.wechat.identity import WeChatIdentifier
from core.actor import OPERATOR
from core.config import Config
from core.connections.chats import ChatAccount, change_chat_account, chat_account
from core.conversations.chats import hear_from
from core.db import connection, database_now
from core.secret import Secret
from ops.channels.wechat import connect
from ops.wiring import wechat_apis
from tests.builders import Shop, Talker
from tests.doors.wechat.conftest import given
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat.person import Follower
from tests.doubles.wechat.world import Account
from tests.support.chats import talker_of
from tests.support.pages import IN_WECHAT, ON_IPHONE, a_wish, has
from tests.support.web import WebServer

Sql = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def page_account(
    wx: WeChatDouble, web: WebServer, official_account: Account, account: ChatAccount, web_config: Config
) -> ChatAccount:
    """The account with its pages at the web process and WeChat's addresses at the double."""
    connect(web_config, given("safe", page_url=web.url, api_base=wx.url))
    settings = {"ios_rule": "strict", "original_id": official_account.original_id}
    return change_chat_account(actor=OPERATOR, account_id=account.id, settings=settings, now=database_now())


@pytest.fixture
def talker(page_account: ChatAccount, fan: Follower) -> Talker:
    """The follower as the store knows it."""
    now = datetime.now(UTC)
    return talker_of(hear_from(account=page_account, user=fan.openid, chat=fan.openid, locale="zh-CN", now=now))


class Asker:
    """The worker's part for these tests: the real question to WeChat; the end of a login as the worker writes it."""

    def __init__(self, sql: Sql, config: Config) -> None:
        self.asked: list[str] = []
        self._sql = sql
        self._apis: Apis = wechat_apis(config)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(10)
        self._apis.close()

    def _run(self) -> None:
        question = """
            UPDATE page_login l SET code = NULL FROM page_login o, conversation c
            WHERE o.id = l.id AND c.id = l.conversation_id AND o.code IS NOT NULL
            RETURNING l.id, o.code, c.chat_account_id, c.chat_address"""
        while not self._ended.wait(0.02):
            for login, code, number, address in self._sql(question):
                self.asked.append(code)
                with connection():
                    openid = WeChatIdentifier(self._apis).identify(number, Secret(code))
                outcome = "failed" if openid is None else "same" if address.endswith(f":{openid}") else "other"
                self._end(login, outcome)

    def _end(self, login: UUID, outcome: str) -> None:
        self._sql("UPDATE page_login SET outcome = %s, ended_at = now() WHERE id = %s", [outcome, login])
        self._sql("SELECT pg_notify('keystall_wake', %s)", [f"login:{login}"])


@pytest.fixture
def worker(sql: Sql, web_config: Config, account: ChatAccount) -> Iterator[Asker]:
    asker = Asker(sql, web_config)
    yield asker
    asker.stop()


@pytest.fixture
def phone(web: WebServer) -> Iterator[httpx.Client]:
    """WeChat's browser, redirects not followed."""
    headers = {"User-Agent": IN_WECHAT, "Accept-Language": "zh-CN"}
    with httpx.Client(base_url=web.url, trust_env=False, timeout=30, headers=headers) as client:
        yield client


def back(answer: httpx.Response, fan: Follower) -> str:
    """Where WeChat leads a person back to."""
    return fan.authorise(answer.headers["location"])


def test_the_follower_of_the_link_is_let_in_and_stays_for_the_links_life(
    phone: httpx.Client, goods: Shop, talker: Talker, fan: Follower, worker: Asker, sql: Sql
) -> None:
    path = a_wish(goods, talker)

    asked = phone.get(path)
    returned = phone.get(back(asked, fan))
    page = phone.get(path)

    assert asked.status_code == 302
    assert (returned.status_code, returned.headers["location"]) == (303, path)
    assert has(page.text, "place")
    assert has(phone.get(a_wish(goods, talker)).text, "place")
    cookie = next(value for value in returned.headers.get_list("set-cookie") if "keystall_page=" in value)
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert 0 < int(cookie.lower().partition("max-age=")[2].partition(";")[0]) <= 900
    assert sql("SELECT outcome, code FROM page_login") == [("same", None)]
    assert len(worker.asked) == 1


def test_wechats_own_browser_goes_the_whole_way_by_itself(
    web: WebServer, goods: Shop, talker: Talker, fan: Follower, worker: Asker
) -> None:
    """Fault 102: fragments are lost on the way and nothing depends on one."""
    page = fan.open(web.url + a_wish(goods, talker))

    assert page.status_code == 200
    assert has(page.text, "place")


def test_somebody_else_sees_that_it_is_not_theirs_and_nothing_more(
    web: WebServer, wx: WeChatDouble, official_account: Account, goods: Shop, talker: Talker, worker: Asker, sql: Sql
) -> None:
    page = wx.follower(official_account, "小红").open(web.url + a_wish(goods, talker))

    assert page.status_code == 403
    assert "此链接是给另一位用户的" in page.text
    for detail in ("商品 A1", "¥", "小店", str(talker.identity_id)):
        assert detail not in page.text
    assert sql("SELECT outcome FROM page_login") == [("other",)]
    assert goods.count("shop_order") == 0


def test_the_question_is_asked_as_wechat_wants_it_and_opening_writes_nothing(
    phone: httpx.Client, web: WebServer, goods: Shop, talker: Talker, page_account: ChatAccount
) -> None:
    """Fault 101."""
    path = a_wish(goods, talker)
    before = goods.fingerprint()

    answers = [phone.request(method, path) for method in ("GET", "HEAD", "GET")]

    assert goods.fingerprint() == before
    assert [answer.status_code for answer in answers] == [302, 302, 302]
    parts = urlsplit(answers[0].headers["location"])
    asked = parse_qsl(parts.query)
    assert parts.path == "/connect/oauth2/authorize"
    assert parts.fragment == "wechat_redirect"
    assert [name for name, _ in asked] == ["appid", "redirect_uri", "response_type", "scope", "state"]
    assert dict(asked)["redirect_uri"] == f"{web.url}/w/oauth"
    assert dict(asked)["scope"] == "snsapi_base"
    token = path.rpartition("/")[2]
    assert all(token not in answer.headers["location"] for answer in answers)
    states = {dict(parse_qsl(urlsplit(answer.headers["location"]).query))["state"] for answer in answers}
    assert len(states) == 3


def test_without_a_moved_address_the_question_goes_to_wechat_itself(
    phone: httpx.Client, goods: Shop, talker: Talker, sql: Sql
) -> None:
    sql("UPDATE credential SET name = 'gone' WHERE name = 'authorise_base'")

    location = phone.get(a_wish(goods, talker)).headers["location"]

    assert location.startswith("https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx")


def test_outside_wechat_the_page_says_where_to_open_it(
    phone: httpx.Client, goods: Shop, talker: Talker, sql: Sql
) -> None:
    sql("UPDATE credential SET name = 'gone' WHERE name = 'authorise_base'")

    answer = phone.get(a_wish(goods, talker), headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/126"})

    assert answer.status_code == 403
    assert "请在微信里打开" in answer.text
    assert "商品 A1" not in answer.text


@pytest.mark.parametrize("trick", ["no cookie", "another state", "used again", "no code", "bad code", "made up cookie"])
def test_an_answer_that_is_not_this_browsers_opens_nothing(
    phone: httpx.Client, goods: Shop, talker: Talker, fan: Follower, worker: Asker, trick: str
) -> None:
    path = a_wish(goods, talker)
    place = back(phone.get(path), fan)
    if trick == "no cookie":
        phone.cookies.clear()
    if trick == "another state":
        place = place.replace("state=", "state=0")
    if trick == "used again":
        kept = dict(phone.cookies)
        phone.get(place)
        phone.cookies.clear()
        phone.cookies.update(kept)
    if trick == "no code":
        place = place.partition("?")[0] + "?state=" + place.partition("state=")[2]
    if trick == "bad code":
        place = place.replace("code=", "code=%20")
    if trick == "made up cookie":
        phone.cookies.set("keystall_page", f"9999999999.{'0' * 64}")
        place = path

    answer = phone.get(place)

    assert "商品 A1" not in answer.text
    assert phone.get(path).status_code == 302
    assert answer.status_code == (302 if trick == "made up cookie" else 404)


def test_a_code_that_wechat_refuses_is_a_page_that_leads_to_another_try(
    phone: httpx.Client, goods: Shop, talker: Talker, fan: Follower, worker: Asker, wx: WeChatDouble
) -> None:
    path = a_wish(goods, talker)
    place = back(phone.get(path), fan)
    wx.pass_time(600)

    answer = phone.get(place)

    assert answer.status_code == 503
    assert "微信暂时没有回应" in answer.text
    assert f'href="{path}"' in answer.text


def test_without_a_worker_the_page_says_so_in_time(
    phone: httpx.Client, goods: Shop, talker: Talker, fan: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.web.linked.logins.WAIT", 0.1)

    answer = phone.get(back(phone.get(a_wish(goods, talker)), fan))

    assert answer.status_code == 503


def test_forms_cards_and_states_are_closed_to_who_was_not_let_in(
    phone: httpx.Client, goods: Shop, talker: Talker
) -> None:
    path = a_wish(goods, talker)

    assert phone.post(path, data={"place": "1"}).status_code == 303
    assert phone.post(f"{path}/cards", json={"key": "AAAA"}).status_code == 303
    assert phone.get(f"{path}/state").status_code == 302
    assert phone.post(f"{path}/seen", json={"ios": False}).status_code == 204
    assert goods.count("shop_order") == 0
    assert goods.count("identity_device") == 0


def test_an_iphone_is_remembered_before_anybody_is_asked(
    phone: httpx.Client, goods: Shop, talker: Talker, sql: Sql
) -> None:
    path = a_wish(goods, talker)

    page = phone.get(path, headers={"User-Agent": ON_IPHONE})
    phone.post(f"{path}/seen", json={"ios": False}, headers={"User-Agent": ON_IPHONE})

    assert "iOS功能暂不可用" in page.text
    assert sql("SELECT is_ios FROM identity_device") == [(True,)]


def test_the_last_visit_of_the_follower_whom_wechat_named_decides(
    phone: httpx.Client, goods: Shop, talker: Talker, fan: Follower, worker: Asker, sql: Sql
) -> None:
    path = a_wish(goods, talker)
    phone.get(back(phone.get(path), fan))
    steps = []

    for agent in (IN_WECHAT, ON_IPHONE, IN_WECHAT):
        phone.post(f"{path}/seen", json={"ios": False}, headers={"User-Agent": agent})
        steps.append(sql("SELECT is_ios FROM identity_device"))

    assert steps == [[(False,)], [(True,)], [(False,)]]


@pytest.mark.parametrize("change", [{"kind": "subscription"}, {"verified": False}])
def test_an_account_that_may_not_ask_takes_the_link_as_the_proof(
    phone: httpx.Client, goods: Shop, talker: Talker, page_account: ChatAccount, change: dict[str, Any]
) -> None:
    change_chat_account(actor=OPERATOR, account_id=page_account.id, settings=change, now=database_now())

    assert chat_account(account_id=page_account.id).settings.items() >= change.items()
    assert has(phone.get(a_wish(goods, talker)).text, "place")
