"""Messages as they arrive: written before they are acknowledged, handled once, a repeat answered alike."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.conversations import sql
from core.db import changed, execute
from core.errors import Invalid
from core.secret import Secret
from core.submission import OtherContent
from core.vault.seal import open_inbox, seal_inbox

LEASE = timedelta(seconds=10)
"""After this long without an answer whoever took a message is held to be dead, and a repeat handles it again.

Handling twice is safe: what it does in the store is done once, by its submission id or by the state that it finds, and
the first answer stays.
"""


@dataclass(frozen=True, slots=True)
class Received:
    """What to do with a message: `new`: handle it; else `answer` is the first one, or None while a twin is at work.

    With `new` false and no answer the door waits a moment (on the loop) and calls `receive` again, and after some
    seconds tells the sender to repeat.
    """

    new: bool
    answer: list[Any] | None = None


def receive(
    *, source: str, event_id: str, conversation_id: UUID, body: bytes, inbox_key: Secret, now: datetime
) -> Received:
    """Write a message down before it is acknowledged; call it outside a transaction, so that it is committed.

    `source` and `event_id` name it for ever (INV-O6). Raises `OtherContent` when they were used for another body or
    conversation (nothing is changed), `Invalid` for an event id that is empty or longer than 200 characters.
    """
    if not 1 <= len(event_id) <= 200 or not event_id.isprintable():
        raise Invalid(what="id")
    digest = _digest(inbox_key, body)
    sealed = seal_inbox(inbox_key.reveal(), body, _context(source, event_id, "body"))
    if execute(sql.RECEIVE, (source, event_id, conversation_id, digest, sealed, now)):
        return Received(new=True)
    ((first_conversation, first_digest, answer, handled_at),) = execute(sql.FIRST, (source, event_id))
    if first_conversation != conversation_id or not hmac.compare_digest(bytes(first_digest), digest):
        raise OtherContent(operation="message")
    if handled_at is not None:
        return Received(new=False, answer=opened_answer(source, event_id, bytes(answer), inbox_key))
    return Received(new=bool(execute(sql.TAKE_OVER, (now, source, event_id, now - LEASE))))


def answer_with(*, source: str, event_id: str, screens_json: list[Any], inbox_key: Secret, now: datetime) -> list[Any]:
    """Keep the answer to a message, sealed, and remove its body; returns the answer that stands.

    Where another handler answered first, that answer is returned and this one is dropped. `screens_json` is plain JSON
    with card tokens only, never a secret.
    """
    plain = json.dumps(screens_json, ensure_ascii=False, separators=(",", ":")).encode()
    sealed = seal_inbox(inbox_key.reveal(), plain, _context(source, event_id, "answer"))
    if execute(sql.ANSWER, (sealed, now, source, event_id)):
        return screens_json
    ((_, _, answer, _),) = execute(sql.FIRST, (source, event_id))
    return opened_answer(source, event_id, bytes(answer), inbox_key)


def give_back(*, source: str, event_id: str, now: datetime) -> None:
    """After a failure of ours: let a repeat of the message be handled at once instead of after the lease."""
    changed(sql.GIVE_BACK, (now - LEASE, source, event_id))


def _digest(inbox_key: Secret, body: bytes) -> bytes:
    # Keyed: a plain hash of a short message could be guessed from a dump.
    return hmac.digest(inbox_key.reveal(), b"keystall inbox body\0" + body, "sha256")


def opened_answer(source: str, event_id: str, sealed: bytes, inbox_key: Secret) -> list[Any]:
    """The answer that was kept for an event, from its sealed bytes."""
    plain = open_inbox(inbox_key.reveal(), sealed, _context(source, event_id, "answer"))
    answer: list[Any] = json.loads(plain)
    return answer


def _context(source: str, event_id: str, part: str) -> bytes:
    return json.dumps([source, event_id, part]).encode()
