"""What a follower does: numbers and codes, one page, 取卡; on an account that shows no prices and on one that does."""

from __future__ import annotations

from tests.transcripts.on_wechat import WeChatChat
from tests.transcripts.walks import (
    CAREFUL,
    asks_for_help,
    changes_language,
    is_not_understood,
    looks_around,
    part,
    said,
    says,
)

DELIVERED = 'data-state="delivered"'
"""What the page carries once the cards are there."""

LEVELS = {
    "strict": (
        "一、已认证的服务号，聊天里不出现价格（ios_rule = strict）",
        "1. A verified service account that shows no prices in the chat (ios_rule = strict)",
    ),
    "off": (
        "二、未认证的订阅号，聊天里写明价格（ios_rule = off）",
        "2. A subscription account that shows prices and can only answer (ios_rule = off)",
    ),
}
"""The two accounts, in Chinese and in English."""


def on_wechat(chat: WeChatChat, rule: str) -> None:
    """One account from following it to everything but the binding."""
    chat.paper.chapter(LEVELS[rule][0 if chat.is_chinese else 1])
    part(chat, "greet")
    chat.follow()
    if not chat.is_chinese:
        chat.say("language English")
    looks_around(chat)
    orders_in_one_turn(chat, shows_iphone=rule == "strict")
    fetches(chat)
    changes_mind(chat)
    looks_orders_up(chat)
    is_not_understood(chat)
    answers_late(chat)
    asks_for_help(chat)
    if rule == "strict":
        changes_language(chat)


def orders_in_one_turn(chat: WeChatChat, *, shows_iphone: bool) -> None:
    """A code, one link, the page."""
    part(chat, "turn")
    says(chat, "buy two")
    if shows_iphone:
        part(chat, "iphone")
        chat.open_page(on_iphone=True)
    part(chat, "page")
    address = chat.open_page()
    address = chat.press_on_page(address, "place", "付款" if chat.is_chinese else "Pay")
    chat.press_on_page(address, "sandbox-pay", "支付 ¥39.80" if chat.is_chinese else "Pay CN¥39.80", DELIVERED)
    if shows_iphone:
        chat.hear(chat.texts.say(CAREFUL))


def fetches(chat: WeChatChat) -> None:
    """取卡, and what is said beside it."""
    part(chat, "fetch")
    chat.say(said(chat, "cards"), until=chat.texts.say(CAREFUL))
    chat.say("A1*2")


def changes_mind(chat: WeChatChat) -> None:
    """A quantity, and then nothing at all."""
    part(chat, "cancel")
    says(chat, "buy none", "buy")
    chat.say("3")
    chat.say("0")
    says(chat, "cancel")


def looks_orders_up(chat: WeChatChat) -> None:
    """The list, one of it, and a bill's number that nobody knows."""
    part(chat, "orders")
    says(chat, "orders")
    chat.say("1")
    says(chat, "find", "wallet")


def answers_late(chat: WeChatChat) -> None:
    """A number when nothing was asked."""
    part(chat, "number")
    says(chat, "thanks")
    chat.say("9")
