"""Carries what is told unasked into Telegram's private chats: the worker's way there, cards included.

Bots and their tokens are read from the tables at each parcel, so that a new bot speaks without a restart. aiogram is
imported when the first parcel comes, or beside the work where a bot is connected at the start.
"""

from __future__ import annotations

import atexit
import importlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from bot.engine import Engine
from bot.talk import ShopContext
from channels.card_links import CardLinks
from channels.chat.parcels import opened, reader_of, stored
from channels.chat.telegram.api import server_of
from channels.chat.telegram.loops import LoopThread
from channels.chat.telegram.message import TelegramMessage
from channels.chat.telegram.page_button import NoCardPage, cards_way, with_page
from channels.chat.telegram.pauses import note_flood, quiet_until, waits
from channels.chat.telegram.render import render
from channels.chat.telegram.shared import TOKEN
from core.clock import Clock
from core.connections.chats import ChatAccount, ChatAddress, ChatChannel, chat_account, chat_accounts, read_address
from core.connections.credentials import AccountKind, Holder, find_credential
from core.conversations.living import cover_living
from core.errors import NotFound
from core.messages.service import MessageKind
from core.ports import Parcel, SendAnswer, SendOutcome
from core.secret import Secret
from core.vault.primitives import SealError

if TYPE_CHECKING:
    from channels.chat.telegram.sender import Sender

SENDER = "channels.chat.telegram.sender"
PATIENCE = 55.0  # seconds for all parts of a message; then nobody knows what became of it
NO_PAGE_FOR = 15.0  # seconds until cards whose page could not be linked to are tried again
OFF_FOR = 300.0  # seconds until a parcel for a bot that is switched off is looked at again


@dataclass
class TelegramCourier:
    """A `core.ports.Courier`; its `shop` has no keys but the clock, the words and the currency.

    `bot_key` opens the tokens, `api_base` and `proxy` are those of the settings, `links` lead to card pages.
    """

    shop: ShopContext
    bot_key: Secret
    api_base: str
    proxy: str
    links: CardLinks = field(default_factory=CardLinks, repr=False)
    _loop: LoopThread = field(default_factory=lambda: LoopThread("telegram"), repr=False)
    _senders: dict[int, tuple[Secret, str, Sender]] = field(default_factory=dict, repr=False)
    _retired: list[Sender] = field(default_factory=list, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def _clock(self) -> Clock:
        return self.shop.clock

    def hand_over(self, parcel: Parcel, /) -> SendAnswer:
        """Draw and send one message into the chat that `parcel.chat_address` names, nowhere else."""
        address = read_address(parcel.chat_address)
        if address is None or address.channel is not ChatChannel.TELEGRAM:
            return SendAnswer(SendOutcome.REFUSED, problem="no_chat")
        try:
            account = chat_account(account_id=address.account_id)
            sender = self._sender(account)
        except (NotFound, SealError):
            return SendAnswer(SendOutcome.LATER, retry_after=OFF_FOR, problem="bot_token")
        if account.merchant_id != parcel.merchant_id:
            return SendAnswer(SendOutcome.LATER, retry_after=OFF_FOR, problem="foreign_chat")
        if not account.enabled:
            return SendAnswer(SendOutcome.LATER, retry_after=OFF_FOR, problem="bot_is_off")
        if (until := quiet_until(account, address.chat, now=self._clock.now())) is not None:
            return waits(until, now=self._clock.now())
        try:
            drawn = self._drawn(parcel, account)
        except NoCardPage:
            return SendAnswer(
                SendOutcome.LATER, retry_after=NO_PAGE_FOR, problem="card_page" if self.links.is_on else "misconfigured"
            )
        return self._sent(account, address, parcel, drawn, sender)

    def warm(self) -> None:
        """Import aiogram beside the work where a bot is connected: else the first cards would wait seconds for it."""
        if chat_accounts(channel=ChatChannel.TELEGRAM):
            threading.Thread(target=importlib.import_module, args=(SENDER,), name="telegram-warm", daemon=True).start()

    def close(self) -> None:
        """Give connections and the thread back."""
        with self._lock:
            atexit.unregister(self.close)
            senders = [*self._retired, *(one for *_, one in self._senders.values())]
            self._senders, self._retired = {}, []
        for sender in senders:
            self._loop.run(sender.close(), seconds=5)
        self._loop.stop()

    def _sent(
        self,
        account: ChatAccount,
        address: ChatAddress,
        parcel: Parcel,
        messages: Sequence[TelegramMessage],
        sender: Sender,
    ) -> SendAnswer:
        try:
            answer = self._loop.run(sender.send(address.chat, messages), seconds=PATIENCE)
        except TimeoutError:
            answer = SendAnswer(SendOutcome.UNKNOWN, problem="timeout")
        note_flood(account, address.chat, answer, now=self._clock.now())
        if answer.outcome is SendOutcome.SENT and answer.external_ref is not None:
            cover_living(conversation_id=parcel.conversation_id, by=answer.external_ref)
        return answer

    def _drawn(self, parcel: Parcel, account: ChatAccount) -> tuple[TelegramMessage, ...]:
        incoming = reader_of(parcel, ChatChannel.TELEGRAM)
        screen = Engine(self.shop).show_once(stored(parcel, self._clock.now()), incoming)
        texts = self.shop.phrasebook.texts(parcel.locale)
        if parcel.kind == MessageKind.CARDS:
            screen = with_page(screen, texts, partial(self.links.for_chat, parcel), way=cards_way(account.settings))
        protect = account.settings.get("protect_content") is True
        return render(opened(screen, parcel.cards), texts, protect=protect)

    def _sender(self, account: ChatAccount) -> Sender:
        """The bot's sender; another one where its token or its server has changed."""
        token = find_credential(
            self.bot_key, kind=AccountKind.CHAT, account_id=account.id, name=TOKEN, holder=Holder.BOT
        )
        server = server_of(account.id, bot_key=self.bot_key, api_base=self.api_base, proxy=self.proxy)
        with self._lock:
            kept = self._senders.get(account.id)
            if kept is not None and kept[:2] == (token, server.base):
                return kept[2]
            if not self._senders:
                atexit.register(self.close)
            from channels.chat.telegram.sender import Sender

            async def made() -> Sender:
                return Sender(token, server)

            sender = self._loop.run(made(), seconds=PATIENCE)
            self._senders[account.id] = (token, server.base, sender)
            if kept is not None:
                self._retired.append(kept[2])  # another thread may be sending with it
        return sender
