"""The menu below the chat: 选购, 订单, 我的; a tap says a word that the conversation understands anyway.

What has not opened yet is left out, and comes by itself once it has. WeChat shows four Chinese signs of an entry and
eight of one below it; the rest is cut off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.home import NOT_OPEN_YET
from bot.intents import Intent
from bot.texts import Texts, mark

LAYOUT: tuple[tuple[str, tuple[tuple[str, str, Intent], ...]], ...] = (
    (
        mark("Shop"),
        (
            (mark("All goods"), "goods", Intent.CATALOG),
            (mark("Search"), "search", Intent.SEARCH),
            (mark("Coupons"), "coupons", Intent.COUPONS),
        ),
    ),
    (
        mark("Orders"),
        (
            (mark("Get my cards"), "cards", Intent.CARDS),
            (mark("My orders"), "orders", Intent.ORDERS),
            (mark("After-sales"), "refund", Intent.AFTER_SALES),
        ),
    ),
    (
        mark("Me"),
        (
            (mark("Membership"), "member", Intent.MEMBER),
            (mark("Check in"), "check-in", Intent.CHECK_IN),
            (mark("Link an account"), "bind", Intent.BIND),
            (mark("Help"), "help", Intent.HELP),
            (mark("中文 / English"), "language", Intent.LANGUAGE),
        ),
    ),
)
"""Each entry and those below it: its name, the word that a tap says, what that word means."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry that can be tapped: `key` comes back as the word that was said."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Group:
    """One of the three entries at the bottom, and what opens above it."""

    name: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Menu:
    """The whole menu, in one language: an account has one menu for all its followers."""

    groups: tuple[Group, ...]

    def as_json(self) -> dict[str, Any]:
        """As /cgi-bin/menu/create takes it."""
        return {
            "button": [
                {
                    "name": group.name,
                    "sub_button": [{"type": "click", "name": one.name, "key": one.key} for one in group.entries],
                }
                for group in self.groups
            ]
        }


def menu(texts: Texts) -> Menu:
    """The menu in the language of `texts`."""
    groups = (
        Group(
            texts.say(name),
            tuple(Entry(texts.say(label), key) for label, key, intent in below if intent not in NOT_OPEN_YET),
        )
        for name, below in LAYOUT
    )
    return Menu(tuple(group for group in groups if group.entries))
