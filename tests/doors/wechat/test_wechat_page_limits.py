"""WeChat's question about a link: its state is the store's own, each link has its own, and few are asked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from core.actor import OPERATOR
from core.config import Config
from core.connections.chats import ChatAccount, change_chat_account
from core.conversations.chats import hear_from
from core.conversations.logins import CODE, MOST_LOGINS
from core.db import database_now
from ops.channels.wechat import connect
from tests.builders import Shop, Talker
from tests.doors.wechat.conftest import given
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat.person import Follower
from tests.support.chats import talker_of
from tests.support.pages import IN_WECHAT, a_wish
from tests.support.web import WebServer


@pytest.fixture
def talker(wx: WeChatDouble, web: WebServer, account: ChatAccount, fan: Follower, web_config: Config) -> Talker:
    """A follower of an account that may ask, with its pages at the web process."""
    connect(web_config, given("safe", page_url=web.url, api_base=wx.url))
    settings = {"original_id": fan.account.original_id}
    asking = change_chat_account(actor=OPERATOR, account_id=account.id, settings=settings, now=database_now())
    now = datetime.now(UTC)
    return talker_of(hear_from(account=asking, user=fan.openid, chat=fan.openid, locale="zh-CN", now=now))


@pytest.fixture
def phone(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """WeChat's browser, redirects not followed; no worker answers, and the page does not wait long for it."""
    monkeypatch.setattr("channels.web.linked.logins.WAIT", 0.05)
    headers = {"User-Agent": IN_WECHAT, "Accept-Language": "zh-CN"}
    with httpx.Client(base_url=web.url, trust_env=False, timeout=30, headers=headers) as client:
        yield client


def returning(phone: httpx.Client, fan: Follower, path: str) -> str:
    """Open a link and say yes at WeChat: where it leads back to."""
    return fan.authorise(phone.get(path).headers["location"])


def test_whoever_has_a_link_can_have_wechat_asked_five_times_in_ten_minutes(
    phone: httpx.Client, goods: Shop, talker: Talker, fan: Follower
) -> None:
    path = a_wish(goods, talker)
    answers = [phone.get(returning(phone, fan, path)) for _ in range(MOST_LOGINS + 2)]

    assert [answer.status_code for answer in answers] == [503] * 5 + [429] * 2
    assert "没有下单，也没有扣款，请 10 分钟后再试。" in answers[-1].text
    assert "商品 A1" not in answers[-1].text
    assert goods.count("page_login") == 5
    assert goods.sql(
        "SELECT count(*)::int FROM keystall_task WHERE convert_from(data, 'UTF8') LIKE '%%wechat_login%%'"
    ) == [(5,)]


@pytest.mark.parametrize("trick", ["made up", "of another link", "cut"])
def test_a_state_that_the_store_did_not_make_for_the_link_asks_nobody(
    phone: httpx.Client, goods: Shop, talker: Talker, trick: str
) -> None:
    path = a_wish(goods, talker)
    token = path.rpartition("/")[2]
    other = phone.get(a_wish(goods, talker)).headers["location"]
    states = {"made up": "0" * 64, "of another link": dict(parse_qsl(urlsplit(other).query))["state"], "cut": "0" * 32}
    state = states[trick]
    name = f"keystall_page_state_{hashlib.sha256(state.encode()).hexdigest()[:16]}"
    before = goods.fingerprint()
    phone.cookies.clear()

    for cookie in (name, f"__Host-{name}", "keystall_page_state"):
        kept = f"{state}.{token}" if cookie == "keystall_page_state" else token
        answer = phone.get("/w/oauth", params={"state": state, "code": "c1"}, headers={"Cookie": f"{cookie}={kept}"})
        assert answer.status_code == 404

    assert goods.fingerprint() == before


def test_two_links_opened_in_one_browser_do_not_disturb_each_other(
    phone: httpx.Client, goods: Shop, talker: Talker, fan: Follower
) -> None:
    first, second = a_wish(goods, talker), a_wish(goods, talker)
    places = [returning(phone, fan, first), returning(phone, fan, second)]

    answers = [phone.get(place) for place in places]

    assert [answer.status_code for answer in answers] == [503, 503]
    assert f'href="{first}"' in answers[0].text
    assert f'href="{second}"' in answers[1].text
    assert goods.count("page_login") == 2


def test_where_much_waits_on_a_conversation_already_nobody_is_asked(
    phone: httpx.Client, goods: Shop, talker: Talker, fan: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = returning(phone, fan, a_wish(goods, talker))
    monkeypatch.setattr("channels.web.linked.logins.MOST_WAITS", -1)

    answer = phone.get(place)

    assert answer.status_code == 429
    assert goods.count("page_login") == 0


def test_wechats_codes_are_codes_to_us(phone: httpx.Client, goods: Shop, talker: Talker, fan: Follower) -> None:
    place = returning(phone, fan, a_wish(goods, talker))

    assert CODE.fullmatch(dict(parse_qsl(urlsplit(place).query))["code"])
