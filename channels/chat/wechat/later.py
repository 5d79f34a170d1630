"""Replies that were ready after 处理中 was said: WeChat asks no second time, so they are said with the next reply.

Until then numbers mean the menu that was seen. A bare number or 确认 that comes first may have meant either menu: it is
answered with the late one, and chooses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.intents import Intent
from bot.words import understand
from channels.chat.wechat.replies import Reply, joined
from channels.chat.wechat.turn import Turn
from core.conversations.chats import Heard
from core.conversations.late import keep_late, late_answers, take_late
from core.conversations.service import answer_with, remember_menu
from core.db import in_transaction
from core.secret import Secret

CHOOSES = frozenset({Intent.NUMBER, Intent.YES})
"""What means something only by the screen that was seen last."""


@dataclass(frozen=True, slots=True)
class Around:
    """Sentences around late replies: that numbers mean other things now, and that there is more to see."""

    changed: str
    more: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is said before a message's own answer, by event; with `is_all`, instead of it."""

    event_ids: Sequence[str] = ()
    replies: Sequence[Reply] = ()
    is_all: bool = False
    is_choice: bool = False


@dataclass(frozen=True)
class Later:
    """The late replies of one conversation, for the length of one message."""

    source: str
    chat: Heard
    inbox_key: Secret
    turn: Turn

    def waiting(self, text: str, now: datetime) -> Waiting:
        """What waits to be said, and whether that is the whole answer to these words."""
        found = late_answers(
            source=self.source, conversation_id=self.chat.conversation_id, inbox_key=self.inbox_key, now=now
        )
        if not found:
            return Waiting()
        replies, act = [Reply(**late.answer[-1]) for late in found], understand(text)
        is_choice = act.intent in CHOOSES and any(reply.menu for reply in replies)
        asks_for_it = act.intent is Intent.CARDS and not act.params
        return Waiting([late.event_id for late in found], replies, is_choice or asks_for_it, is_choice)

    def settled(self, event_id: str, own: Reply | None, waiting: Waiting, around: Around, now: datetime) -> Reply:
        """Keep what is said, or that it came too late; all in one transaction of the caller's."""
        if not self.turn.is_in_time():
            return self._put_off(event_id, own or Reply(""), now)
        before = waiting.replies if own is None or (own.text and not own.cards) else ()
        all_of_it = [*before, *([own] if own is not None else [])]
        reply, count = joined(all_of_it, first=around.changed if waiting.is_choice else "", more=around.more)
        kept = [reply.told().as_json()]
        is_own_left = own is not None and count < len(all_of_it)
        if own is not None and is_own_left:
            kept.append(own.as_json())
        found = self._keep(event_id, kept, now)
        if found is not kept:
            return Reply(**found[0])
        take_late(source=self.source, event_ids=waiting.event_ids[: min(count, len(before))])
        if is_own_left:
            keep_late(source=self.source, event_id=event_id, conversation_id=self.chat.conversation_id, now=now)
        self._remember(reply, now)
        return reply.told()

    def told_again(self, event_id: str, answer: list[Any], now: datetime) -> Reply:
        """The answer to a repeat; one that came too late for the first try is said by this one."""
        reply = Reply(**answer[0])

        def work() -> None:
            if take_late(source=self.source, event_ids=[event_id]):
                self._remember(reply, now)

        if len(answer) == 1 and reply.menu and self.turn.is_in_time():
            in_transaction(work)
        return reply.told()

    def _put_off(self, event_id: str, own: Reply, now: datetime) -> Reply:
        kept = [own.as_json()]
        found = self._keep(event_id, kept, now)
        if found is kept and own.text and not own.cards:
            keep_late(source=self.source, event_id=event_id, conversation_id=self.chat.conversation_id, now=now)
        return Reply(**found[0]).told()

    def _keep(self, event_id: str, kept: list[Any], now: datetime) -> list[Any]:
        return answer_with(source=self.source, event_id=event_id, screens_json=kept, inbox_key=self.inbox_key, now=now)

    def _remember(self, reply: Reply, now: datetime) -> None:
        if reply.menu:
            remember_menu(conversation_id=self.chat.conversation_id, options=reply.options(), now=now)
