"""A button to the page of a message's cards: instead of them where the merchant says so, and beside a long file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum

from bot.screens import Option, Screen
from bot.texts import Texts
from channels.chat.telegram.cards import IN_CHAT_AT_MOST


class CardsWay(StrEnum):
    """How cards come into a bot's chats: the merchant's switch `cards`."""

    TEXT = "text"  # in the chat, as text and file
    PAGE = "page"  # on a page, opened by a press: the chat holds no card, only a link that lasts a day


class NoCardPage(Exception):
    """The cards are to be shown on a page, and there is no link to one now."""


def cards_way(settings: Mapping[str, object]) -> CardsWay:
    """What an account's settings say."""
    return CardsWay(str(settings.get("cards", CardsWay.TEXT.value)))


def with_page(screen: Screen, texts: Texts, page: Callable[[], str | None], *, way: CardsWay) -> Screen:
    """The screen of cards as this chat shows it. Raises `NoCardPage` where they may stand on a page only."""
    if way is CardsWay.PAGE:
        address = page()
        if address is None:
            raise NoCardPage
        return replace(screen, cards=(), options=(button(texts, address), *screen.options))
    if len(screen.cards) > IN_CHAT_AT_MOST and (address := page()) is not None:
        return replace(screen, options=(button(texts, address), *screen.options))
    return screen


def button(texts: Texts, address: str) -> Option:
    """The way to the page; Telegram never looks at where a button leads before somebody taps it (fault 101)."""
    return Option(texts.say("See the cards"), url=address)
