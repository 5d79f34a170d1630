"""A reply as it is kept, and several of them said at once: what came too late first, the newest answer last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.manner import Manner
from bot.numbers import menu_of
from bot.screens import Screen
from channels.chat.wechat.render import fits
from core.conversations.service import MenuOption

GAP = "\n\n"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a message is answered with. With `cards`, so many messages with cards are to be waited for first.

    `menu` is what numbers mean once it is read, `bare` its text without numbers, for where another menu follows; both
    are kept only while nobody has been told.
    """

    text: str
    cards: int = 0
    bare: str = ""
    menu: Sequence[Mapping[str, Any]] = ()

    def as_json(self) -> dict[str, Any]:
        """As it is kept, for repeats and for later."""
        more = {"bare": self.bare, "menu": list(self.menu)} if self.menu else {}
        return {"text": self.text, "cards": self.cards} | more

    def told(self) -> Reply:
        """The same once it was said."""
        return replace(self, bare="", menu=())

    def options(self) -> list[MenuOption]:
        """What numbers mean from the moment on when it is read."""
        return [MenuOption(**option) for option in self.menu]


def menu_json(screens: Sequence[Screen], manner: Manner) -> list[dict[str, Any]]:
    """What numbers mean after these screens: the options of the last one that has any."""
    menus = [menu for screen in screens if (menu := menu_of(screen, manner))]
    newest = menus[-1] if menus else []
    return [{"number": one.number, "intent": str(one.intent), "params": dict(one.params)} for one in newest]


def joined(replies: Sequence[Reply], *, first: str, more: str) -> tuple[Reply, int]:
    """As many replies as one message carries, after the sentence `first`, and how many those are.

    Only the last has numbers. Where not all of them fit the oldest goes alone, and `more` says how to see the rest.
    """
    *before, last = replies
    texts = [reply.bare or reply.text for reply in before]
    whole = GAP.join(text for text in (first, *texts, last.text) if text)
    if fits(whole) or not before:
        return replace(last, text=whole if fits(whole) else last.text), len(replies)
    oldest = replies[0]
    found = next((text for text in ladder(oldest.text, first, more) if fits(text)), oldest.text)
    return replace(oldest, text=found), 1


def ladder(text: str, first: str, more: str) -> list[str]:
    """A text with what should stand around it, and with less of that where room is short."""
    wholes = [(first, text, more), (text, more), (text,)]
    return [GAP.join(part for part in whole if part) for whole in wholes]
