"""The official account's conversation: what a follower did becomes words for the engine, screens become one reply.

A reply is made once and kept; WeChat's repeats get the same. One that is ready too late is said with the next reply,
and numbers mean its menu only then. Cards are never kept: a reply that brings them reads them with a session of its
own, whose token follows from the message, so that a repeat reads the same once they are there.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from bot.engine import Engine
from bot.home import busy_words
from bot.incoming import Incoming
from bot.intents import Intent
from bot.manner import Manner
from bot.pages import Page
from bot.screens import Screen
from bot.texts import Phrasebook, Texts
from bot.wordings import by_number
from bot.words import understand
from channels.chat.sealed import opened
from channels.chat.wechat.later import Around, Later, Waiting
from channels.chat.wechat.links import PageLinks
from channels.chat.wechat.received import Kind, Received
from channels.chat.wechat.render import PageUrl, reply_texts
from channels.chat.wechat.replies import Reply, menu_json
from channels.chat.wechat.turn import Turn
from channels.network import network_mark
from core.clock import Clock
from core.connections.chats import ChatAccount
from core.conversations.chats import Heard
from core.conversations.quotas import Opening, add_consent, open_window
from core.conversations.service import find_conversation, give_back, receive, session_by_token
from core.conversations.sessions import open_reader
from core.db import in_transaction
from core.errors import NotFound
from core.messages.outgoing import resume
from core.messages.service import MessageKind, messages_after, sealed_answers
from core.secret import Secret

CHANNEL = "wechat"
READER_LASTS = timedelta(seconds=90)
"""How long a reply's own session reads: through all of WeChat's repeats."""

ANSWERED = frozenset({"click", "subscribe", "scan"})
"""Events that somebody expects an answer to; they also let us speak for a minute."""

BRINGS_CARDS = frozenset({Intent.CARDS, Intent.PICK_UP, Intent.NUMBER, Intent.YES})
"""What may turn out to ask for cards: then the reply needs a session before the worker looks for one."""

log = structlog.get_logger()


@dataclass(frozen=True)
class WeChatChat:
    """What the wire needs; it keeps nothing between two calls."""

    engine: Engine
    clock: Clock
    inbox_key: Secret
    session_key: Secret
    seal_key: Secret
    phrasebook: Phrasebook
    links: PageLinks

    def hear(self, account: ChatAccount, chat: Heard, received: Received, turn: Turn | None = None) -> Reply | None:
        """Answer one message or event; a repeat gets the first answer. None while a twin is being answered.

        `turn` tells whether the reply is still wanted when it is ready. Raises `OtherContent` when the message's id was
        used for something else. After a failure of ours a repeat starts afresh.
        """
        turn = turn or Turn()
        named = {"source": account.source, "event_id": received.dedupe_id}
        now = self.clock.now()
        taken = receive(
            **named,
            conversation_id=chat.conversation_id,
            body=received.body(),
            inbox_key=self.inbox_key,
            now=now,
        )
        later = Later(account.source, chat, self.inbox_key, turn)
        if not taken.new:
            return later.told_again(received.dedupe_id, taken.answer, now) if taken.answer else None
        try:
            self._note(chat, received)
            waiting = later.waiting(said(received), now) if expects_answer(received) else Waiting()
            own = None if waiting.is_all else self._answer(account, chat, received)
            words = self._around(chat)
            return in_transaction(lambda: later.settled(received.dedupe_id, own, waiting, words, self.clock.now()))
        except Exception:
            give_back(**named, now=self.clock.now())
            raise

    def cards(self, account: ChatAccount, chat: Heard, received: Received, count: int) -> str | None:
        """The cards that a reply waits for, once all are there; None before, and for good once its session is over.

        A pick-up code that brings none has its refusal shown instead.
        """
        token = self._token(account, received)
        try:
            session = session_by_token(token=token, now=self.clock.now())
        except NotFound:
            return None
        told = messages_after(conversation_id=chat.conversation_id, after=session.start_seq)
        found = [message for message in told if message.kind is MessageKind.CARDS]
        sealed = sealed_answers(message_ids=[message.id for message in found], session_id=session.id)
        incoming = self._incoming(account, chat, "")
        refused = [message for message in told if message.kind is MessageKind.PICKUP_REFUSED]
        if refused and not sealed:
            return self._text(account, chat, [self.engine.show(refused[-1], incoming)])
        if len(sealed) < count:
            return None
        shown = [
            self.engine.show(message, incoming).with_secrets(opened(token, sealed[message.id], message, session.id))
            for message in found
            if message.id in sealed
        ]
        return self._text(account, chat, shown)

    def _answer(self, account: ChatAccount, chat: Heard, received: Received) -> Reply:
        if not expects_answer(received):
            return Reply("")
        text = said(received)
        if understand(text).intent in BRINGS_CARDS:
            open_reader(
                seal_key=self.seal_key,
                conversation_id=chat.conversation_id,
                token=self._token(account, received),
                lasts=READER_LASTS,
                now=self.clock.now(),
            )
        incoming = self._incoming(account, chat, f"{account.id}:{received.dedupe_id}", text)
        incoming = replace(incoming, address=account.address(received.from_user), keeps_menu=False)
        screens = self.engine.handle(incoming)
        chat = replace(chat, locale=find_conversation(conversation_id=chat.conversation_id).locale)  # it may be new
        texts, page_url = self._texts(account, chat), once(self.links.maker(account, chat.conversation_id))
        reply = reply_texts(screens, texts, page_url=page_url)
        if cards := sum(screen.cards_follow for screen in screens):
            return Reply(reply, cards)
        bare = reply_texts(screens, texts, page_url=page_url, is_numbered=False)
        return Reply(reply, bare=bare, menu=menu_json(screens, texts.manner))

    def _around(self, chat: Heard) -> Around:
        texts = self.phrasebook.texts(chat.locale)
        return Around(texts.say("The menu has changed, please choose again."), busy_words(texts))

    def _note(self, chat: Heard, received: Received) -> None:
        """What the follower did opens our mouth for a while, and what waited for that is said."""
        now = self.clock.now()
        for template_id in received.consents:
            add_consent(conversation_id=chat.conversation_id, template_id=template_id)
        if not expects_answer(received):
            return
        opening = Opening.TAP if received.event or received.menu_id else Opening.WORDS

        def work() -> None:
            open_window(conversation_id=chat.conversation_id, opening=opening, now=now)
            resume(conversation_id=chat.conversation_id, now=now)

        in_transaction(work)

    def _text(self, account: ChatAccount, chat: Heard, screens: Sequence[Screen]) -> str:
        page_url = self.links.maker(account, chat.conversation_id)
        return reply_texts(screens, self._texts(account, chat), page_url=page_url)

    def _texts(self, account: ChatAccount, chat: Heard) -> Texts:
        return replace(self.phrasebook.texts(chat.locale), manner=self._manner(account, chat))

    def _manner(self, account: ChatAccount, chat: Heard) -> Manner:
        return by_number(shows_prices=self.links.shows_prices(account, chat.identity_id))

    def _incoming(self, account: ChatAccount, chat: Heard, submission_id: str, text: str | None = None) -> Incoming:
        return Incoming(
            channel=CHANNEL,
            conversation_id=chat.conversation_id,
            merchant_id=chat.merchant_id,
            shopper_id=chat.shopper_id,
            identity_id=chat.identity_id,
            locale=chat.locale,
            submission_id=submission_id,
            text=text,
            network=network_mark(self.session_key, f"{CHANNEL}:{chat.identity_id}"),
            manner=self._manner(account, chat),
        )

    def _token(self, account: ChatAccount, received: Received) -> str:
        """The token of the reply's own session: from the message and a key that the database does not have."""
        named = f"{account.source}/{received.dedupe_id}".encode()
        digest = hmac.digest(self.inbox_key.reveal(), b"keystall wechat reply\x00" + named, "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def expects_answer(received: Received) -> bool:
    """Whether somebody waits for a reply: to words, and to events that are taps of theirs."""
    return not received.event or received.event in ANSWERED


def once(page_url: PageUrl) -> PageUrl:
    """One link a page, however often the same reply is drawn."""
    made: dict[str, str] = {}

    def known(page: Page) -> str:
        name = repr(page)
        if name not in made:
            made[name] = page_url(page)
        return made[name]

    return known


def said(received: Received) -> str:
    """What a message or event means in words; nothing where it has none, which the engine answers with the menu."""
    if received.clicked:
        return received.clicked
    if received.event in {"subscribe", "scan"}:
        return f"start {received.scene}" if received.scene else "start"
    return received.content if received.kind in {Kind.TEXT, Kind.VOICE} else ""
