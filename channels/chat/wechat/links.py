"""Links from a WeChat conversation to its own pages, and whether prices may stand in the conversation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from bot.pages import Page
from core.clock import Clock
from core.connections.chats import ChatAccount
from core.connections.credentials import Holder
from core.connections.sealed_settings import PAGE_URL, PAGE_URL_TOLD, find_setting
from core.conversations.devices import was_on_ios
from core.conversations.pages import mint_link
from core.secret import Secret


class IosRule(StrEnum):
    """What the merchant decides about prices in chat texts: a message does not say which phone sent it (chat.md)."""

    STRICT = "strict"  # never in the chat; on the page once its reader is known not to be on iOS
    LEARNED = "learned"  # where the last page visit of this follower was not on iOS
    OFF = "off"  # always


@dataclass(frozen=True)
class PageLinks:
    """`public_url` is where the shop's pages are; an account with a host of its own has them there.

    Web reads that host with its `key`, the worker what it was told with its own (`holder`).
    """

    public_url: str
    clock: Clock
    key: Secret
    holder: Holder

    def base_of(self, account: ChatAccount) -> str:
        """Where an account's pages are. Raises `SealError` where its own host was altered: a link opens cards."""
        name = PAGE_URL if self.holder is Holder.VERIFY else PAGE_URL_TOLD
        own = find_setting(self.key, account_id=account.id, name=name, holder=self.holder)
        return (own or self.public_url).rstrip("/")

    def maker(self, account: ChatAccount, conversation_id: UUID) -> Callable[[Page], str]:
        """Makes the address of a page for this follower alone; each call is a link of its own, for 15 minutes.

        Raises `SealError`.
        """
        base = self.base_of(account)

        def made(page: Page) -> str:
            now = self.clock.now()
            token = mint_link(conversation_id=conversation_id, kind=page.kind.value, params=page.params, now=now)
            return f"{base}/w/{token}"

        return made

    def shows_prices(self, account: ChatAccount, identity_id: UUID) -> bool:
        """Whether amounts may stand in the chat with this follower."""
        rule = account.settings.get("ios_rule", IosRule.STRICT.value)
        if rule == IosRule.LEARNED:
            return was_on_ios(identity_id=identity_id) is False
        return bool(rule == IosRule.OFF)
