"""Says an answer in its chat: the living message is edited while it is the last one, everything else is sent.

A flood limit or an outage is no failure: the event waits in the inbox, and the same answer is said later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from aiogram.methods import AnswerCallbackQuery, AnswerPreCheckoutQuery, DeleteMessage, SendMessage, TelegramMethod

from channels.chat.telegram.dialog import Turn
from channels.chat.telegram.intake import Call
from channels.chat.telegram.kept import Answer
from channels.chat.telegram.message import TelegramMessage
from channels.chat.telegram.pauses import note_flood, quiet_until, waits
from channels.chat.telegram.sender import Sender
from channels.chat.telegram.updates import UpdateKind
from core.clock import Clock
from core.connections.chats import ChatAccount
from core.conversations.living import Living, cover_living, keep_living, living_message
from core.ports import SendAnswer, SendOutcome

METHODS: dict[str, type[TelegramMethod[Any]]] = {
    "answerCallbackQuery": AnswerCallbackQuery,
    "answerPreCheckoutQuery": AnswerPreCheckoutQuery,
    "deleteMessage": DeleteMessage,
    "sendMessage": SendMessage,
}
"""The calls that are no answer in a chat."""

LONGEST_WAIT = 30.0

InThread = Callable[..., Awaitable[Any]]
"""`await run(use_case, *args, **kwargs)`."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Voice:
    """One bot's way to say things in its private chats."""

    account: ChatAccount
    sender: Sender
    clock: Clock
    run: InThread

    async def say(self, turn: Turn, answer: Answer) -> SendAnswer:
        """Say all of an answer. SENT once all is said; after LATER and UNKNOWN it is to be said again."""
        messages = answer.messages
        for call in answer.calls:
            done = await self.ask(call)
            if done.outcome in (SendOutcome.LATER, SendOutcome.UNKNOWN):
                return done
            if done.outcome is not SendOutcome.SENT:
                messages = answer.otherwise or messages
        if not messages:
            return SendAnswer(SendOutcome.SENT)
        chat = turn.update.chat
        found = await self.run(self._before, turn)
        if isinstance(found, SendAnswer):
            return found
        living: Living | None = found
        said = await self._edited(turn, living, messages) or await self.sender.send(chat, messages)
        if said.outcome is SendOutcome.LATER:
            await self.run(self._keep_quiet, chat, said)
        elif said.outcome is SendOutcome.SENT and said.external_ref is not None:
            await self._remember(turn, living, messages[-1], said.external_ref)
        return said

    async def ask(self, call: Call) -> SendAnswer:
        """A call that is no answer in a chat: to a tap or a checkout, a word in a group, a message to be deleted."""
        params = {name: value for name, value in call.items() if name != "method"}
        done = await self.sender.ask(METHODS[call["method"]](**params))
        return SendAnswer(SendOutcome.SENT) if done.is_gone else done.answer  # what is gone is deleted

    def _before(self, turn: Turn) -> SendAnswer | Living | None:
        now = self.clock.now()
        until = quiet_until(self.account, turn.update.chat, now=now)
        return waits(until, now=now) if until else living_message(conversation_id=turn.conversation.id)

    def _keep_quiet(self, chat: str, said: SendAnswer) -> None:
        note_flood(self.account, chat, said, now=self.clock.now())

    def _living_from_now(self, turn: Turn, number: str) -> None:
        keep_living(conversation_id=turn.conversation.id, external_ref=number, now=self.clock.now())

    async def _edited(
        self, turn: Turn, living: Living | None, messages: tuple[TelegramMessage, ...]
    ) -> SendAnswer | None:
        """The answer in the place of the living message; None where it has to be sent."""
        if living is None or not (turn.update.kind is UpdateKind.TAP and is_last(living, turn)):
            return None
        if len(messages) != 1 or not messages[0].is_living:
            return None
        done = await self.sender.edit(turn.update.chat, living.external_ref, messages[0])
        return None if done.answer.outcome is SendOutcome.REFUSED else done.answer

    async def _remember(self, turn: Turn, living: Living | None, last: TelegramMessage, number: str) -> None:
        """Which message lives now; the buttons of the one before go, so that nobody taps what has passed."""
        if living is not None and living.external_ref == number:
            return
        if not last.is_living:
            await self.run(cover_living, conversation_id=turn.conversation.id, by=number)
            return
        await self.run(self._living_from_now, turn, number)
        if living is not None:
            await self.sender.drop_keyboard(turn.update.chat, living.external_ref)


def is_last(living: Living, turn: Turn) -> bool:
    """Whether nothing stands below the living message, as far as anybody knows."""
    tapped = turn.update.message
    return living.is_newest and (tapped is None or tapped <= int(living.external_ref))


def wait_after(answer: SendAnswer, *, received_at: datetime, now: datetime) -> timedelta:
    """How long an answer waits that could not be said: as long as Telegram asks, else a growing while."""
    age = max(0.0, (now - received_at).total_seconds())
    return timedelta(seconds=answer.retry_after or min(LONGEST_WAIT, max(0.5, age / 4)))


async def answered_soon(voice: Voice, call: Call) -> None:
    """Answer a tap; what becomes of it matters to nobody but the button that spins."""
    async with asyncio.timeout(10):
        done = await voice.ask(call)
    if done.outcome is not SendOutcome.SENT:
        log.info("an update was not answered at once", method=call["method"], problem=done.problem)
