"""Carries what is told unasked to followers: customer-service messages while WeChat lets us, one kept for the cards.

Best effort by nature: what does not go out now waits until the follower asks (取卡), taps the menu or opens the page.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial

from bot.engine import Engine
from bot.talk import ShopContext
from bot.wordings import by_number
from channels.card_links import CardLinks
from channels.chat.parcels import opened, reader_of, stored
from channels.chat.wechat.api import WeChatApi
from channels.chat.wechat.links import PageLinks
from channels.chat.wechat.render import reply_text
from core.connections.chats import ChatAccount, ChatAddress, ChatChannel, chat_account, read_address
from core.connections.credentials import AccountKind, Holder, find_credential
from core.connections.sealed_settings import API_BASE, find_setting
from core.conversations.quotas import add_consent, close_window, give_message_back, take_message, use_consent
from core.errors import NotFound
from core.ids import Prefix, parse, public
from core.messages.service import CARDS_WAIT, MessageKind
from core.ports import Parcel, SendAnswer, SendOutcome
from core.secret import Secret
from core.vault.primitives import SealError

APP_SECRET = "app_secret"  # noqa: S105 (a credential's name)
OFF_FOR = 300.0  # seconds until a parcel for an account that is switched off is looked at again
KEPT_FOR_CARDS = 1
SOON_OVER = frozenset({MessageKind.PAID, MessageKind.DELIVERY_DELAYED})
"""Messages that the cards themselves make needless: they leave one more message for what follows."""


@dataclass
class Apis:
    """The APIs of the accounts, by their secrets of the moment: a new account speaks without a restart."""

    act_key: Secret
    api_base: str
    shop: ShopContext
    _kept: dict[int, tuple[Secret, str, WeChatApi]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def of(self, account: ChatAccount) -> WeChatApi:
        """The API of an account. Raises `NotFound` without its secret.

        Raises `SealError` for a secret that does not open, and for an address of its own that was altered: the secret
        then goes nowhere.
        """
        secret = find_credential(
            self.act_key, kind=AccountKind.CHAT, account_id=account.id, name=APP_SECRET, holder=Holder.ACT
        )
        own = find_setting(self.act_key, account_id=account.id, name=API_BASE, holder=Holder.ACT)
        base = own or self.api_base
        with self._lock:
            kept = self._kept.get(account.id)
            if kept is None or kept[:2] != (secret, base):
                api = WeChatApi(account.id, account.external_id, secret, base, self.act_key, self.shop.clock)
                self._kept[account.id] = kept = (secret, base, api)
            return kept[2]

    def close(self) -> None:
        """Give the connections back."""
        with self._lock:
            kept, self._kept = self._kept, {}
        for *_, api in kept.values():
            api.close()


@dataclass(frozen=True)
class WeChatCourier:
    """A `core.ports.Courier`; its `shop` has no keys."""

    shop: ShopContext
    apis: Apis
    links: PageLinks
    card_links: CardLinks = field(default_factory=CardLinks, repr=False)

    def hand_over(self, parcel: Parcel, /) -> SendAnswer:
        """Draw and send one message to the follower that `parcel.chat_address` names, if WeChat lets us speak now."""
        address = read_address(parcel.chat_address)
        if address is None or address.channel is not ChatChannel.WECHAT:
            return SendAnswer(SendOutcome.REFUSED, problem="no_chat")
        try:
            account = chat_account(account_id=address.account_id)
            api = self.apis.of(account)
        except NotFound:
            return SendAnswer(SendOutcome.NO_QUOTA, problem="no_app_secret")
        except SealError:
            return SendAnswer(SendOutcome.LATER, retry_after=OFF_FOR, problem="app_secret")
        if account.merchant_id != parcel.merchant_id:
            return SendAnswer(SendOutcome.LATER, retry_after=OFF_FOR, problem="foreign_chat")
        if not account.enabled:
            return SendAnswer(SendOutcome.LATER, retry_after=OFF_FOR, problem="account_is_off")
        return self._sent(account, address, parcel, api)

    def _sent(self, account: ChatAccount, address: ChatAddress, parcel: Parcel, api: WeChatApi) -> SendAnswer:
        try:
            text = self._drawn(account, parcel)
        except SealError:  # the account's own host was altered: no link of ours may lead there
            return SendAnswer(SendOutcome.LATER, retry_after=OFF_FOR, problem="misconfigured")
        kept = kept_back(MessageKind(parcel.kind))
        if not take_message(conversation_id=parcel.conversation_id, keep=kept, now=self.shop.clock.now()):
            return SendAnswer(SendOutcome.NO_QUOTA, problem="quota")
        answer = api.send_text(address.chat, text)
        if answer.outcome is SendOutcome.NO_QUOTA:
            close_window(conversation_id=parcel.conversation_id)
        if answer.outcome is SendOutcome.LATER:
            give_message_back(conversation_id=parcel.conversation_id, now=self.shop.clock.now())
        return answer

    def _drawn(self, account: ChatAccount, parcel: Parcel) -> str:
        manner = by_number(shows_prices=self.links.shows_prices(account, parcel.identity_id))
        incoming = reader_of(parcel, ChatChannel.WECHAT, manner)
        screen = Engine(self.shop).show_once(stored(parcel, self.shop.clock.now()), incoming)
        texts = replace(self.shop.phrasebook.texts(parcel.locale), manner=manner)
        page_url = self.links.maker(account, parcel.conversation_id)
        card_page = cache(partial(self.card_links.for_chat, parcel))
        shown = opened(screen, parcel.cards)
        return reply_text(shown, texts, page_url=page_url, card_page=card_page, is_answer=False)


def kept_back(kind: MessageKind) -> int:
    """How many of the messages that are left this one may not use: the last is for cards."""
    if kind is MessageKind.CARDS:
        return 0
    return KEPT_FOR_CARDS + (1 if kind in SOON_OVER else 0)


@dataclass(frozen=True)
class NoticeWay:
    """Subscription notices: an `OtherWay` for those who agreed to one on a page; it says that cards are ready.

    The account's setting `notice` names the template and what stands in its fields: {"template": …, "fields":
    {"thing1": "shop", "character_string2": "order"}}.
    """

    shop: ShopContext
    apis: Apis
    name: str = "notice"
    is_heard: bool = True

    def tell(self, parcel: Parcel, /) -> SendAnswer | None:
        """None for other channels and messages, without a template, and for those who agreed to none."""
        address = read_address(parcel.chat_address)
        if address is None or address.channel is not ChatChannel.WECHAT or parcel.kind not in CARDS_WAIT:
            return None
        account = chat_account(account_id=address.account_id)
        notice = account.settings.get("notice")
        if not isinstance(notice, Mapping):
            return None
        template = str(notice.get("template", ""))
        try:
            api = self.apis.of(account)
        except (NotFound, SealError):
            return None
        if not use_consent(conversation_id=parcel.conversation_id, template_id=template):
            return None
        texts = self.shop.phrasebook.texts(parcel.locale)
        values = {
            "shop": texts.name(account.names)[:20],
            "order": public(Prefix.ORDER, parse(Prefix.ORDER, str(parcel.body["order"])))[-12:],
            "hint": texts.say("Send “cards” in the chat to get them.")[:20],
        }
        fields = {str(field): values.get(str(named), "") for field, named in dict(notice.get("fields", {})).items()}
        answer = api.send_notice(address.chat, template, fields)
        if answer.outcome is SendOutcome.LATER:
            add_consent(conversation_id=parcel.conversation_id, template_id=template)
        return answer
