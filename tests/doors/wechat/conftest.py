"""A shop with goods on WeChat: the double, one official account, the web process answering its callbacks."""

from collections.abc import Iterator

import pytest

from core.actor import OPERATOR
from core.config import Config
from core.connections.chats import ChatAccount, change_chat_account
from core.db import database_now
from core.secret import Secret
from ops.channels.wechat import Given, connect
from tests.builders import Shop
from tests.doubles.wechat import WeChatDouble
from tests.doubles.wechat.person import Follower
from tests.doubles.wechat.world import Account
from tests.support.web import WebServer, web_server
from tests.support.wechat_shop import AES_KEY, APP_ID, SECRET, TOKEN


@pytest.fixture
def wx() -> Iterator[WeChatDouble]:
    """A WeChat of one's own; no answer may be one that WeChat would not take."""
    with WeChatDouble() as double:
        yield double
        assert double.violations == []


@pytest.fixture
def mode() -> str:
    """How messages travel."""
    return "safe"


@pytest.fixture
def account(goods: Shop, web_config: Config, mode: str) -> ChatAccount:
    """The official account of the merchant `demo`, prices shown."""
    made, _ = connect(web_config, given(mode))
    return made


def given(mode: str, **changed: object) -> Given:
    """An official account as an operator gives it."""
    values = {"merchant": "demo", "app_id": APP_ID, "token": Secret(TOKEN), "app_secret": Secret(SECRET)}
    values |= {"aes_key": Secret(AES_KEY), "mode": mode, "ios_rule": "off", "name": "小店", "verified": True}
    return Given(**values | changed)


@pytest.fixture
def web(web_config: Config, account: ChatAccount) -> Iterator[WebServer]:
    """The running web process."""
    with web_server(web_config) as server:
        yield server


@pytest.fixture
def official_account(wx: WeChatDouble, web: WebServer, account: ChatAccount, mode: str) -> Account:
    """The same account at WeChat, whose callbacks come to the web process."""
    there = wx.add_account(APP_ID, SECRET, TOKEN, AES_KEY, f"{web.url}/hooks/wechat/{account.opaque_id}", mode)
    change_chat_account(
        actor=OPERATOR, account_id=account.id, settings={"original_id": there.original_id}, now=database_now()
    )
    return there


@pytest.fixture
def fan(wx: WeChatDouble, official_account: Account) -> Follower:
    """A follower."""
    return wx.follower(official_account)
