"""Things to tell people: each conversation numbers its own messages, and a waiting door is woken at the commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from core.db import execute, wake
from core.messages import sql
from core.waking import DOORS
from core.work import Work, enqueue


class MessageKind(StrEnum):
    """What is told unasked. Bodies hold public ids, amounts and card tokens, never a secret (INV-K1)."""

    PAID = "paid"  # 已支付，正在出货: {"order"}
    CARDS = "cards"  # the cards of one delivery: {"order", "delivery", "code", "cards": [{"token", "mask"}], "again"?}
    PICKUP_REFUSED = "pickup_refused"  # no cards come for a pick-up code that was typed: {"problem", "error"}
    CARDS_READY = "cards_ready"  # told in a bound chat, since the one that bought takes nothing: {"order"}
    CARDS_ELSEWHERE = "cards_elsewhere"  # they stay where they were bought for a while: {"order"}
    ORDER_EXPIRED = "order_expired"  # the deadline passed, nothing was charged: {"order"}
    ORDER_CANCELLED = "order_cancelled"  # by the shop, nothing was charged: {"order"}
    LATE_MONEY = "late_money"  # money for an order that cannot be filled: {"order", "event"}, 退款 or 换货
    REFUNDED = "refunded"  # {"order", "amount_minor", "currency", "to_wallet"}
    IN_REVIEW = "in_review"  # a person looks at it first: {"order"}
    DELIVERY_DELAYED = "delivery_delayed"  # being tried again: {"order"}
    WALLET_TOPPED_UP = "wallet_topped_up"  # {"amount_minor", "currency"}
    BINDING_ASKED = "binding_asked"  # it entered the code, yes or no? {"claim", "channel", "hint", "since", "wallet"?}
    BINDING_DECLINED = "binding_declined"  # that account said no: {"channel", "hint", "since"}
    BOUND = "bound"  # that account is this shopper's from now on: {"channel", "hint", "since"}
    MEMBERSHIP = "membership"  # begun or extended: {"order", "plan": names, "since", "until"} (ISO 8601, UTC)
    MEMBERSHIP_TAKEN_BACK = "membership_taken_back"  # {"order", "plan": names, "until"; none where it is over}
    CODE_NOT_SENT = "code_not_sent"  # no code reached the address that was to be confirmed: {"contact"}
    UNBOUND = "unbound"  # that account is a shopper of its own again: {"channel", "hint", "since"}
    RESTOCKED = "restocked"  # to staff: {"sku", "added", "duplicates", "refused", "rows": [[place, reason, shape]], …}
    RESTOCK_REFUSED = "restock_refused"  # to staff, nothing was imported: {"sku", "problem"}


class OutgoingState(StrEnum):
    """Where a message is on its way into a platform's chat."""

    READY = "ready"  # the worker may carry it
    SENT = "sent"  # the platform has it, or its reader fetched it
    WAITING = "waiting"  # the platform does not take it now: it is there when the person speaks again
    REFUSED = "refused"  # the platform certainly does not take it; an alert says why


WORTH_ANOTHER_WAY = frozenset(
    {
        MessageKind.CARDS,
        MessageKind.CARDS_READY,
        MessageKind.LATE_MONEY,
        MessageKind.REFUNDED,
        MessageKind.IN_REVIEW,
    }
)
"""What somebody has to know even where the chat is closed; the rest can wait there."""

CARDS_WAIT = frozenset({MessageKind.CARDS, MessageKind.CARDS_READY})
"""What says that there are cards to be fetched."""

AGAIN = "again"
"""In the body of a message with cards that were asked for once more: which time that was, so that a link to them is
another than before, and a repeat of the message has the same."""

PICKED_UP = "picked_up"
"""In the body of a message: it is about another shopper's order, which this chat reads by a pick-up code."""


def is_worth_another_way(kind: MessageKind, body: Mapping[str, Any]) -> bool:
    """Whether a message that its chat does not take is told elsewhere.

    Cards that were picked up are nobody's order there: who has the code asks again.
    """
    return kind in WORTH_ANOTHER_WAY and not body.get(PICKED_UP)


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message as it stands in the table; `seq` counts from 1 within its conversation."""

    id: int
    seq: int
    kind: MessageKind
    body: dict[str, Any]
    created_at: datetime


def tell(
    *,
    conversation_id: UUID,
    kind: MessageKind,
    body: Mapping[str, Any],
    now: datetime,
    state: OutgoingState = OutgoingState.READY,
    again_at: datetime | None = None,
) -> int:
    """Add one message to the caller's transaction and wake who listens for the conversation; returns its id.

    One statement; the conversation's counter stays locked until the commit, so no cursor ever skips a number. In a
    chat that we carry messages to, the worker is asked to carry it, unless `state` says how a try has ended already or
    `again_at` when the next is due; what the chat did not take then is told by another way.
    """
    values = {"conversation": conversation_id, "kind": kind.value, "body": Jsonb(dict(body)), "now": now}
    is_tried = again_at is not None or state in (OutgoingState.WAITING, OutgoingState.REFUSED)
    is_told = is_tried and is_worth_another_way(kind, body)
    queued = {"state": state.value, "due": again_at or now, "otherwise": now if is_told else None}
    ((message_id, is_carried),) = execute(sql.TELL, values | queued)
    wake(DOORS, f"conv:{conversation_id}")
    if is_carried and state is OutgoingState.READY and again_at is None:
        enqueue(Work.SEND, conversation_id)
    return int(message_id)


def route(*, conversation_id: UUID, chat_address: str) -> None:
    """From now on the messages of a new conversation are carried to this address; in the caller's transaction."""
    execute(sql.ROUTE, (conversation_id, chat_address))


def messages_after(*, conversation_id: UUID, after: int, limit: int = 50) -> list[StoredMessage]:
    """The messages of a conversation whose `seq` is greater than `after`, oldest first, at most `limit`."""
    rows = execute(sql.MESSAGES_AFTER, (conversation_id, after, limit))
    return [StoredMessage(number, seq, MessageKind(kind), body, at) for number, seq, kind, body, at in rows]


def last_seq(*, conversation_id: UUID) -> int:
    """The number of the conversation's newest message; 0 when it has none."""
    rows = execute(sql.LAST_SEQ, (conversation_id,))
    return int(rows[0][0]) if rows else 0


def store_sealed(*, message_id: int, sealed: Mapping[UUID, bytes], now: datetime) -> None:
    """Keep the message's cards sealed to each chat session (session id -> sealed answer); a repeat changes nothing."""
    if sealed:
        execute(sql.STORE_SEALED, (message_id, now, list(sealed), list(sealed.values())))


def sealed_answers(*, message_ids: Sequence[int], session_id: UUID) -> dict[int, bytes]:
    """What was sealed to one session, by message id; messages without an answer for it are absent."""
    rows = execute(sql.SEALED_ANSWERS, (session_id, list(message_ids)))
    return {int(message_id): bytes(answer) for message_id, answer in rows}
