"""Answers that were ready too late for the message they answer: kept under it until somebody can be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.conversations.inbox import opened_answer
from core.conversations.pages import LASTS
from core.db import changed, execute
from core.secret import Secret

WAITS_FOR = LASTS
"""How long one is worth telling: as long as the links in it lead somewhere."""

MOST = 5

KEEP = """
INSERT INTO late_answer (source, event_id, conversation_id, at) VALUES (%s, %s, %s, %s)
ON CONFLICT (source, event_id) DO NOTHING
"""
WAITING = """
SELECT l.event_id, i.sealed_answer FROM late_answer l JOIN inbox i USING (source, event_id)
WHERE l.conversation_id = %s AND l.source = %s AND l.at > %s AND i.sealed_answer IS NOT NULL
ORDER BY l.at, l.event_id LIMIT %s
"""
TAKE = "DELETE FROM late_answer WHERE source = %s AND event_id = ANY(%s)"


@dataclass(frozen=True, slots=True)
class LateAnswer:
    """What nobody has been told yet, and the event that it answers."""

    event_id: str
    answer: list[Any]


def keep_late(*, source: str, event_id: str, conversation_id: UUID, now: datetime) -> None:
    """The answer to this event was not told; call it in the transaction that keeps the answer."""
    changed(KEEP, (source, event_id, conversation_id, now))


def late_answers(*, source: str, conversation_id: UUID, inbox_key: Secret, now: datetime) -> list[LateAnswer]:
    """What waits to be told in a conversation, oldest first."""
    rows = execute(WAITING, (conversation_id, source, now - WAITS_FOR, MOST))
    return [LateAnswer(event_id, opened_answer(source, event_id, bytes(kept), inbox_key)) for event_id, kept in rows]


def take_late(*, source: str, event_ids: Sequence[str]) -> bool:
    """These are told now and wait no more; whether any of them still did."""
    return bool(event_ids) and changed(TAKE, (source, list(event_ids))) > 0
