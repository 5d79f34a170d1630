"""Sends and edits rendered messages as one bot, through aiogram, and says what became of each in the store's own terms.

Nothing is parsed here and nothing is logged but the kind of a failure: the message may hold cards, and the address of
the server holds the token.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    ClientDecodeError,
    RestartingTelegram,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import EditMessageReplyMarkup, EditMessageText, SendDocument, SendMessage, TelegramMethod
from aiogram.types import BufferedInputFile

from channels.chat.telegram.api import BotServer, is_proxy_error
from channels.chat.telegram.message import TelegramMessage
from core.ports import SendAnswer, SendOutcome
from core.secret import Secret

ANSWER_SECONDS = 15
"""For one request, a file included; later the answer counts as lost."""

WORTH_WAITING = 5.0
"""Seconds that the next part of a message waits at a flood limit, so that its first parts are not sent again."""

LOST_TOKEN = 300.0  # seconds until a bot whose token does not work is asked again
LONGEST_MESSAGE = 40.0
"""Seconds for all parts of a message: whoever has the pen of a chat holds it for a minute."""

NOBODY_THERE = ("chat not found", "user not found", "peer_id_invalid", "user is deactivated", "group chat was upgraded")
GONE = (
    "message to edit not found",
    "message to delete not found",
    "message can't be edited",
    "message_id_invalid",
    "there is no text in the message",
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Done:
    """How one request ended; `is_gone`: the message to be edited is not there any more, or too old."""

    answer: SendAnswer
    is_gone: bool = False

    @property
    def is_sent(self) -> bool:
        """Whether Telegram took it."""
        return self.answer.outcome is SendOutcome.SENT


class Sender:
    """One bot's voice; made on the loop that uses it. Raises `TokenValidationError` for what is no token."""

    def __init__(self, token: Secret, server: BotServer) -> None:
        session = AiohttpSession(
            proxy=server.proxy or None, api=TelegramAPIServer.from_base(server.base), timeout=ANSWER_SECONDS
        )
        self._bot = Bot(token.reveal().decode(), session=session)

    async def close(self) -> None:
        """Give the connections back."""
        await self._bot.session.close()

    async def send(self, chat: str, messages: Sequence[TelegramMessage]) -> SendAnswer:
        """Send all parts of a message, in order; SENT once all of them are there, with the number of the last.

        At a short flood limit between two parts the rest waits here; else all parts are sent again another time.
        """
        answer = SendAnswer(SendOutcome.REFUSED, problem="empty")
        loop = asyncio.get_running_loop()
        end = loop.time() + LONGEST_MESSAGE
        for place, message in enumerate(messages):
            answer = (await self._new(chat, message)).answer
            while place and is_short(answer) and loop.time() + answer.retry_after + ANSWER_SECONDS < end:
                await asyncio.sleep(answer.retry_after)
                answer = (await self._new(chat, message)).answer
            if answer.outcome is not SendOutcome.SENT:
                return answer
        return answer

    async def edit(self, chat: str, number: str, message: TelegramMessage) -> Done:
        """Put a message in the place of another; unchanged is fine, and one that is gone says so."""
        request = EditMessageText(chat_id=int(chat), message_id=int(number), **message.as_parameters(edit=True))
        done = await self.ask(request)
        return Done(SendAnswer(SendOutcome.SENT, number)) if done.is_sent else done

    async def drop_keyboard(self, chat: str, number: str) -> None:
        """Take the buttons from under an old message; nobody waits for it, and it may fail."""
        done = await self.ask(EditMessageReplyMarkup(chat_id=int(chat), message_id=int(number)))
        if not done.is_sent and not done.is_gone:
            log.info("buttons of an old message stay", problem=done.answer.problem)

    async def _new(self, chat: str, message: TelegramMessage) -> Done:
        request: TelegramMethod[Any]
        if message.document is None:
            request = SendMessage(chat_id=int(chat), **message.as_parameters())
        else:
            file = BufferedInputFile(message.document.content, message.document.name)
            request = SendDocument(chat_id=int(chat), document=file, **message.as_parameters())
        return await self.ask(request)

    async def ask(self, request: TelegramMethod[Any]) -> Done:
        """One request. Never raises for what Telegram says or does not say."""
        try:
            result = await self._bot(request)
        except Exception as error:
            done = judged(error)
            if done is None:
                raise
            if done.answer.outcome is SendOutcome.REFUSED:
                method = type(request).__name__
                log.error("Telegram refuses a request", method=method, problem=done.answer.problem, said=words(error))
            return done
        number = getattr(result, "message_id", None)
        return Done(SendAnswer(SendOutcome.SENT, None if number is None else str(number)))


def is_short(answer: SendAnswer) -> bool:
    """Whether it is worth while to wait for the end of a flood limit on the spot."""
    return answer.outcome is SendOutcome.LATER and 0 < answer.retry_after <= WORTH_WAITING


def judged(error: Exception) -> Done | None:
    """What a failure means; None for a defect of our own."""
    match error:
        case TelegramRetryAfter():
            return said_no(SendOutcome.LATER, "flood", float(error.retry_after))
        case TelegramForbiddenError():
            return said_no(SendOutcome.BLOCKED, "blocked")
        case TelegramUnauthorizedError() | TelegramNotFound():
            return said_no(SendOutcome.LATER, "bot_token", LOST_TOKEN)
        case TelegramMigrateToChat():
            return said_no(SendOutcome.BLOCKED, "chat_moved")
        case TelegramBadRequest():
            return bad_request(error.message.lower())
        case RestartingTelegram():
            return said_no(SendOutcome.LATER, "restarting")
        case TelegramServerError() | ClientDecodeError():
            return said_no(SendOutcome.UNKNOWN, "server")
        case TelegramEntityTooLarge():
            return said_no(SendOutcome.REFUSED, "too_large")
        case TelegramNetworkError():
            return unreached(error)
        case TelegramAPIError():
            return said_no(SendOutcome.REFUSED, "refused")
    if is_proxy_error(error):
        return said_no(SendOutcome.LATER, "proxy")
    return said_no(SendOutcome.UNKNOWN, "no_answer") if isinstance(error, OSError) else None


def bad_request(said: str) -> Done:
    """A 400: the chat, the message to be edited, nothing to change, or a request of ours that is wrong."""
    if "message is not modified" in said:
        return Done(SendAnswer(SendOutcome.SENT))
    if any(words in said for words in NOBODY_THERE):
        return said_no(SendOutcome.BLOCKED, "chat_not_found")
    if any(words in said for words in GONE):
        return Done(SendAnswer(SendOutcome.REFUSED, problem="message_gone"), is_gone=True)
    return said_no(SendOutcome.REFUSED, "bad_request")


def unreached(error: TelegramNetworkError) -> Done:
    """No answer: certainly nothing was sent only where no connection was made."""
    cause = error.__cause__
    if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return said_no(SendOutcome.LATER, "unreachable")
    return said_no(SendOutcome.UNKNOWN, "timeout" if isinstance(cause, TimeoutError) else "no_answer")


def said_no(outcome: SendOutcome, problem: str, retry_after: float = 0.0) -> Done:
    """An answer that is not SENT."""
    return Done(SendAnswer(outcome, retry_after=retry_after, problem=problem))


def words(error: Exception) -> str:
    """The beginning of Telegram's own words, up to where they may quote the message."""
    said = getattr(error, "message", "").removeprefix("Bad Request: ")
    return re.split(r"[\"':]", str(said), maxsplit=1)[0].strip()[:80]
