"""The one message of a chat that is edited in place, as long as nothing was written below it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.conversations import sql
from core.db import changed, execute


@dataclass(frozen=True, slots=True)
class Living:
    """The platform's number of the message, and whether it is still the last one in its chat."""

    external_ref: str
    is_newest: bool


def living_message(*, conversation_id: UUID) -> Living | None:
    """The message of a chat that may be edited in place; None before there was one."""
    rows = execute(sql.LIVING, (conversation_id,))
    return Living(*rows[0]) if rows else None


def keep_living(*, conversation_id: UUID, external_ref: str, now: datetime) -> None:
    """From now on this message of ours, the last in its chat, is the one that is edited."""
    execute(sql.KEEP_LIVING, (conversation_id, external_ref, now))


def cover_living(*, conversation_id: UUID, by: str) -> None:
    """Something was written below it (the message `by`): the next answer is a new message."""
    changed(sql.COVER_LIVING, (conversation_id, by))
