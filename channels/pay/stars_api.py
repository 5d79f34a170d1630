"""The Bot API as one bot, for Stars: aiogram's methods, called from the worker's threads on one event loop.

aiogram is imported when the first bill is sent or the first statement read.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from channels.chat.telegram.api import BotServer, is_proxy_error, server_of
from channels.chat.telegram.loops import LoopThread
from channels.pay.stars import StarsProblem, StarTransaction
from core.connections.chats import ChatChannel, chat_by_external_id
from core.connections.credentials import AccountKind, Holder, find_credential
from core.connections.stars import CURRENCY, BoundBot, refuse_real_stars
from core.secret import Secret

if TYPE_CHECKING:
    from aiogram import Bot
    from aiogram.types import StarTransaction as Told

Result = TypeVar("Result")

TOKEN = "token"  # noqa: S105 (the name of a credential)

ANSWER_SECONDS = 10
"""After so many seconds a call counts as unanswered."""

STATUS = {
    "TelegramBadRequest": 400,
    "TelegramUnauthorizedError": 401,
    "TelegramForbiddenError": 403,
    "TelegramNotFound": 404,
    "TelegramConflictError": 409,
    "TelegramRetryAfter": 429,
    "TelegramServerError": 500,
    "RestartingTelegram": 500,
}
"""What aiogram calls Telegram's answers; everything else is no answer that can be relied on."""


class TelegramStars:
    """One bot's Stars (a `channels.pay.stars.StarsApi`). Raises `StarsProblem` for whatever goes wrong."""

    def __init__(self, token: Secret, server: BotServer, *, loop: LoopThread) -> None:
        self._token = token
        self._server = server
        self._loop = loop
        self._made: Bot | None = None

    def send_invoice(self, *, chat: str, title: str, description: str, payload: str, amount: int) -> str:
        """Send a bill; forwarded copies of it lead to the bot and cannot be paid."""

        async def work(bot: Bot) -> str:
            from aiogram.types import LabeledPrice

            sent = await bot.send_invoice(
                chat_id=int(chat),
                title=title,
                description=description,
                payload=payload,
                currency=CURRENCY,
                prices=[LabeledPrice(label=title, amount=amount)],
                provider_token="",
                start_parameter="pay",
            )
            return str(sent.message_id)

        return self._ask(work)

    def refund(self, *, payer: str, charge: str) -> None:
        """Give a charge back, whole."""

        async def work(bot: Bot) -> bool:
            return await bot.refund_star_payment(user_id=int(payer), telegram_payment_charge_id=charge)

        self._ask(work)

    def transactions(self, *, offset: int, limit: int) -> Sequence[StarTransaction]:
        """One page of the bot's statement."""

        async def work(bot: Bot) -> list[StarTransaction]:
            page = await bot.get_star_transactions(offset=offset, limit=limit)
            return [_read(told) for told in page.transactions]

        return self._ask(work)

    def close(self) -> None:
        """Give the connections back."""
        made, self._made = self._made, None
        if made is not None:
            self._loop.run(made.session.close(), seconds=ANSWER_SECONDS)

    def _ask(self, work: Callable[[Bot], Awaitable[Result]]) -> Result:
        from aiogram.exceptions import AiogramError
        from aiogram.utils.token import TokenValidationError

        async def asked() -> Result:
            return await work(self._bot())

        try:
            return self._loop.run(asked(), seconds=ANSWER_SECONDS + 1)
        except TokenValidationError:
            raise StarsProblem(401, "what is kept as the bot's token is none") from None
        except AiogramError as error:
            raise StarsProblem(STATUS.get(type(error).__name__), getattr(error, "message", "")) from None
        except Exception as error:
            if isinstance(error, TimeoutError | OSError) or is_proxy_error(error):
                raise StarsProblem(None, type(error).__name__) from None
            raise

    def _bot(self) -> Bot:
        """The bot, made on the loop that uses it."""
        from aiogram import Bot
        from aiogram.client.session.aiohttp import AiohttpSession
        from aiogram.client.telegram import TelegramAPIServer

        if self._made is None:
            api = TelegramAPIServer.from_base(self._server.base)
            session = AiohttpSession(proxy=self._server.proxy or None, api=api, timeout=ANSWER_SECONDS)
            self._made = Bot(self._token.reveal().decode(), session=session)
        return self._made


@dataclass
class TelegramApis:
    """The Bot API of each bot that takes Stars; `bot_key` opens their tokens, the rest are the settings of Telegram.

    A token is read at each use, so that a new one works without a restart, and must be that of the bot which was sealed
    beside the Stars account: Telegram's number of a bot is the first part of its token.
    """

    bot_key: Secret
    api_base: str
    proxy: str
    _loop: LoopThread = field(default_factory=lambda: LoopThread("stars"), repr=False)
    _made: dict[str, tuple[Secret, BotServer, TelegramStars]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def of(self, bot: BoundBot) -> TelegramStars:
        """The Bot API as this bot. Raises `NotFound`, `SealError`, `StarsProblem`, `StarsElsewhere`."""
        account = chat_by_external_id(channel=ChatChannel.TELEGRAM, external_id=bot.external_id)
        token = find_credential(
            self.bot_key, kind=AccountKind.CHAT, account_id=account.id, name=TOKEN, holder=Holder.BOT
        )
        if token.reveal().partition(b":")[0] != bot.external_id.encode():
            raise StarsProblem(401, "the token is another bot's")
        server = server_of(account.id, bot_key=self.bot_key, api_base=self.api_base, proxy=self.proxy)
        refuse_real_stars(api_base=server.base)
        with self._lock:
            kept = self._made.get(bot.external_id)
            if kept is None or kept[:2] != (token, server):
                kept = (token, server, TelegramStars(token, server, loop=self._loop))
                self._made[bot.external_id] = kept
            return kept[2]

    def close(self) -> None:
        """Give connections and the thread back."""
        with self._lock:
            made, self._made = [api for *_, api in self._made.values()], {}
        for api in made:
            api.close()
        self._loop.stop()


def _read(told: Told) -> StarTransaction:
    """What we need of one transaction; partners other than users have neither a payload nor a person."""
    source = told.source
    person = getattr(source, "user", None)
    return StarTransaction(
        id=told.id,
        amount=told.amount,
        at=told.date,
        incoming=source is not None,
        payload=getattr(source, "invoice_payload", None) or "",
        payer=str(person.id) if person is not None else "",
    )
