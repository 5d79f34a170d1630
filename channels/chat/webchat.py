"""The web chat's wire: a session's message becomes a bot.Incoming, a bot.Screen becomes the JSON of the chat API."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from bot.engine import Engine
from bot.incoming import Incoming
from bot.screens import Screen, ScreenKind
from channels.chat.sealed import opened
from core.clock import Clock
from core.conversations.service import Session, answer_with, give_back, receive
from core.errors import Refusal
from core.messages.service import MessageKind, StoredMessage, messages_after, sealed_answers
from core.orders.service import OrderKeys, pay_token
from core.payments.service import topup_token
from core.secret import Secret

CHANNEL = "web"
AT_ONCE = 50  # messages of one answer

log = structlog.get_logger()


@dataclass(frozen=True)
class Said:
    """One message of a sender: its own id, and a text or a button's action."""

    id: UUID
    text: str | None = None
    action: str | None = None

    def body(self) -> bytes:
        """What must be the same when the id comes again."""
        return json.dumps({"text": self.text, "action": self.action}, sort_keys=True).encode()


@dataclass(frozen=True)
class Pushed:
    """A Screen sent unasked, and the cursor behind it."""

    cursor: int
    screen: dict[str, Any]


@dataclass(frozen=True)
class WebChat:
    """What the wire needs; it keeps nothing between two calls."""

    engine: Engine
    clock: Clock
    inbox_key: Secret
    order_keys: OrderKeys
    public_url: str

    def hear(self, session: Session, said: Said) -> list[Any] | None:
        """Answer one message; the same id has one effect and one answer. None while its twin is being answered.

        Raises `OtherContent` when the id was used for something else. After a failure of ours a repeat starts afresh.
        """
        source, event_id = f"session:{session.id}", str(said.id)
        named = {"source": source, "event_id": event_id}
        taken = receive(
            **named,
            conversation_id=session.conversation_id,
            body=said.body(),
            inbox_key=self.inbox_key,
            now=self.clock.now(),
        )
        if not taken.new:
            return taken.answer
        try:
            screens = self.engine.handle(incoming_of(session, said))
            answer = [self._linked(screen).as_json() for screen in screens]
        except Exception:
            give_back(**named, now=self.clock.now())
            raise
        return answer_with(**named, screens_json=answer, inbox_key=self.inbox_key, now=self.clock.now())

    def unasked(self, session: Session, token: str, after: int) -> list[Pushed]:
        """What was sent to this session after a cursor, oldest first; cards are opened with the token in hand."""
        told = messages_after(
            conversation_id=session.conversation_id, after=max(after, session.start_seq), limit=AT_ONCE
        )
        with_cards = [message.id for message in told if message.kind is MessageKind.CARDS]
        sealed = sealed_answers(message_ids=with_cards, session_id=session.id) if with_cards else {}
        return [
            Pushed(message.seq, screen.as_json())
            for message in told
            if (screen := self._drawn(session, token, message, sealed.get(message.id))) is not None
        ]

    def _drawn(self, session: Session, token: str, message: StoredMessage, sealed: bytes | None) -> Screen | None:
        try:
            screen = self._linked(self.engine.show(message, incoming_of(session)))
        except Refusal as refusal:
            log.warning("a message cannot be shown", message=message.id, kind=message.kind.value, why=refusal.reason)
            return None
        if screen.kind is ScreenKind.CARDS and sealed is not None:
            return screen.with_secrets(opened(token, sealed, message, session.id))
        return screen

    def _linked(self, screen: Screen) -> Screen:
        return screen.with_links(
            lambda order: f"{self.public_url}/pay/{pay_token(keys=self.order_keys, order_id=order)}",
            lambda payment: f"{self.public_url}/topup/{topup_token(keys=self.order_keys, payment_id=payment)}",
        )


def incoming_of(session: Session, said: Said | None = None) -> Incoming:
    """A session's message for the engine; without one, only who reads."""
    return Incoming(
        channel=CHANNEL,
        conversation_id=session.conversation_id,
        merchant_id=session.merchant_id,
        shopper_id=session.shopper_id,
        identity_id=session.identity_id,
        locale=session.locale,
        submission_id=f"{session.id}:{said.id}" if said else "",
        text=said.text if said else None,
        action=said.action if said else None,
        network=session.network,
    )


def cursor_of(text: str) -> int:
    """Read a cursor; anything else than a number raises `ValueError`."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValueError("a cursor is a number that an earlier answer gave")
    return int(text)
