"""The card page in a real browser: opened by a press only, exact, kept nowhere, and clear where it cannot open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from core.config import Config
from core.db import StoreDatabase
from tests.browser.conftest import SIZES, fits, serious
from tests.support.card_page import Answering
from tests.support.pages import IN_WECHAT
from tests.support.web import WebServer, web_server

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CARDS = (
    {"token": "crd_1", "number": "6228 0001", "secret": "TXVM-8H2K-93QD", "pin": "4471", "expires": "2027-12-31"},
    {"token": "crd_2", "number": "6228 0002", "secret": " <b>&amp;_*` 卡密 😀 ", "expires": "2027-12-31"},
)
OpenLink = Callable[..., Page]


@pytest.fixture
def web(store_db: StoreDatabase, config: Config) -> Iterator[WebServer]:
    with web_server(config) as server:
        yield server


@pytest.fixture
def answering(urls: dict[str, str]) -> Iterator[Answering]:
    with Answering(urls["owner"]) as somebody:
        yield somebody


@pytest.fixture
def open_link(browser: Browser, web: WebServer) -> Iterator[OpenLink]:
    """Opens a link as somebody new; at the end nothing may have gone wrong in a page."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def opened(
        path: str,
        *,
        size: str = "phone",
        theme: Any = "light",
        locale: str = "zh-CN",
        agent: str = "",
        script: str = "",
    ) -> Page:
        context = browser.new_context(
            viewport=SIZES[size], color_scheme=theme, locale=locale, has_touch=size == "phone", base_url=web.url,
            user_agent=agent or None, permissions=["clipboard-read", "clipboard-write"],
        )  # fmt: skip
        contexts.append(context)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def test_a_press_shows_the_cards_exactly_and_keeps_them_nowhere(
    web: WebServer, answering: Answering, open_link: OpenLink, sql: Any
) -> None:
    """Fault 101: a page that is only opened asks for nothing."""
    link = answering.link(*CARDS, redeem="1. 打开官网\n2. 输入卡密")
    page = open_link(link.path())
    expect(page.get_by_role("heading")).to_have_text("您的卡密已备好")
    assert serious(page) == []
    assert fits(page)
    assert sql("SELECT count(*) FROM link_press") == [(0,)]
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the keyboard is enough

    expect(page.get_by_role("heading", level=1)).to_have_text("腾讯视频月卡 × 2")
    assert serious(page) == []
    assert fits(page)
    shown = page.locator(".field code").evaluate_all("nodes => nodes.map(node => node.textContent)")
    assert shown == [CARDS[0]["number"], CARDS[0]["secret"], CARDS[0]["pin"], CARDS[1]["number"], CARDS[1]["secret"]]
    assert page.evaluate("document.activeElement.tagName") == "H1"
    page.get_by_role("button", name="复制卡密 2").click()
    assert page.evaluate("navigator.clipboard.readText()") == CARDS[1]["secret"]
    kept = page.evaluate("JSON.stringify({...localStorage, ...sessionStorage}) + document.cookie")
    assert not any(one in kept for card in CARDS for one in card.values())
    assert len(answering.presses) == 1
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("How to use")
    page.reload()
    expect(page.get_by_role("button", name="查看卡密")).to_be_enabled()
    assert page.locator(".field").count() == 0


def test_a_long_list_speaks_the_links_language_and_is_saved_as_a_file(
    answering: Answering, open_link: OpenLink
) -> None:
    many = [{"token": f"crd_{n}", "secret": f"STEAM-{n:04}-{n * 7919 % 9973:04}"} for n in range(60)]
    link = answering.link(*many, locale="en", goods="Steam 50 USD (US)", shop="The Key Shop", left=0)
    page = open_link(link.path(), size="desk", theme="dark")
    page.get_by_role("button", name="查看卡密").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Steam 50 USD (US) × 60")
    assert page.locator("html").get_attribute("lang") == "en"
    assert serious(page) == []
    expect(page.locator(".left")).to_contain_text("This link does not open again.")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as a file").click()
    assert saved.value.path().read_text("utf-8") == "".join(f"{card['secret']}\n" for card in many)
    assert saved.value.suggested_filename == "cards-k3q7ma.txt"


def test_fault_102_without_its_fragment_or_with_another_the_page_says_how_to_get_a_fresh_link(
    answering: Answering, open_link: OpenLink, sql: Any
) -> None:
    """Fault 102: nothing leaks and nothing is used up."""
    link = answering.link(*CARDS)
    dropped = open_link(f"/k/{link.id}")
    cut = open_link(link.path()[:-3])

    for page in (dropped, cut):
        expect(page.get_by_role("heading")).to_have_text("链接不完整")
        expect(page.locator(".word")).to_have_text("取卡")
        assert page.get_by_role("button", name="查看卡密").count() == 0
    assert serious(dropped) == []
    assert sql("SELECT count(*) FROM link_press") == [(0,)]
    other = open_link(f"/k/{link.id}#{answering.link().path().partition('#')[2]}")
    other.get_by_role("button", name="查看卡密").click()
    expect(other.get_by_role("heading")).to_have_text("链接已失效")
    assert serious(other) == []


def test_inside_wechat_the_key_leaves_the_address_and_survives_a_reload(
    answering: Answering, open_link: OpenLink
) -> None:
    """What is shared by WeChat's own menu is the address: it has no key any more (fault 102)."""
    link = answering.link(*CARDS)
    page = open_link(link.path(), agent=IN_WECHAT)
    expect(page.get_by_role("heading")).to_have_text("您的卡密已备好")
    assert page.url.endswith(f"/k/{link.id}")
    page.reload()
    page.get_by_role("button", name="查看卡密").click()

    expect(page.locator(".field code")).to_have_count(5)
    shared = open_link(page.url, agent=IN_WECHAT)
    expect(shared.get_by_role("heading")).to_have_text("链接不完整")


def test_over_plain_http_it_says_so_and_an_absent_shop_is_asked_again_with_the_same_press(
    answering: Answering, open_link: OpenLink
) -> None:
    link = answering.link(*CARDS)
    plain = "Object.defineProperty(window, 'isSecureContext', {value: false})"
    page = open_link(link.path(), script=plain, locale="en-US")
    expect(page.get_by_role("heading")).to_have_text("Please open this page over https")
    assert serious(page) == []

    away = open_link(link.path())
    failed: list[str] = []

    def fail_twice(route: Any) -> None:
        if len(failed) < 2:
            failed.append(route.request.post_data_json["press"])
            route.fulfill(status=503, body="{}")
        else:
            failed.append(route.request.post_data_json["press"])
            route.continue_()

    away.route("**/k/*", fail_twice)
    away.get_by_role("button", name="查看卡密").click()
    expect(away.locator(".field code")).to_have_count(5)
    assert len(failed) == 3
    assert len(set(failed)) == 1
    assert len(answering.presses) == 1
