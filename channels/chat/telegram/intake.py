"""How an update comes in, by polling or by a webhook: written down before it is acknowledged, and only what is ours.

Groups and channels never get a personal answer: whoever adds the bot is told once where to talk to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.texts import Phrasebook, Texts
from channels.chat.telegram.updates import URGENT, Update, UpdateKind, read_update
from core.connections.chats import ChatAccount
from core.conversations.chats import hear_from
from core.conversations.queue import is_busy, put_in
from core.db import in_transaction
from core.messages.outgoing import resume
from core.secret import Secret

IN = frozenset({"member", "administrator", "creator"})

Call = dict[str, Any]
"""A method of the Bot API with its parameters, in the form that a webhook's answer takes: `{"method", …}`."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What taking an update in needs; built once by a process that does."""

    inbox_key: Secret = field(repr=False)
    phrasebook: Phrasebook

    def take_in(self, account: ChatAccount, raw: bytes, *, now: datetime) -> Call | None:
        """Write an update into the inbox, once however often it comes (faults 3 and 37).

        Returns what is answered at once, without waiting for what it means: a tap is answered so that its button does
        not spin, with a word where the chat is still being answered (fault 39). Raises `Junk`.
        """
        update = read_update(raw)
        if update is None:
            return None
        if not update.is_private:
            return self._elsewhere(account, update)
        heard = hear_from(account=account, user=update.user, chat=update.chat, locale=update.locale, now=now)
        if update.kind is UpdateKind.MEMBERSHIP:
            if update.text in IN:
                in_transaction(lambda: resume(conversation_id=heard.conversation_id, now=now))
            return None
        busy = update.kind is UpdateKind.TAP and is_busy(conversation_id=heard.conversation_id)
        is_new = put_in(
            source=account.source,
            event_id=str(update.id),
            conversation_id=heard.conversation_id,
            body=raw,
            inbox_key=self.inbox_key,
            now=now,
            urgent=update.kind in URGENT,
        )
        if is_new:
            in_transaction(lambda: resume(conversation_id=heard.conversation_id, now=now))
        return (
            tap_answered(update, self.phrasebook.texts(heard.locale), busy) if update.kind is UpdateKind.TAP else None
        )

    def _elsewhere(self, account: ChatAccount, update: Update) -> Call | None:
        texts = self.phrasebook.texts(update.locale)
        if update.kind is UpdateKind.TAP:
            return tap_answered(update, texts, busy=False)
        return greeting(account, update, texts) if is_added(update) else None


def tap_answered(update: Update, texts: Texts, busy: bool) -> Call:
    """The answer to a tap; its toast says that the chat is at work already."""
    answer: Call = {"method": "answerCallbackQuery", "callback_query_id": update.query}
    return answer | {"text": texts.say("Working on it…")} if busy else answer


def is_added(update: Update) -> bool:
    """Whether the bot was just put into a group (a channel is not spoken in)."""
    if update.kind is not UpdateKind.MEMBERSHIP or update.text not in IN:
        return False
    before = update.said.get("old_chat_member", {}).get("status", "left")
    return before not in IN and update.said["chat"]["type"] in {"group", "supergroup"}


def greeting(account: ChatAccount, update: Update, texts: Texts) -> Call:
    """The one sentence in a group, with the way to the private chat."""
    link = f"https://t.me/{account.username}?start=menu"
    return {
        "method": "sendMessage",
        "chat_id": int(update.chat),
        "text": texts.say("Everything about orders and cards is between the two of us: please write to me in private."),
        "reply_markup": {"inline_keyboard": [[{"text": texts.say("Open the private chat"), "url": link}]]},
    }
