"""A follower on the WeChat double: numbers and codes are typed, links are opened."""

from __future__ import annotations

import re
import time
from urllib.parse import unquote, urljoin, urlsplit

import httpx

from bot.texts import Texts
from tests.doubles.wechat import Account, Link, Seen
from tests.doubles.wechat.oauth import AUTHORISE
from tests.doubles.wechat.person import ANDROID, HOPS, IPHONE, WECHAT
from tests.doubles.wechat.seen import LINK, TAP
from tests.support.pages import form_of
from tests.transcripts.chats import PATIENCE, Chat, Heard
from tests.transcripts.pages import page_lines
from tests.transcripts.paper import Paper
from tests.transcripts.town import Town

KEY = re.compile(r"^([0-9Y]) (.+)$", re.MULTILINE)


class WeChatChat(Chat):
    """The chat of one follower with an official account."""

    def __init__(self, paper: Paper, texts: Texts, town: Town, account: Account) -> None:
        super().__init__(paper, texts)
        language = "zh_CN" if self.is_chinese else "en"
        self.fan = town.wx.follower(account, f"{self.me} {town.number()}", language, follows=False)
        self._phone = httpx.Client(timeout=40, trust_env=False, headers={"accept-language": texts.locale})
        self._count = 0

    def follow(self) -> None:
        """Follow the account."""
        self.aside("follows")
        self.fan.subscribe()
        self.hear()

    def send(self, words: str) -> None:
        """Type a text; the answer is there when this returns."""
        self.fan.say(words)

    def press(self, label: str) -> None:
        """Type the number that stands before a label in the newest menu, as people do."""
        for seen in reversed(self.fan.messages()):
            for key, words in KEY.findall(seen.shown):
                if label in words and not seen.is_mine:
                    self.paper.said(self.who(self.me), key)
                    return self.send(key)
        raise AssertionError(f"no number for {label!r}: {self.fan.heard()[-1:]}")

    def fresh(self) -> list[Heard]:
        """What came, links in angles and taps in brackets."""
        return [Heard(shown(seen)) for seen in self.fan.messages()[self._count :] if not seen.is_mine]

    def heard(self, heard: list[Heard]) -> None:
        """Remember how far the chat was written down."""
        self._count = len(self.fan.messages())

    def page_link(self) -> Link:
        """The newest link that leads to a page."""
        links = [link for seen in self.fan.messages() for link in seen.links if not TAP.fullmatch(link.address)]
        assert links, "no page link in the chat"
        return links[-1]

    def payment_page(self) -> str:
        """The page behind the newest link."""
        return self.page_link().address

    def open_page(self, *, on_iphone: bool = False) -> str:
        """Open the newest link; its page is written down. Returns the page's address."""
        link = self.page_link()
        answer = self._get(link.address, IPHONE if on_iphone else ANDROID)
        self.show_page(link.label, answer)
        return str(answer.url)

    def press_on_page(self, address: str, button: str, label: str, until: str = "") -> str:
        """Press a button of a page, and write down what the page says once `until` stands in it; its address."""
        headers = {"user-agent": ANDROID + WECHAT}
        fields = form_of(self._get(address).text, button)
        answer = self._phone.post(address, data=fields, headers=headers, follow_redirects=True)
        end = time.monotonic() + PATIENCE
        while until not in answer.text and time.monotonic() < end:
            time.sleep(0.2)
            answer = self._get(str(answer.url))
        assert until in answer.text, page_lines(answer.text)
        self.show_page(label, answer, kind="presses")
        return str(answer.url)

    def _get(self, address: str, agent: str = ANDROID) -> httpx.Response:
        """Open a page as WeChat's browser does: who follows is told to the page where it asks, cookies are kept."""
        for _ in range(HOPS):
            if urlsplit(address).path == AUTHORISE:
                address = self.fan.authorise(address)
            answer = self._phone.get(address.partition("#")[0], headers={"user-agent": agent + WECHAT})
            if not answer.is_redirect:
                return answer
            address = urljoin(address, answer.headers["location"])
        raise AssertionError("too many redirects")

    def close(self) -> None:
        """Give the browser's connections back."""
        self._phone.close()


def shown(seen: Seen) -> str:
    """The text as it is read: what leads to a page in angles, what sends words in brackets."""

    def link(found: re.Match[str]) -> str:
        tap = TAP.fullmatch(found[1])
        return f"[{found[2]}]" if tap and unquote(tap[1]) else f"‹{found[2]}›"

    return LINK.sub(link, seen.text)
