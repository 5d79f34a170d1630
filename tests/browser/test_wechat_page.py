"""The page of a WeChat link in a real browser: ordered, paid, its cards opened by a press and kept nowhere."""

import base64
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from core.vault.seal import answer_context
from tests.browser.conftest import SIZES, fits, serious
from tests.doubles.wechat import Account, Follower, WeChatDouble
from tests.house.tree import ROOT
from tests.support.page_reader import VECTOR, VECTOR_DELIVERY, VECTOR_READER, VECTOR_SCALAR, VECTOR_TEXT, vector_reader
from tests.support.pages import IN_WECHAT, ON_IPHONE
from tests.support.whole import WholeStore

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"  # not-a-secret
LINES = (Path(ROOT) / "ops" / "demo" / "files" / "notes_pro_accounts.txt").read_bytes().decode().split("\n")
OpenIn = Callable[..., Page]


@pytest.fixture(scope="module")
def wechat() -> Iterator[WeChatDouble]:
    with WeChatDouble() as double:
        yield double
        assert double.violations == []


def connected(demo: WholeStore, wechat: WeChatDouble, app_id: str, *flags: str, kind: str, verified: bool) -> Account:
    """An account that the store and WeChat both know."""
    demo.settings |= {"WX_TOKEN": "callbacktoken", "WX_AES": AES_KEY, "WX_SECRET": f"secret-of-{app_id}"}
    added = demo.run(
        "channel", "add", "wechat", "--merchant", "demo", "--app-id", app_id, "--token", "env:WX_TOKEN", "--aes-key",
        "env:WX_AES", "--secret", "env:WX_SECRET", "--kind", kind, "--api-base", wechat.url, *flags,
    )  # fmt: skip
    assert added.returncode == 0, added.stderr
    (hook,) = re.findall(r"http://\S+/hooks/wechat/\S+", added.stdout)
    return wechat.add_account(
        app_id, f"secret-of-{app_id}", "callbacktoken", AES_KEY, hook, "safe", kind, verified, name=app_id
    )


@pytest.fixture(scope="module")
def service(demo: WholeStore, wechat: WeChatDouble) -> Account:
    """An account that can ask WeChat who somebody is."""
    return connected(demo, wechat, "wx00000000000001", "--verified", kind="service", verified=True)


@pytest.fixture(scope="module")
def small(demo: WholeStore, wechat: WeChatDouble) -> Account:
    """An account that cannot."""
    return connected(demo, wechat, "wx00000000000002", kind="subscription", verified=False)


def page_of(fan: Follower, words: str) -> str:
    """The page that a message is answered with."""
    fan.say(words)
    links = [link.address for seen in fan.messages() for link in seen.links if "/w/" in link.address]
    return links[-1]


