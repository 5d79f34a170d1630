"""The web process over a fresh database, and a shop with goods in it."""

import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from core.config import Config, Pay, PaySandbox
from core.connections.chats import ChatAccount
from core.db import StoreDatabase
from tests.builders import Shop, Talker
from tests.support.chats import an_account, somebody
from tests.support.pages import IN_WECHAT
from tests.support.web import WebServer, web_server


@pytest.fixture
def goods(store_db: StoreDatabase, sql: Callable[..., list[tuple[Any, ...]]]) -> Shop:
    """Merchant `demo` sells A1 at 25.00 with ten cards and takes the sandbox; merchant `other` sells nothing."""
    shop = Shop(sql)
    shop.a_sku("A1", names='{"zh-CN": "商品 A1", "en": "Goods A1"}')
    shop.a_listing("A1", price=2500)
    shop.a_batch("A1", cards=10)
    shop.a_party("other")
    shop.sql(
        "INSERT INTO gateway_account (opaque_id, gateway, merchant_id, currency, names, created_at)"
        """ VALUES ('sandbox-account-0001', 'sandbox', %s, 'CNY', '{"zh-CN": "沙箱", "en": "Sandbox"}', now())""",
        [shop.merchant],
    )
    return shop


@pytest.fixture
def web_config(config: Config) -> Config:
    """Settings with play money on."""
    return dataclasses.replace(config, pay=Pay(sandbox=PaySandbox(enabled=True)))


@pytest.fixture
def web(web_config: Config, goods: Shop) -> Iterator[WebServer]:
    """The running web process."""
    with web_server(web_config) as server:
        yield server


@pytest.fixture
def official(goods: Shop) -> ChatAccount:
    """An official account of `demo` that cannot ask who somebody is; its rule for iOS is strict."""
    return an_account(goods, "wechat", "wx1234567890", ios_rule="strict", kind="subscription")


@pytest.fixture
def follower(goods: Shop, official: ChatAccount) -> Talker:
    """Somebody who has a paid order and speaks to that account."""
    return somebody(goods, official, "o-follower", now=datetime.now(UTC))


@pytest.fixture
def phone(web: WebServer) -> Iterator[httpx.Client]:
    """WeChat's browser on an Android phone, redirects not followed."""
    headers = {"User-Agent": IN_WECHAT, "Accept-Language": "zh-CN"}
    with httpx.Client(base_url=web.url, trust_env=False, timeout=30, headers=headers) as client:
        yield client
