"""Who carries, and how somebody is told whose chat takes nothing now: another chat, a letter, a text message.

That something is to be told another way stands in the message's own row from the moment its chat did not take it, so
that a killed worker or a mail server that is away loses nothing.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import structlog

from core.conversations.service import Conversation
from core.errors import error_id
from core.messages import outgoing
from core.messages.service import MessageKind, StoredMessage
from core.ports import Courier, Parcel, PlainCard, SendAnswer, SendOutcome

AGAIN = timedelta(minutes=5)
"""How soon a way that could not tell now is tried again; from then on after as long as it has waited already."""

GIVEN_UP = timedelta(days=2)
"""After this nobody is told by another way any more; the message still waits in its chat."""

MOST_TRIES = 8
"""So often a message that we cannot draw or hand over ourselves is tried before it is held to be broken."""

log = structlog.get_logger()


class OtherWay(Protocol):
    """Another way to tell somebody whose chat takes nothing now; it never carries cards."""

    @property
    def name(self) -> str: ...

    @property
    def is_heard(self) -> bool:
        """Whether who is told this way hears of it; a page may be closed for ever."""
        ...

    def tell(self, parcel: Parcel, /) -> SendAnswer | None:
        """None where this person cannot be reached this way."""
        ...


@dataclass(frozen=True, slots=True)
class Carrier:
    """All that carries: the couriers of the platforms' chats, and the other ways in the order they are tried."""

    courier: Courier
    ways: Sequence[OtherWay] = ()

    def hand_over(self, parcel: Parcel, *, tries: int) -> SendAnswer:
        """The courier's answer. A defect of ours counts as no certain answer, and after `MOST_TRIES` as a no.

        So one message that cannot be drawn does not close its chat for all that come after it.
        """
        try:
            return self.courier.hand_over(parcel)
        except Exception as failure:  # noqa: BLE001 - whatever it is, the next message must get through
            outcome = SendOutcome.REFUSED if tries + 1 >= MOST_TRIES else SendOutcome.UNKNOWN
            return SendAnswer(outcome, problem=_noted(failure, parcel, "chat"))

    def tell_due(self, chat: Conversation, *, now: datetime) -> None:
        """Tell by the other ways what the chat did not take; for whoever has the pen of the chat."""
        for message in outgoing.otherwise_due(conversation_id=chat.id, now=now):
            again_at = self._tell(chat, message, now)
            outgoing.told_otherwise(message_id=message.id, again_at=again_at)

    def _tell(self, chat: Conversation, message: StoredMessage, now: datetime) -> datetime | None:
        """Try each way that has not reached anybody yet, until one is heard; returns when it is worth another try."""
        parcel = parcel_for(chat, chat.chat_address, message.kind, message.body)
        tried = outgoing.ways_tried(message_id=message.id)
        is_left = False
        for way in self.ways:
            answer = None if way.name in tried else _told(way, parcel)
            if answer is None:
                continue
            outgoing.note_attempt(
                conversation_id=chat.id,
                order_id=outgoing.order_of(message),
                way=way.name,
                answer=answer,
                now=now,
                message_id=message.id,
            )
            if answer.outcome is SendOutcome.SENT and way.is_heard:
                return None
            is_left = is_left or answer.outcome in (SendOutcome.LATER, SendOutcome.UNKNOWN)
        waited = now - message.created_at
        return now + max(AGAIN, waited) if is_left and waited < GIVEN_UP else None


def _told(way: OtherWay, parcel: Parcel) -> SendAnswer | None:
    try:
        return way.tell(replace(parcel, cards=()))
    except Exception as failure:  # noqa: BLE001 - whatever it is, the next way is tried
        return SendAnswer(SendOutcome.UNKNOWN, problem=_noted(failure, parcel, way.name))


def _noted(failure: Exception, parcel: Parcel, way: str) -> str:
    """The problem's name with an error id; the log says where it failed, and nothing of the message."""
    last = traceback.extract_tb(failure.__traceback__)[-1]
    number = error_id()
    log.error(
        "a message could not be handed over",
        error_id=number,
        way=way,
        kind=parcel.kind,
        failure=type(failure).__name__,
        at=f"{Path(last.filename).name}:{last.lineno}",
    )
    return f"defect {number}"


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