@pytest.fixture
def inside(browser: Browser, demo: WholeStore) -> Iterator[OpenIn]:
    """Opens an address in WeChat's browser; nothing may go wrong in a page."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def opened(
        address: str, *, size: str = "phone", theme: Any = "light", agent: str = IN_WECHAT, script: str = ""
    ) -> Page:
        context = browser.new_context(
            viewport=SIZES[size], color_scheme=theme, locale="zh-CN", has_touch=size == "phone", user_agent=agent,
            permissions=["clipboard-read", "clipboard-write"],
        )  # fmt: skip
        context.set_default_timeout(30_000)
        contexts.append(context)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.mark.parametrize(
    ("size", "theme"), [("phone", "light"), ("phone", "dark"), ("desk", "light"), ("desk", "dark")]
)
def test_from_one_message_to_cards_on_the_page(
    wechat: WeChatDouble, small: Account, inside: OpenIn, size: str, theme: str
) -> None:
    """One turn and the payment; the cards are byte for byte those of the file (D1 is not trimmed)."""
    fan = wechat.follower(small, f"buyer {size} {theme}")
    page = inside(page_of(fan, "买 D1 1"), size=size, theme=theme)
    assert serious(page) == []
    assert fits(page)
    page.get_by_role("button", name="加一件").click()
    expect(page.locator("#count")).to_have_text("2")
    page.locator("button[name=place]").click()
    expect(page.locator("#left")).to_have_text(re.compile(r"^\d+:\d\d$"))
    assert serious(page) == []
    assert fits(page)
    page.locator("button[name=sandbox-pay]").click()
    show = page.get_by_role("button", name="查看卡密")
    expect(show).to_be_enabled()
    assert page.locator(".key").count() == 0
    show.click()

    keys = page.locator(".card.cards .key .field code")
    expect(keys).to_have_count(2)
    assert serious(page) == []
    assert fits(page)
    shown = keys.evaluate_all("nodes => nodes.map(node => node.textContent)")
    assert set(shown) <= set(LINES)
    assert len(set(shown)) == 2
    kept = page.evaluate("JSON.stringify({...localStorage, ...sessionStorage}) + document.cookie + location.href")
    assert not any(secret in kept for secret in shown)
    html = page.request.get(page.url).text()
    assert not any(secret in html for secret in shown)


def test_a_reload_shows_no_card_until_it_is_asked_for_again_and_then_the_same(
    wechat: WeChatDouble, small: Account, inside: OpenIn
) -> None:
    page = inside(page_of(wechat.follower(small, "again"), "买 A1 1"))
    page.locator("button[name=place]").click()
    page.locator("button[name=sandbox-pay]").click()
    page.get_by_role("button", name="查看卡密").click()
    key = page.locator(".key .field:not(.less) code")
    expect(key).to_have_count(1)
    first = key.text_content()
    page.locator(".key .copy:not(.plain)").click()
    assert page.evaluate("navigator.clipboard.readText()") == first

    page.reload()

    expect(page.locator("#bill-state")).to_contain_text("已发货")
    assert page.locator(".key").count() == 0
    page.get_by_role("button", name="查看卡密").click()
    expect(key).to_have_text(first or "")


def test_wechat_is_asked_who_it_is_and_the_page_opens_for_its_own_follower_only(
    wechat: WeChatDouble, service: Account, inside: OpenIn
) -> None:
    fan, other = wechat.follower(service, "小明"), wechat.follower(service, "小红")
    address = page_of(fan, "买 A1 1")

    page = inside(address)
    page.get_by_role("link", name="小明").click()
    expect(page.locator("button[name=place]")).to_be_enabled()
    page.locator("button[name=place]").click()
    expect(page.locator("button[name=sandbox-pay]")).to_be_enabled()
    foreign = inside(address)
    foreign.get_by_role("link", name=other.fan.name).click()

    expect(foreign.get_by_role("heading")).to_have_text("此链接是给另一位用户的")
    assert serious(foreign) == []


def test_without_web_cryptography_the_page_says_what_to_do(
    wechat: WeChatDouble, small: Account, inside: OpenIn
) -> None:
    plain = "Object.defineProperty(window, 'isSecureContext', {value: false})"
    page = inside(page_of(wechat.follower(small, "plain"), "买 A1 1"), script=plain)
    page.locator("button[name=place]").click()
    page.locator("button[name=sandbox-pay]").click()

    expect(page.locator("#opening-text")).to_have_text("请用 https 打开，或在公众号里回复“取卡”。")
    expect(page.get_by_role("button", name="查看卡密")).to_have_count(0)


def test_an_iphone_sees_one_sentence_and_a_tablet_that_calls_itself_a_desk_too(
    wechat: WeChatDouble, small: Account, inside: OpenIn
) -> None:
    address = page_of(wechat.follower(small, "ios"), "买 A1 1")
    tablet = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.4 Safari/605.1.15"
    touch = "Object.defineProperty(navigator, 'maxTouchPoints', {value: 5})"

    for page in (inside(address, agent=ON_IPHONE), inside(address, agent=tablet, script=touch)):
        expect(page.get_by_role("heading")).to_have_text("由于相关规范，iOS功能暂不可用")
        assert page.locator("button, a, form").count() == 0
        assert serious(page) == []
    desk = inside(address, agent=tablet)
    expect(desk.locator("button[name=place]")).to_be_enabled()


def test_the_wallet_is_topped_up_and_then_pays(wechat: WeChatDouble, small: Account, inside: OpenIn) -> None:
    fan = wechat.follower(small, "wallet")
    page = inside(page_of(fan, "钱包"))
    assert serious(page) == []
    page.get_by_role("button", name="¥50.00").click()
    page.locator("button[name=sandbox-pay]").click()
    expect(page.locator(".outcome.ok")).to_be_visible()

    bought = inside(page_of(fan, "买 A1 1"))
    bought.locator("button[name=place]").click()
    bought.locator("button[name=wallet-pay]").click()

    bought.get_by_role("button", name="查看卡密").click()
    expect(bought.locator(".key")).to_have_count(1)
    assert serious(bought) == []


def test_the_pages_script_opens_the_kept_vector(demo: WholeStore, small: Account, inside: OpenIn) -> None:
    """The same sealed answer that the tests of the format open (tests/unit/test_seal_pages.py)."""
    page = inside(demo.address)
    script = page.request.get(demo.address).text()
    (module,) = set(re.findall(r'"(/static/[0-9a-f]+/js)/chat.js"', script))
    page.route(
        "**/bare", lambda route: route.fulfill(content_type="text/html", body="<!doctype html><title>bare</title>")
    )
    page.goto(f"{demo.address}/bare")  # no policy of ours, so that the test may call the module

    opened = page.evaluate(
        """async ([module, jwk, point, sealed, context, other]) => {
            const {openSealed, fromBase64, answerContext} = await import(module);
            const curve = {name: "ECDH", namedCurve: "P-256"};
            const key = await crypto.subtle.importKey("jwk", jwk, curve, false, ["deriveBits"]);
            const reader = {key, point: fromBase64(point)};
            const plain = await openSealed(reader, fromBase64(sealed), answerContext(...context));
            const wrong = await openSealed(reader, fromBase64(sealed), answerContext(...other)).catch(() => "refused");
            return [new TextDecoder().decode(plain), wrong];
        }""",
        [
            f"{module}/seal.js",
            private_jwk(),
            base64.b64encode(vector_reader().point).decode(),
            base64.b64encode(VECTOR).decode(),
            [str(VECTOR_DELIVERY), str(VECTOR_READER)],
            [str(VECTOR_READER), str(VECTOR_DELIVERY)],
        ],
    )

    context = answer_context(delivery=VECTOR_DELIVERY, session=VECTOR_READER)
    assert opened == [VECTOR_TEXT, "refused"]
    assert vector_reader().open(VECTOR, context).decode() == opened[0]


def private_jwk() -> dict[str, str]:
    """The vector's private key as WebCrypto imports it."""
    point = vector_reader().point

    def sign(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    return {"kty": "EC", "crv": "P-256", "d": sign(VECTOR_SCALAR), "x": sign(point[1:33]), "y": sign(point[33:])}
