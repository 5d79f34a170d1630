"""On what kind of phone a follower last opened a page: a chat message does not say."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.db import changed, execute

REMEMBER = """
INSERT INTO identity_device (identity_id, is_ios, seen_at) VALUES (%s, %s, %s)
ON CONFLICT (identity_id) DO UPDATE SET is_ios = EXCLUDED.is_ios, seen_at = EXCLUDED.seen_at
"""
LAST = "SELECT is_ios FROM identity_device WHERE identity_id = %s"


def remember_device(*, identity_id: UUID, is_ios: bool, now: datetime) -> None:
    """The last page visit decides."""
    changed(REMEMBER, (identity_id, is_ios, now))


def was_on_ios(*, identity_id: UUID) -> bool | None:
    """Whether the last visit was on iOS; None where none is known."""
    rows = execute(LAST, (identity_id,))
    return bool(rows[0][0]) if rows else None
