"""Events that the bot process handles: written down by whoever takes them in, taken in order per chat.

An event is acknowledged to its platform once it stands here, and it is handled once: a repeat adds nothing, a handler
that dies leaves a lease that ends.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.conversations import sql
from core.db import atomic, changed, execute, wake
from core.secret import Secret
from core.vault.primitives import SealError
from core.vault.seal import open_inbox, seal_inbox
from core.waking import DOORS

LEASE = timedelta(seconds=60)
"""After this long whoever took an event is held to be dead; who is at work says so more often."""

KEEP_EVERY = LEASE / 4
"""How often that is: a few times missed is no death yet."""

MOST_TRIES = 5
"""An event that fails so often is given up, so that its chat goes on; what it did is in the log under error ids."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One event in hand; `tries` counts this one too, `answer` is what an earlier try kept to be said."""

    source: str
    event_id: str
    conversation_id: UUID
    body: bytes
    answer: bytes | None
    tries: int
    received_at: datetime

    def __repr__(self) -> str:
        return f"Taken({self.source}, {self.event_id})"


def put_in(
    *,
    source: str,
    event_id: str,
    conversation_id: UUID,
    body: bytes,
    inbox_key: Secret,
    now: datetime,
    urgent: bool = False,
) -> bool:
    """Write an event down before it is acknowledged; False when it stands there already (faults 3 and 37).

    A statement that commits by itself, then the bot process is woken. `urgent` ones do not wait behind their chat's.
    """
    digest = hmac.digest(inbox_key.reveal(), b"keystall inbox body\0" + body, "sha256")
    sealed = seal_inbox(inbox_key.reveal(), body, _context(source, event_id))
    if not execute(sql.PUT_IN, (source, event_id, conversation_id, digest, sealed, now, urgent)):
        return False
    wake(DOORS, f"inbox:{source}")
    return True


def take_next(*, source: str, inbox_key: Secret, now: datetime, only_urgent: bool = False) -> Taken | None:
    """Take the next event of a source under a lease: the oldest of a chat that nobody is busy with; None: nothing due.

    An event whose body does not open is given up at once: somebody wrote it who is not one of our doors.
    """
    values = {"source": source, "now": now, "lease": now + LEASE}
    row = _first(execute(sql.TAKE_URGENT, values))
    if row is None and not only_urgent:
        row = _next_of_a_chat(values)
    if row is None:
        return None
    event_id, conversation_id, sealed, sealed_answer, tries, received_at = row
    try:
        body = open_inbox(inbox_key.reveal(), bytes(sealed), _context(source, event_id))
        answer = sealed_answer and open_inbox(inbox_key.reveal(), bytes(sealed_answer), _answer(source, event_id))
    except SealError:
        changed(sql.HANDLED, (now, source, event_id))
        return None
    return Taken(source, event_id, conversation_id, body, answer, tries, received_at)


def _next_of_a_chat(values: dict[str, object]) -> tuple[Any, ...] | None:
    """The row of the event whose turn it is; looks again where another handler was faster in that chat."""
    while True:
        with atomic():
            chat = _first(execute(sql.NEXT_CHAT, values))
            if chat is None:
                return None
            row = _first(execute(sql.TAKE_NEXT, values | {"conversation": chat[0]}))
        if row is not None:
            return row


def _first(rows: list[tuple[Any, ...]]) -> tuple[Any, ...] | None:
    return rows[0] if rows else None


def extend(taken: Taken, *, now: datetime) -> bool:
    """Whoever has an event in hand is still at work; False where it is not theirs any more, and they stop."""
    return bool(execute(sql.EXTEND, (now + LEASE, taken.source, taken.event_id, taken.tries, now)))


def keep_answer(taken: Taken, answer: bytes, *, inbox_key: Secret) -> None:
    """Keep what is to be said to an event, sealed, until it is said: a later try says the same with the same buttons.

    It holds no card: an answer has tokens only.
    """
    sealed = seal_inbox(inbox_key.reveal(), answer, _answer(taken.source, taken.event_id))
    changed(sql.KEEP_ANSWER, (sealed, taken.source, taken.event_id))


def finish(taken: Taken, *, now: datetime) -> None:
    """The event was handled: its body goes, its row stays for repeats."""
    changed(sql.HANDLED, (now, taken.source, taken.event_id))


def try_again(taken: Taken, *, now: datetime) -> bool:
    """Handling failed: the event comes again a little later; False when it was given up after `MOST_TRIES`."""
    if taken.tries >= MOST_TRIES:
        finish(taken, now=now)
        return False
    again_at = now + timedelta(seconds=0.5 * 2**taken.tries)
    changed(sql.AGAIN_LATER, (again_at, taken.source, taken.event_id, taken.tries))
    return True


def put_off(taken: Taken, *, until: datetime) -> None:
    """The platform takes nothing now: the event waits as long as it must, which is no failure of its handling."""
    changed(sql.PUT_OFF, (until, taken.source, taken.event_id, taken.tries))


def is_busy(*, conversation_id: UUID) -> bool:
    """Whether an event of this chat waits or is being handled."""
    return bool(execute(sql.IS_BUSY, (conversation_id,))[0][0])


def _context(source: str, event_id: str) -> bytes:
    return json.dumps([source, event_id, "queued"]).encode()


def _answer(source: str, event_id: str) -> bytes:
    return json.dumps([source, event_id, "to be said"]).encode()
