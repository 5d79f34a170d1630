"""Carries messages into platforms' chats: in order, one sender a chat, and by another way where the chat is closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog

from core.conversations.service import Conversation, find_conversation
from core.fulfilment.otherwise import Carrier, parcel_for
from core.messages import outgoing
from core.messages.alerts import AlertKind, raise_alert
from core.messages.outgoing import NextOutgoing, Pen
from core.messages.service import MessageKind, OutgoingState, tell
from core.ports import Parcel, SendAnswer, SendOutcome
from core.vault.client import RETRY_LATER, Opened, VaultAway, VaultCode, VaultRefused

log = structlog.get_logger()


class Vault(Protocol):
    """The one way to a secret: `core.vault.client.VaultClient`, or what a test puts in its place."""

    def open_delivery(self, delivery: UUID, /, *, reader: UUID | None = None, plain: bool = False) -> Opened: ...


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
            carrier.tell_due(chat, now=now)
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
    answer = carrier.hand_over(ready, tries=found.attempts) if isinstance(ready, Parcel) else ready
    state = outgoing.record(found=found, way=way_of(chat.chat_address), answer=answer, now=now)
    report(chat, parcel, answer, now=now)
    return state


def report(chat: Conversation, parcel: Parcel, answer: SendAnswer, *, now: datetime) -> None:
    """Tell the operator what a person must see in a platform's answer, and the shopper that its cards take longer."""
    account = ":".join(chat.chat_address.split(":")[:2])
    detail = {"problem": answer.problem}
    trouble = outgoing.trouble_of(answer)
    if trouble is not None:
        raise_alert(kind=trouble, subject=account, detail=detail, now=now)
    if answer.outcome is not SendOutcome.REFUSED:
        return
    if answer.problem != VaultCode.OTHER_READER.value:
        log.error("a message was refused by its platform", kind=parcel.kind, problem=answer.problem)
        raise_alert(kind=AlertKind.MESSAGE_REFUSED, subject=account, detail=detail, now=now)
    if parcel.kind == MessageKind.CARDS:
        is_foreign = answer.problem == VaultCode.OTHER_READER.value
        kind = MessageKind.CARDS_ELSEWHERE if is_foreign else MessageKind.DELIVERY_DELAYED
        tell(conversation_id=chat.id, kind=kind, body={"order": parcel.body["order"]}, now=now)


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


def way_of(address: str) -> str:
    """The platform of a chat address, as attempts name it."""
    return address.partition(":")[0]
