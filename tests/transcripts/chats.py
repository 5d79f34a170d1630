"""A person's side of each chat: says something, taps, pays, waits for what comes, and has it written down."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from bot.texts import Texts
from tests.support.chatter import press_sandbox_pay
from tests.transcripts.pages import page_lines
from tests.transcripts.paper import Paper

PATIENCE = 30.0  # seconds until an answer must be there
QUIET = 0.8  # seconds without news after which nothing more comes

ASIDES = {
    "pays": ("{me}在付款页上付了款", "{me} pays on the payment page"),
    "opens": ("{me}打开‹{label}›，页面上写着", "{me} opens ‹{label}›, and the page says"),
    "presses": ("{me}点了[{label}]，页面变成", "{me} presses [{label}], and the page says"),
    "toast": ("弹出提示：{words}", "a note pops up: {words}"),
    "cards": ("按一下[{label}]，卡密只在这部手机上显示", "a press on [{label}] shows the cards on this phone only"),
    "follows": ("{me}关注了公众号", "{me} follows the account"),
}


@dataclass(frozen=True)
class Heard:
    """One message of the shop: its text, its buttons by rows, and whether it took the place of an older text."""

    text: str
    rows: tuple[tuple[str, ...], ...] = ()
    is_edited: bool = False


class Chat(ABC):
    """One person in one chat. `place` is named beside who speaks, where several chats stand in one transcript."""

    def __init__(self, paper: Paper, texts: Texts) -> None:
        self.paper = paper
        self.texts = texts
        self.place = ""
        self.is_chinese = texts.locale.startswith("zh")
        self.me, self.shop = ("小明", "小店") if self.is_chinese else ("Alex", "Shop")

    def who(self, name: str) -> str:
        """A name, with the chat where it matters."""
        if not self.place:
            return name
        return f"{name}（{self.place}）" if self.is_chinese else f"{name} ({self.place})"

    def aside(self, kind: str, lines: list[str] | None = None, **named: str) -> None:
        """What happens besides."""
        words = ASIDES[kind][0 if self.is_chinese else 1].format(me=self.me, **named)
        self.paper.aside(f"（{words}）" if self.is_chinese else f"({words})", lines or [])

    def say(self, words: str, *, until: str = "") -> list[Heard]:
        """Say something, and write down what comes until the words `until` are there and nothing more comes."""
        self.paper.said(self.who(self.me), words)
        self.send(words)
        return self.hear(until)

    def tap(self, label: str, *, until: str = "") -> list[Heard]:
        """Tap the newest button of a label."""
        self.press(label)
        return self.hear(until)

    def hear(self, until: str = "") -> list[Heard]:
        """Write down what comes."""
        heard = self.settle(until)
        self.heard(heard)
        for one in heard:
            mark = "✎" if one.is_edited else "▸"
            self.paper.said(self.who(self.shop), one.text, one.rows, mark=mark)
        return heard

    def settle(self, until: str = "") -> list[Heard]:
        """What comes until the words are there and nothing more comes. Raises AssertionError."""
        return settled(self.fresh, lambda found: found and any(until in one.text for one in found))

    def pay(self, *, until: str) -> list[Heard]:
        """Pay on the page behind the newest link, and wait for these words."""
        answer = press_sandbox_pay(self.payment_page())
        assert answer.status_code == 200, answer.status_code
        self.aside("pays")
        return self.hear(until)

    @abstractmethod
    def send(self, words: str) -> None:
        """Send a text."""

    @abstractmethod
    def press(self, label: str) -> None:
        """Tap, and write that down."""

    @abstractmethod
    def fresh(self) -> list[Heard]:
        """What came since the last `heard`."""

    @abstractmethod
    def heard(self, heard: list[Heard]) -> None:
        """So much was written down."""

    @abstractmethod
    def payment_page(self) -> str:
        """The address of the page where the newest order is paid."""

    def show_page(self, label: str, answer: httpx.Response, kind: str = "opens") -> None:
        """What stands on a page that was opened."""
        assert answer.status_code == 200, answer.status_code
        self.aside(kind, page_lines(answer.text), label=label)


def settled(look: Callable[[], list[Any]], is_enough: Callable[[list[Any]], Any]) -> list[Any]:
    """What `look` finds once it is enough and no longer changes. Raises AssertionError."""
    end = time.monotonic() + PATIENCE
    found, since = look(), time.monotonic()
    while time.monotonic() < end:
        time.sleep(0.05)
        now = look()
        if now != found:
            found, since = now, time.monotonic()
        elif is_enough(found) and time.monotonic() - since > QUIET:
            return found
    raise AssertionError(f"not within {PATIENCE} s; what came: {found}")
