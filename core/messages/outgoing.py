"""What is carried into platforms' chats: one sender per chat at a time, in order, each attempt written down.

A message is sent at least once and with the same content; what a platform does not take now waits for a better time or
for the person to speak again, and nothing is ever dropped in silence.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.db import changed, execute
from core.errors import NotFound
from core.ids import Prefix, parse
from core.messages import sql
from core.messages.alerts import AlertKind
from core.messages.service import MessageKind, OutgoingState, StoredMessage, is_worth_another_way
from core.ports import SendAnswer, SendOutcome
from core.work import Work, enqueue, enqueue_missing

PEN = timedelta(seconds=60)
"""How long one sender may write in a chat before it is held to be dead; it says before each message that it is not."""

AGAIN_AFTER = (1, 2, 5, 15, 60, 300, 900)
"""Seconds until a message is tried again, by the number of tries so far."""

STUCK_AFTER = 6
"""After so many tries, some minutes, what a platform does not take is told by another way as well."""

TO_BE_MENDED = frozenset({"misconfigured", "bot_token", "app_secret", "foreign_chat", "no_courier"})
"""Problems that keep everything from an account's chats until the operator mends it."""

LIMITED = frozenset({"account_frozen", "right_withdrawn", "daily_quota"})
"""What a platform says of an account that it limits or has closed."""

KEPT = timedelta(days=30)
"""What waits longer than this for its reader is old news; cards are found in the order all the same."""

PASSING = (MessageKind.PAID.value, MessageKind.DELIVERY_DELAYED.value, MessageKind.BINDING_ASKED.value)
"""What only speaks of its moment: `MOMENT` later nobody needs to hear it."""

MOMENT = timedelta(minutes=10)

ENDS = {
    SendOutcome.SENT: OutgoingState.SENT,
    SendOutcome.BLOCKED: OutgoingState.WAITING,
    SendOutcome.NO_QUOTA: OutgoingState.WAITING,
    SendOutcome.REFUSED: OutgoingState.REFUSED,
}
"""How an attempt ends a message's way; after the other outcomes it is tried again."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to tell something, as it is shown on an order."""

    way: str
    outcome: SendOutcome
    problem: str
    message_id: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class NextOutgoing:
    """The first message that waits for a chat; `is_due` is false while its next try lies ahead."""

    message: StoredMessage
    attempts: int
    is_due: bool


class Pen:
    """The right to write in a chat, by the database's time; `until` names who has it."""

    def __init__(self, conversation_id: UUID, until: datetime) -> None:
        self._conversation_id = conversation_id
        self._until = until

    def renew(self) -> bool:
        """Time for one more message; False where the pen was taken for a dead sender's, and nothing may be written."""
        rows = execute(sql.RENEW_PEN, (PEN, self._conversation_id, self._until))
        if rows:
            ((self._until,),) = rows
        return bool(rows)

    def lay_down(self) -> None:
        """Let the next one write; nothing happens where somebody else does already."""
        changed(sql.LAY_PEN_DOWN, (self._conversation_id, self._until))


@contextlib.contextmanager
def pen(*, conversation_id: UUID, patience: float = 0.0) -> Iterator[Pen | None]:
    """The pen of a chat until the block ends; None where others keep it longer than `patience` seconds.

    Outside a transaction: others must see who has it.
    """
    end = time.monotonic() + patience
    while not (rows := execute(sql.TAKE_PEN, (PEN, conversation_id))):
        if time.monotonic() >= end:
            yield None
            return
        time.sleep(0.03)
    taken = Pen(conversation_id, rows[0][0])
    try:
        yield taken
    finally:
        taken.lay_down()


def next_outgoing(*, conversation_id: UUID, now: datetime) -> NextOutgoing | None:
    """The first message that waits to be carried into a chat; None when nothing does."""
    rows = execute(sql.NEXT_OUTGOING, {"conversation": conversation_id, "now": now})
    if not rows:
        return None
    number, seq, kind, body, at, attempts, is_due = rows[0]
    return NextOutgoing(StoredMessage(number, seq, MessageKind(kind), body, at), attempts, is_due)


def record(*, found: NextOutgoing, way: str, answer: SendAnswer, now: datetime) -> OutgoingState:
    """Write down how an attempt ended, and what becomes of the message; in the caller's transaction or its own."""
    state = ENDS.get(answer.outcome, OutgoingState.READY)
    values = attempt_values(way=way, answer=answer, message=found.message, now=now)
    values |= {"state": state.value, "tried": 1, "due": now + again_after(answer, found.attempts)}
    is_told = is_not_taken(answer, found.attempts) and is_worth_another_way(found.message.kind, found.message.body)
    values |= {"otherwise": now if is_told else None}
    execute(sql.MOVE_OUTGOING, values | {"ended": None if state is OutgoingState.READY else now})
    return state


def is_not_taken(answer: SendAnswer, attempts: int) -> bool:
    """Whether the chat takes a message not at all, or not for long; `attempts` were made before this one.

    Of what waits for a mend or an outage that is so once only: it stands in the row from then on.
    """
    if answer.outcome in ENDS:
        return answer.outcome is not SendOutcome.SENT
    return attempts == (0 if needs_mending(answer) else STUCK_AFTER)


