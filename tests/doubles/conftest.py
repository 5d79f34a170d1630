"""The WeChat double with a shop of a few lines behind it."""

from collections.abc import Iterator

import pytest

from tests.doubles.wechat import WeChatDouble
from tests.support.wechat_shop import AES_KEY, APP_ID, SECRET, TOKEN, Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.stop()


@pytest.fixture
def double() -> Iterator[WeChatDouble]:
    with WeChatDouble() as double:
        yield double


@pytest.fixture
def account(double, shop):
    return double.add_account(APP_ID, SECRET, TOKEN, AES_KEY, shop.url, mode="plain")
