"""The Bot API as one bot, for Stars: aiogram's methods, run on one event loop in a thread of its own.

The worker's threads are not asynchronous; they hand a call over and wait for its answer, at most `ANSWER` seconds.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from channels.pay.stars import StarsProblem, StarTransaction
from core.connections.stars import CURRENCY
from core.secret import Secret

if TYPE_CHECKING:
    from aiogram import Bot
    from aiogram.types import StarTransaction as Told

Result = TypeVar("Result")

ANSWER = 10.0
"""Seconds after which a call counts as unanswered."""

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
"""What aiogram calls Telegram's answers; everything else is no answer that we can rely on."""


class LoopThread:
    """An event loop in a daemon thread, started when it is first used, so that no import starts anything."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, work: Coroutine[Any, Any, Result], *, timeout: float) -> Result:
        """Run a coroutine there and wait for it. Raises what it raises, and `TimeoutError`."""
        future = asyncio.run_coroutine_threadsafe(work, self._started())
        try:
            return future.result(timeout)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise TimeoutError from None

    def stop(self) -> None:
        """End the loop and its thread; used again it starts anew."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=_serve, args=(self._loop,), name=self._name, daemon=True).start()
            return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


class TelegramStars:
    """One bot's Stars. `api_base` is a self-hosted Bot API server, empty for Telegram's own; `proxy` may be empty."""

    def __init__(self, token: Secret, *, loop: LoopThread, api_base: str = "", proxy: str = "") -> None:
        self._token = token
        self._loop = loop
        self._api_base = api_base
        self._proxy = proxy
        self._made: Bot | None = None

    def send_invoice(self, *, chat: str, title: str, description: str, payload: str, amount: int) -> str:
        """Send a bill; its forwarded copies lead to the bot and cannot be paid. Raises `StarsProblem`."""
        from aiogram.types import LabeledPrice

        async def work(bot: Bot) -> str:
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
        """Give a charge back. Raises `StarsProblem`."""

        async def work(bot: Bot) -> bool:
            return await bot.refund_star_payment(user_id=int(payer), telegram_payment_charge_id=charge)

        self._ask(work)

    def transactions(self, *, offset: int, limit: int) -> Sequence[StarTransaction]:
        """One page of the statement. Raises `StarsProblem`."""

        async def work(bot: Bot) -> list[StarTransaction]:
            page = await bot.get_star_transactions(offset=offset, limit=limit)
            return [_read(told) for told in page.transactions]

        return self._ask(work)

    def close(self) -> None:
        """Give the connections back."""
        made, self._made = self._made, None
        if made is not None:
            self._loop.run(made.session.close(), timeout=ANSWER)

    def _ask(self, work: Any) -> Any:
        from aiogram.exceptions import AiogramError

        async def asked() -> Any:
            return await work(self._bot())

        try:
            return self._loop.run(asked(), timeout=ANSWER + 1)
        except AiogramError as error:
            raise StarsProblem(STATUS.get(type(error).__name__), getattr(error, "message", "")) from None
        except TimeoutError:
            raise StarsProblem(None, "no answer in time") from None

    def _bot(self) -> Bot:
        """The bot, made on the loop that uses it."""
        from aiogram import Bot
        from aiogram.client.session.aiohttp import AiohttpSession
        from aiogram.client.telegram import PRODUCTION, TelegramAPIServer

        if self._made is None:
            server = TelegramAPIServer.from_base(self._api_base) if self._api_base else PRODUCTION
            session = AiohttpSession(proxy=self._proxy or None, api=server, timeout=ANSWER)
            self._made = Bot(self._token.reveal().decode(), session=session)
        return self._made


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