def needs_mending(answer: SendAnswer) -> bool:
    """Whether an answer means an account whose chats all wait for a mend, or for the platform.

    Nothing is lost meanwhile, but nobody has to wait for it either: it is told by another way at once.
    """
    return trouble_of(answer) is not None


def trouble_of(answer: SendAnswer) -> AlertKind | None:
    """What the operator has to be told of an account by a platform's answer; None where it works."""
    problem = answer.problem.partition(" ")[0]
    if problem in LIMITED:
        return AlertKind.CHANNEL_BLOCKED
    return AlertKind.CHANNEL_MISCONFIGURED if problem in TO_BE_MENDED else None


def again_after(answer: SendAnswer, attempts: int) -> timedelta:
    """How long to wait before the next try: what the platform asked for, at least a growing pause of our own."""
    own = AGAIN_AFTER[min(attempts, len(AGAIN_AFTER) - 1)]
    return timedelta(seconds=max(answer.retry_after, own if not answer.retry_after else 0))


def note_attempt(*, conversation_id: UUID, order_id: UUID | None, way: str, answer: SendAnswer, now: datetime,
                 message_id: int | None = None) -> None:  # fmt: skip
    """Write down an attempt that moves no message: the first sending of cards, or another way to say the same."""
    values = _values(way=way, answer=answer, now=now, order_id=order_id, message_id=message_id)
    execute(sql.NOTE_ATTEMPT, values | {"conversation": conversation_id})


def attempt_values(*, way: str, answer: SendAnswer, message: StoredMessage, now: datetime) -> dict[str, object]:
    """The columns of an attempt to carry a stored message."""
    return _values(way=way, answer=answer, now=now, order_id=order_of(message), message_id=message.id)


def _values(
    *, way: str, answer: SendAnswer, now: datetime, order_id: UUID | None, message_id: int | None
) -> dict[str, object]:
    said = {"outcome": answer.outcome.value, "problem": answer.problem, "external": answer.external_ref}
    return {"way": way, "now": now, "order": order_id, "message": message_id, **said}


def order_of(message: StoredMessage) -> UUID | None:
    """The order that a message is about."""
    try:
        return parse(Prefix.ORDER, str(message.body["order"])) if "order" in message.body else None
    except NotFound:
        return None


def attempts_of(*, order_id: UUID) -> list[Attempt]:
    """Every attempt to tell something about an order, oldest first."""
    rows = execute(sql.ATTEMPTS_OF_ORDER, (order_id,))
    return [Attempt(way, SendOutcome(outcome), problem, number, at) for way, outcome, problem, number, at in rows]


def ways_tried(*, message_id: int) -> set[str]:
    """The ways by which a message has reached somebody already, or has perhaps."""
    return {way for (way,) in execute(sql.WAYS_TRIED, (message_id,))}


def otherwise_due(*, conversation_id: UUID, now: datetime) -> list[StoredMessage]:
    """What a chat does not take and what is now to be told by another way, oldest first."""
    rows = execute(sql.OTHERWISE_DUE, (conversation_id, now))
    return [StoredMessage(number, seq, MessageKind(kind), body, at) for number, seq, kind, body, at in rows]


def told_otherwise(*, message_id: int, again_at: datetime | None) -> None:
    """The other ways were gone through; with `again_at` one of them is worth another try then."""
    changed(sql.TOLD_OTHERWISE, (again_at, message_id))


def resume(*, conversation_id: UUID, now: datetime) -> int:
    """The person speaks again: what waited for that is carried now; returns how many messages. In a transaction."""
    values = {"now": now, "conversation": conversation_id, "since": now - KEPT, "lately": now - MOMENT}
    count = len(execute(sql.RESUME, values | {"passing": list(PASSING)}))
    if count:
        enqueue(Work.SEND, conversation_id)
    return count


def mark_fetched(*, conversation_id: UUID, delivery_id: UUID, now: datetime) -> None:
    """The reader fetched the cards of a delivery: what waits to be carried of them need not be any more."""
    changed(sql.FETCHED, (now, conversation_id, str(delivery_id)))


def send_due(*, now: datetime, limit: int = 200) -> int:
    """For the sweep: ask the worker again for chats that nobody writes in and whose messages are due, there or by
    another way."""
    due = [conversation for (conversation,) in execute(sql.DUE_CONVERSATIONS, {"now": now, "limit": limit})]
    return enqueue_missing(Work.SEND, due)


def paused_until(*, scopes: Sequence[str], now: datetime) -> datetime | None:
    """Until when a platform told us to be quiet in any of these scopes; None where we may speak."""
    return execute(sql.PAUSES, (list(scopes), now))[0][0]  # type: ignore[no-any-return]


def pause(*, scope: str, until: datetime) -> None:
    """A platform told us to be quiet: every process keeps to it."""
    changed(sql.PAUSE, (scope, until))


def paused_beside(*, prefix: str, scope: str, now: datetime) -> int:
    """How many other scopes that begin like this are quiet now: many at once mean that all of them are meant."""
    return int(execute(sql.PAUSED_BESIDE, (prefix, scope, now))[0][0])
