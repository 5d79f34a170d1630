"""Hosts of official accounts: their files and pages stand at their own host, and at no other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from core.actor import OPERATOR
from core.config import Config
from core.connections.chats import ChatAccount
from core.connections.credentials import Holder
from core.connections.sealed_settings import PAGE_URL, keep_setting
from core.connections.verify_files import set_verify_file
from tests.builders import Shop, Talker
from tests.support.pages import IN_WECHAT, a_wish
from tests.support.web import WebServer, web_server

FILE = "MP_verify_0123456789abcDEF.txt"


@pytest.fixture
def web(web_config: Config, goods: Shop) -> Iterator[WebServer]:
    """A web process whose shop is at shop.example."""
    named = dataclasses.replace(web_config.web, public_url="https://shop.example")
    with web_server(dataclasses.replace(web_config, web=named)) as server:
        yield server


@pytest.fixture
def hosted(official: ChatAccount, config: Config) -> ChatAccount:
    """The account has its pages at a host of its own, and a file that proves it."""
    now, key = datetime.now(UTC), config.secret(config.secrets.verify_key)
    keep_setting(
        key, account_id=official.id, name=PAGE_URL, holder=Holder.VERIFY, value="https://cards.example", now=now
    )
    return set_verify_file(actor=OPERATOR, account_id=official.id, name=FILE, content="0123456789abcDEF", now=now)


def at(web: WebServer, host: str, path: str) -> httpx.Response:
    headers = {"Host": host, "User-Agent": IN_WECHAT}
    return httpx.get(web.url + path, headers=headers, trust_env=False, timeout=20)


@pytest.mark.usefixtures("hosted")
def test_the_file_is_where_its_accounts_pages_are(web: WebServer) -> None:
    found = at(web, "cards.example", f"/{FILE}")

    assert (found.status_code, found.text) == (200, "0123456789abcDEF")
    assert found.headers["content-type"].startswith("text/plain")
    for host, path in [
        ("shop.example", f"/{FILE}"), ("evil.example", f"/{FILE}"),
        ("cards.example", "/MP_verify_0123456789abcDEX.txt"), ("cards.example", "/MP_verify_.txt"),
        ("cards.example", "/MP_verify_%00.txt"), ("cards.example", "/MP_verify_0123456789abcDEF.txt/x"),
    ]:  # fmt: skip
        assert at(web, host, path).status_code == 404, (host, path)


@pytest.mark.usefixtures("hosted")
def test_the_page_is_at_its_accounts_host_only_and_its_files_with_it(
    web: WebServer, goods: Shop, follower: Talker
) -> None:
    path = a_wish(goods, follower)

    page = at(web, "cards.example", path)

    assert page.status_code == 200
    style = page.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert at(web, "cards.example", style).status_code == 200
    for host in ("shop.example", "evil.example"):
        other = at(web, host, path)
        assert other.status_code == 404
        assert "商品 A1" not in other.text


@pytest.mark.usefixtures("hosted")
def test_nothing_else_of_the_shop_answers_at_that_host(web: WebServer) -> None:
    for path in ("/", "/s/demo", "/admin/", "/api/v1/products?merchant=demo", "/pay/AAAAAAAAAAAAAAAAAAAAAA"):
        assert at(web, "cards.example", path).status_code == 404, path
    assert at(web, "shop.example", "/").status_code == 200


def test_an_account_without_a_host_of_its_own_is_at_the_shops(web: WebServer, goods: Shop, follower: Talker) -> None:
    path = a_wish(goods, follower)

    assert at(web, "shop.example", path).status_code == 200
    assert at(web, "cards.example", path).status_code == 404
