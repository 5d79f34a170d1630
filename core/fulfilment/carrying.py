"""Carries messages into platforms' chats: in order, one sender a chat, and by another way where the chat is closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import structlog

from core.conversations.service import Conversation, find_conversation
from core.messages import outgoing
from core.messages.alerts import AlertKind, raise_alert
from core.messages.outgoing import NextOutgoing, Pen
from core.messages.service import MessageKind, OutgoingState
from core.ports import Courier, Parcel, PlainCard, SendAnswer, SendOutcome
from core.vault.client import RETRY_LATER, Opened, VaultAway, VaultRefused

log = structlog.get_logger()


class Vault(Protocol):
    """The one way to a secret: `core.vault.client.VaultClient`, or what a test puts in its place."""

    def open_delivery(self, delivery: UUID, /, *, reader: UUID | None = None, plain: bool = False) -> Opened: ...


WORTH_ANOTHER_WAY = frozenset({MessageKind.CARDS, MessageKind.LATE_MONEY, MessageKind.REFUNDED, MessageKind.IN_REVIEW})
"""What somebody has to know even where the chat is closed; the rest can wait there."""

PICKED_UP = "picked_up"
"""In the body of a message: it is about another shopper's order, which this chat reads by a pick-up code."""


class OtherWay(Protocol):
    """Another way to tell somebody whose chat takes nothing now; it never carries cards."""

    @property
    def name(self) -> str: ...

    def tell(self, parcel: Parcel, /) -> SendAnswer | None:
        """None where this person cannot be reached this way."""
        ...


@dataclass(frozen=True, slots=True)
class Carrier:
    """All that carries: the couriers of the platforms' chats, and the other ways in the order they are tried."""

    courier: Courier
    ways: Sequence[OtherWay] = ()

    def tell_otherwise(self, parcel: Parcel, *, message_id: int, order_id: UUID | None, now: datetime) -> None:
        """The chat is closed: try the other ways, each at most once for a message, until one has taken it.

        Cards that were picked up are nobody's order there: who has the code asks again.
        """
        if parcel.kind not in WORTH_ANOTHER_WAY or parcel.body.get(PICKED_UP):
            return
        bare = replace(parcel, cards=())
        tried = outgoing.ways_tried(message_id=message_id)
        for way in self.ways:
            if way.name in tried:
                return
            answer = way.tell(bare)
            if answer is None:
                continue
            outgoing.note_attempt(
                conversation_id=parcel.conversation_id,
                order_id=order_id,
                way=way.name,
                answer=answer,
                now=now,
                message_id=message_id,
            )
            if answer.outcome is SendOutcome.SENT:
                return


def carry(*, conversation_id: UUID, vault: Vault, carrier: Carrier, now: datetime) -> int:
    """Carry what waits for a chat, in order, until nothing is due; returns how many messages the platform took.

    Nothing happens while somebody else writes there: whoever has the pen looks again before it goes.
    """
    sent = 0
    while True:
        with outgoing.pen(conversation_id=conversation_id) as pen:
            if pen is None:
                return sent
            chat = find_conversation(conversation_id=conversation_id)
            sent += carry_waiting(chat, pen, vault=vault, carrier=carrier, now=now)
        left = outgoing.next_outgoing(conversation_id=conversation_id, now=now)
        if left is None or not left.is_due:
            return sent


def carry_waiting(chat: Conversation, pen: Pen, *, vault: Vault, carrier: Carrier, now: datetime) -> int:
    """The same for whoever has the pen of the chat, which is renewed for each message."""
    sent = 0
    while True:
        found = outgoing.next_outgoing(conversation_id=chat.id, now=now)
        if found is None or not found.is_due or not pen.renew():
            return sent
        state = _carry_one(chat, found, vault, carrier, now)
        if state is OutgoingState.READY:
            return sent
        sent += state is OutgoingState.SENT


def _carry_one(chat: Conversation, found: NextOutgoing, vault: Vault, carrier: Carrier, now: datetime) -> OutgoingState:
    message = found.message
    parcel = parcel_for(chat, chat.chat_address, message.kind, message.body)
    ready = _with_cards(chat, parcel, vault) if message.kind is MessageKind.CARDS else parcel
    answer = carrier.courier.hand_over(ready) if isinstance(ready, Parcel) else ready
    state = outgoing.record(found=found, way=way_of(chat.chat_address), answer=answer, now=now)
    if state is OutgoingState.WAITING:
        carrier.tell_otherwise(parcel, message_id=message.id, order_id=outgoing.order_of(message), now=now)
    if state is OutgoingState.REFUSED:
        log.error("a message was refused by its platform", message=message.id, problem=answer.problem)
        account = ":".join(chat.chat_address.split(":")[:2])
        raise_alert(kind=AlertKind.MESSAGE_REFUSED, subject=account, detail={"problem": answer.problem}, now=now)
    return state


def _with_cards(chat: Conversation, parcel: Parcel, vault: Vault) -> Parcel | SendAnswer:
    """The message with its cards opened, for the chat that their order's seal names; or why it is not sent now."""
    try:
        opened = vault.open_delivery(UUID(parcel.body["delivery"]), reader=chat.id, plain=True)
    except VaultAway:
        return SendAnswer(SendOutcome.LATER, problem="vault_away")
    except VaultRefused as refusal:
        outcome = SendOutcome.LATER if refusal.vault_code in RETRY_LATER else SendOutcome.REFUSED
        return SendAnswer(outcome, problem=refusal.vault_code.value)
    return replace(parcel, chat_address=opened.address, cards=opened.plain)


def parcel_for(
    chat: Conversation, address: str, kind: MessageKind, body: dict[str, Any], cards: tuple[PlainCard, ...] = ()
) -> Parcel:
    """One message for a chat; `address` is where it goes: cards only where their order's seal says."""
    return Parcel(
        conversation_id=chat.id,
        merchant_id=chat.merchant_id,
        shopper_id=chat.shopper_id,
        identity_id=chat.identity_id,
        locale=chat.locale,
        chat_address=address,
        kind=kind.value,
        body=body,
        cards=cards,
    )


def way_of(address: str) -> str:
    """The platform of a chat address, as attempts name it."""
    return address.partition(":")[0]
