"""What each kind of update means to the store: one handler a kind, looked up, never tried one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from bot.engine import Engine
from bot.incoming import Incoming
from bot.refusals import refuse
from bot.screens import Screen
from bot.talk import ShopContext
from channels.chat.telegram.documents import is_formatted, sent_file
from channels.chat.telegram.kept import Answer
from channels.chat.telegram.render import render
from channels.chat.telegram.stars import book_paid, book_refunded, checkout_answered
from channels.chat.telegram.updates import Update, UpdateKind, read_update
from channels.network import network_mark
from core.connections.chats import ChatAccount, ChatChannel
from core.conversations.queue import Taken
from core.conversations.service import Conversation, find_conversation
from core.errors import Unavailable
from core.orders.service import pay_token
from core.payments.service import topup_token
from core.secret import Secret


@dataclass(frozen=True, slots=True)
class Turn:
    """One update in its chat: who speaks, to which bot, and its raw bytes as evidence."""

    account: ChatAccount
    conversation: Conversation
    update: Update
    raw: bytes = field(repr=False)
    content: Secret | None = None  # of its file, once that was fetched


Handler = Callable[["Dialog", Turn], Answer]


@dataclass(frozen=True, slots=True)
class Dialog:
    """Answers updates; synchronous, and it keeps nothing between two of them."""

    engine: Engine
    shop: ShopContext
    session_key: Secret = field(repr=False)
    public_url: str

    def turn(self, account: ChatAccount, taken: Taken) -> Turn | None:
        """The update of an inbox row in its chat; None for one that says nothing to us."""
        update = read_update(taken.body)
        if update is None:
            return None
        return Turn(account, find_conversation(conversation_id=taken.conversation_id), update, taken.body)

    def answer(self, turn: Turn) -> Answer:
        """What the update does and is answered with; the same again after a crash has the same effect."""
        return HANDLERS[turn.update.kind](self, turn)

    def apology(self, turn: Turn) -> Answer:
        """What is said when answering failed again and again: an error id, and that nothing was charged."""
        texts = self.shop.phrasebook.texts(turn.conversation.locale)
        return self.drawn(turn, [refuse(texts, Unavailable(), home=False)])

    def converse(self, turn: Turn) -> Answer:
        """Words and taps: to the one engine, in the person's language."""
        screens = self.engine.handle(self.incoming(turn))
        answer = self.drawn(turn, screens)
        if all(screen.uncleared is None for screen in screens) or turn.update.message is None:
            return answer
        deletion = {
            "method": "deleteMessage",
            "chat_id": int(turn.update.chat),
            "message_id": turn.update.message,
        }
        instead = [replace(screen, text=screen.uncleared or screen.text) for screen in screens]
        return Answer(answer.messages, (deletion,), self.drawn(turn, instead).messages)

    def wants_file(self, turn: Turn) -> bool:
        """Whether the document of this message is to be fetched before it is answered."""
        return turn.update.kind is UpdateKind.FILE and self.engine.wants_file(self.incoming(turn))

    def checkout(self, turn: Turn) -> Answer:
        """May these Stars be taken?"""
        texts = self.shop.phrasebook.texts(turn.conversation.locale)
        return Answer(calls=(checkout_answered(turn.account, turn.update, texts, clock=self.shop.clock),))

    def paid(self, turn: Turn) -> Answer:
        """Stars came in; nothing is said here, the worker tells it."""
        book_paid(turn.account, turn.raw, policy=self.shop.order_policy, clock=self.shop.clock)
        return Answer()

    def refunded(self, turn: Turn) -> Answer:
        """Stars went back."""
        book_refunded(turn.account, turn.raw, policy=self.shop.order_policy, clock=self.shop.clock)
        return Answer()

    def drawn(self, turn: Turn, screens: list[Screen]) -> Answer:
        """Screens as Telegram's messages, their payment pages linked."""
        texts = self.shop.phrasebook.texts(turn.conversation.locale)
        linked = [screen.with_links(self._order_page, self._payment_page) for screen in screens]
        return Answer(tuple(part for screen in linked for part in render(screen, texts, protect=False)))

    def incoming(self, turn: Turn) -> Incoming:
        """The turn as every channel hands it to the engine."""
        chat, update = turn.conversation, turn.update
        is_tap = update.kind is UpdateKind.TAP
        return Incoming(
            channel=ChatChannel.TELEGRAM.value,
            conversation_id=chat.id,
            merchant_id=chat.merchant_id,
            shopper_id=chat.shopper_id,
            identity_id=chat.identity_id,
            locale=chat.locale,
            submission_id=f"{turn.account.source}:{update.id}",
            text=None if is_tap else words(turn),
            action=update.text if is_tap else None,
            network=network_mark(self.session_key, f"telegram:{update.user}"),
            address=turn.account.address(update.chat),
            file=sent_file(update.said, turn.content),
            is_formatted=is_formatted(update.said),
        )

    def _order_page(self, order: UUID) -> str:
        return f"{self.public_url}/pay/{pay_token(keys=self.shop.order_keys, order_id=order)}"

    def _payment_page(self, payment: UUID) -> str:
        return f"{self.public_url}/topup/{topup_token(keys=self.shop.order_keys, payment_id=payment)}"


def words(turn: Turn) -> str:
    """What was said: a command without the bot's name; something without words asks for help."""
    text = turn.update.text.strip()
    if text.startswith("/"):
        command, blank, rest = text.partition(" ")
        text = command.partition("@")[0] + blank + rest
    return text or "help"


HANDLERS: Mapping[UpdateKind, Handler] = {
    UpdateKind.TEXT: Dialog.converse,
    UpdateKind.FILE: Dialog.converse,
    UpdateKind.TAP: Dialog.converse,
    UpdateKind.CHECKOUT: Dialog.checkout,
    UpdateKind.PAID: Dialog.paid,
    UpdateKind.REFUNDED: Dialog.refunded,
}
"""Who answers which kind."""
