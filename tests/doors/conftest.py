"""The web process over a fresh database, and a shop with goods in it."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.config import Config, Pay, PaySandbox
from core.db import StoreDatabase
from tests.builders import Shop
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
        """ VALUES ('sandbox-account-0001', 'sandbox', %s, 'CNY', '{"zh-CN": "沙盒", "en": "Sandbox"}', now())""",
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
