"""A whole store whose account may say nothing more: 取卡 brings the cards in the reply, or a fresh link to them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.doubles.wechat import Account, Follower, WeChatDouble
from tests.house.tree import ROOT
from tests.support.pages import IN_WECHAT, form_of
from tests.support.wechat_shop import AES_KEY, APP_ID, SECRET, SEND, TOKEN
from tests.support.whole import WholeStore

pytestmark = pytest.mark.slow

FILES = Path(ROOT) / "ops" / "demo" / "files"
MONTHS = {
    line.split(",")[1] for line in (FILES / "tencent_video_month_2029.csv").read_text("gb18030").split("\n")[2:-1]
}
LINK = re.compile(r'href="([^"]+/w/[^"]+)"')


@pytest.fixture(scope="module")
def double() -> Iterator[WeChatDouble]:
    with WeChatDouble() as wechat:
        yield wechat


@pytest.fixture(scope="module")
def there(double: WeChatDouble) -> Iterator[Account]:
    """A certified subscription account: it may speak, and cannot ask who opens a page."""
    store = WholeStore(WX_TOKEN=TOKEN, WX_AES=AES_KEY, WX_SECRET=SECRET)
    try:
        store.start()
        added = store.run(
            "channel", "add", "wechat", "--merchant", "demo", "--app-id", APP_ID, "--token", "env:WX_TOKEN",
            "--aes-key", "env:WX_AES", "--secret", "env:WX_SECRET", "--kind", "subscription", "--verified",
            "--api-base", double.url,
        )  # fmt: skip
        assert added.returncode == 0, added.stderr
        (hook,) = re.findall(r"http://\S+/hooks/wechat/\S+", added.stdout)
        yield double.add_account(APP_ID, SECRET, TOKEN, AES_KEY, hook, "safe", "subscription", True)
    finally:
        store.remove()


def link_in(reply: str | None) -> str:
    (address,) = LINK.findall(reply or "")
    return str(address)


def paid(address: str) -> None:
    """Place and pay on the page."""
    with httpx.Client(timeout=40, follow_redirects=True, trust_env=False, headers={"user-agent": IN_WECHAT}) as phone:
        page = phone.get(address)
        page = phone.post(address, data=form_of(page.text, "place"))
        page = phone.post(address, data=form_of(page.text, "sandbox-pay"))
        assert page.status_code == 200


def wait_for(found: Callable[[], bool], seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)


def bought(double: WeChatDouble, fan: Follower, words: str) -> str:
    """Ordered and paid; the account is refused what it says of that. The link that led to it."""
    asked = len(double.requests(SEND))
    address = link_in(fan.say(words).reply)
    double.use_up_quota(fan)
    paid(address)
    wait_for(lambda: len(double.requests(SEND)) > asked)
    return address


def test_with_no_message_left_the_cards_come_in_the_reply_itself(double: WeChatDouble, there: Account) -> None:
    """Fault 53: WeChat refuses what is said unasked (45047); the follower asks, and has exactly what was paid for."""
    fan = double.follower(there, "asks")
    bought(double, fan, "买 A1 2")
    assert fan.heard("service") == []

    reply = ""

    def came() -> bool:
        nonlocal reply
        reply = fan.say("取卡").reply or ""
        return bool(cards_in(reply))

    wait_for(came)
    again = fan.say("取卡").reply or ""

    assert len(cards_in(reply)) == 2
    assert cards_in(again) == cards_in(reply)


def cards_in(text: str) -> set[str]:
    return {word for word in re.findall(r"[0-9A-Z]{16}", text) if word in MONTHS}


def test_cards_that_no_text_carries_have_a_fresh_link_that_needs_no_fragment(
    double: WeChatDouble, there: Account
) -> None:
    """Faults 53 and 102: what stood behind the # of an address is lost in WeChat, and nothing was there."""
    fan = double.follower(there, "opens")
    first = bought(double, fan, "买 D1 1")

    replies: list[str] = []

    def came() -> bool:
        replies.append(fan.say("取卡").reply or "")
        return "查看卡密" in replies[-1]

    wait_for(came)
    fresh = link_in(replies[-1])

    assert fresh != first
    assert "#" not in first + fresh
    for address in (fresh, f"{fresh}#rd", f"{fresh}#wechat_redirect"):
        page = fan.open(address)
        assert page.status_code == 200
        assert "查看卡密" in page.text
        assert re.findall(r'(?:href|action|src)="[^"#]+#', page.text) == []
