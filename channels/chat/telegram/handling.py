"""Handles one bot's events from the inbox: in order per chat, several chats at once, urgent ones beside all others."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import structlog

from channels.chat.telegram.api import ApiAway
from channels.chat.telegram.dialog import Dialog, Turn
from channels.chat.telegram.documents import Documents
from channels.chat.telegram.kept import Answer
from channels.chat.telegram.updates import UpdateKind
from channels.chat.telegram.voice import InThread, Voice, wait_after
from channels.wake import Wakes
from core.clock import Clock
from core.conversations import queue
from core.conversations.queue import Taken
from core.errors import error_id
from core.ports import SendAnswer, SendOutcome
from core.secret import Secret

CHATS_AT_ONCE = 16  # of one bot
LOOK_AGAIN = 15.0  # seconds between two looks without a notice: leases of the dead end silently
TAPS_KEPT = 1000
KEEP_EVERY = queue.KEEP_EVERY.total_seconds()
LATEST = timedelta(hours=24)
"""An answer that could not be said for so long is not said any more: who asked has asked again or gone."""

FILE_PATIENCE = timedelta(minutes=10)
"""A file that cannot be fetched for so long is given up: its chat goes on."""

log = structlog.get_logger()


@dataclass
class Handling:
    """Takes events of one bot and answers them until cancelled."""

    voice: Voice
    dialog: Dialog
    wakes: Wakes
    inbox_key: Secret = field(repr=False)
    clock: Clock
    documents: Documents | None = None
    _again_at: dict[str, float] = field(default_factory=dict)
    _taps: dict[UUID, tuple[str, datetime]] = field(default_factory=dict)
    """The last tap of a chat and when it was answered: a hint, so that its twins are not answered once more."""

    async def run(self, in_thread: InThread, *, only_urgent: bool = False) -> None:
        """The loop; `in_thread` runs use cases in the threads that are kept for this loop."""
        slots = asyncio.Semaphore(CHATS_AT_ONCE)
        tasks: set[asyncio.Task[None]] = set()
        with self.wakes.on(f"inbox:{self.voice.account.source}") as waiting:

            def ended(task: asyncio.Task[None]) -> None:
                tasks.discard(task)
                slots.release()
                waiting.woken.set()  # the next event of that chat may be taken now

            try:
                while True:
                    await slots.acquire()
                    taken = await self._take(in_thread, only_urgent)
                    if taken is None:
                        slots.release()
                        await waiting.rest(self._rest())
                        continue
                    task = asyncio.create_task(self._handle(taken, in_thread))
                    tasks.add(task)
                    task.add_done_callback(ended)
            finally:
                if tasks:
                    await asyncio.wait(tasks, timeout=1.0)

    async def _take(self, in_thread: InThread, only_urgent: bool) -> Taken | None:
        try:
            return cast("Taken | None", await in_thread(self._taken, only_urgent))
        except Exception as error:  # noqa: BLE001 - the database is away, or worse: the loop goes on
            log.warning("no events can be taken", problem=type(error).__name__)
            await asyncio.sleep(1)
            return None

    def _taken(self, only_urgent: bool) -> Taken | None:
        source, now = self.voice.account.source, self.clock.now()
        return queue.take_next(source=source, inbox_key=self.inbox_key, now=now, only_urgent=only_urgent)

    def _rest(self) -> float:
        """Seconds until something that was put off is due."""
        now = time.monotonic()
        self._again_at = {event: at for event, at in self._again_at.items() if at > now}
        return min([LOOK_AGAIN, *(max(0.05, at - now) for at in self._again_at.values())])

    async def _handle(self, taken: Taken, in_thread: InThread) -> None:
        with structlog.contextvars.bound_contextvars(source=taken.source, event=taken.event_id):
            began = time.monotonic()
            kept = asyncio.create_task(self._keep(taken, in_thread))
            try:
                turn = await in_thread(self.dialog.turn, self.voice.account, taken)
                if turn is None or self._is_twin(turn, taken):
                    await in_thread(self._finish, taken)
                    return
                turn = await self._with_file(turn, taken, in_thread)
                if turn is None:
                    return
                answer = await in_thread(self._answer, turn, taken)
                if not await self._is_still_ours(taken, began, in_thread):
                    return
                said = await self.voice.say(turn, answer)
                await in_thread(self._ended, turn, taken, said)
            except Exception:  # noqa: BLE001 - logged there; whatever it was, the other chats go on
                await self._failed(taken, in_thread)
            finally:
                kept.cancel()

    async def _keep(self, taken: Taken, in_thread: InThread) -> None:
        """Files, floods and slow networks may take longer than a lease: it is extended until the work is done."""
        while True:
            await asyncio.sleep(KEEP_EVERY)
            try:
                if not await in_thread(self._extend, taken):
                    return
            except Exception as error:  # noqa: BLE001 - the database is away: the next time, or the lease ends
                log.warning("a lease cannot be extended", problem=type(error).__name__)

    async def _is_still_ours(self, taken: Taken, began: float, in_thread: InThread) -> bool:
        """Asked before anything is said: whoever slept through its lease leaves the word to its successor."""
        if time.monotonic() - began < KEEP_EVERY or await in_thread(self._extend, taken):
            return True
        log.warning("an event was taken by another handler meanwhile")
        return False

    def _extend(self, taken: Taken) -> bool:
        return queue.extend(taken, now=self.clock.now())

    async def _with_file(self, turn: Turn, taken: Taken, in_thread: InThread) -> Turn | None:
        """The turn with its file where that is wanted and given away; None where it was put off for that."""
        if self.documents is None or taken.answer is not None or not await in_thread(self.dialog.wants_file, turn):
            return turn
        try:
            return replace(turn, content=await self.documents.fetch(turn.update.said))
        except ApiAway as away:
            log.warning("a file cannot be fetched now", problem=str(away))
        if self.clock.now() - taken.received_at > FILE_PATIENCE:
            return turn
        await in_thread(self._ended, turn, taken, SendAnswer(SendOutcome.LATER, problem="file"))
        return None

    def _finish(self, taken: Taken) -> None:
        queue.finish(taken, now=self.clock.now())

    def _ended(self, turn: Turn, taken: Taken, said: SendAnswer) -> None:
        """The event is handled; or its answer is kept, and said when Telegram takes it (fault 42)."""
        now = self.clock.now()
        if is_to_be_said_again(said) and now - taken.received_at < LATEST:
            wait = wait_after(said, received_at=taken.received_at, now=now)
            queue.put_off(taken, until=now + wait)
            self._again_at[taken.event_id] = time.monotonic() + wait.total_seconds() + 0.01
            return
        self._taps.pop(turn.conversation.id, None)
        if turn.update.kind is UpdateKind.TAP:
            self._taps[turn.conversation.id] = (turn.update.text, now)
        while len(self._taps) > TAPS_KEPT:
            del self._taps[next(iter(self._taps))]
        queue.finish(taken, now=now)

    def _answer(self, turn: Turn, taken: Taken) -> Answer:
        """The answer, worked out once and kept until it is said."""
        if taken.answer is not None:
            return Answer.loads(taken.answer)
        answer = self.dialog.answer(turn)
        if answer.messages:
            queue.keep_answer(taken, answer.dumps(), inbox_key=self.inbox_key)
        return answer

    def _is_twin(self, turn: Turn, taken: Taken) -> bool:
        """Whether this is the same tap once more, made before the first one was answered (fault 39)."""
        if turn.update.kind is not UpdateKind.TAP or taken.answer is not None:
            return False
        tapped, answered_at = self._taps.get(turn.conversation.id, ("", taken.received_at))
        return tapped == turn.update.text and taken.received_at < answered_at

    def _try_again(self, taken: Taken) -> bool:
        return queue.try_again(taken, now=self.clock.now())

    async def _failed(self, taken: Taken, in_thread: InThread) -> None:
        """A defect, or the database is away: tried again, and in the end said that it did not work."""
        log.exception("an event was not handled", error_id=error_id(), tries=taken.tries)
        try:
            if await in_thread(self._try_again, taken):
                self._again_at[taken.event_id] = time.monotonic() + 0.5 * 2**taken.tries + 0.01
                return
            turn = await in_thread(self.dialog.turn, self.voice.account, taken)
            if turn is not None:
                await self.voice.say(turn, await in_thread(self.dialog.apology, turn))
        except Exception as error:  # noqa: BLE001 - its lease ends, and it is tried again then
            log.warning("an event waits until its lease ends", problem=type(error).__name__)


def is_to_be_said_again(answer: SendAnswer) -> bool:
    """Whether the platform did not take an answer for a reason that passes."""
    return answer.outcome in (SendOutcome.LATER, SendOutcome.UNKNOWN)
