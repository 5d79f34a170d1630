"""Bots and official accounts of a test shop, and people who speak to them."""

from __future__ import annotations

from datetime import datetime

from core.actor import OPERATOR
from core.connections.chats import ChatAccount, ChatChannel, create_chat_account
from core.conversations.chats import Heard, hear_from
from tests.builders import NOON, Shop, Talker


def an_account(
    shop: Shop, channel: str = "telegram", number: str = "7000001", *, merchant: int | None = None, **settings: object
) -> ChatAccount:
    """A bot or official account of the shop's merchant, or of another."""
    return create_chat_account(
        actor=OPERATOR,
        merchant_id=shop.merchant if merchant is None else merchant,
        channel=ChatChannel(channel),
        external_id=number,
        username=f"shop_{number}",
        names={"zh-CN": "小店", "en": "The shop"},
        settings=settings,
        now=NOON,
    )


def somebody(
    shop: Shop, account: ChatAccount, user: str = "5001", *, locale: str = "zh-CN", known: bool = True,
    now: datetime = NOON,
) -> Talker:  # fmt: skip
    """A person who has spoken to an account before; `known`: with a paid order."""
    heard = hear_from(account=account, user=user, chat=user, locale=locale, now=now)
    if known:
        shop.sql("UPDATE shopper SET paid_orders = 1 WHERE id = %s", [heard.shopper_id])
    return talker_of(heard)


def talker_of(heard: Heard) -> Talker:
    """The shopper of a chat as the builders know shoppers."""
    return Talker(heard.shopper_id, heard.identity_id, heard.conversation_id, heard.merchant_id)
