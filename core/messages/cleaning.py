"""What is kept of messages for a while only: their way into a chat once it has ended, and the attempts to tell them."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.db import changed
from core.messages.outgoing import KEPT

ATTEMPTS_KEPT = timedelta(days=400)
"""How long an order shows how its shopper was told: longer than a payment may be disputed."""

OUTGOING = """
DELETE FROM outgoing WHERE message_id IN (SELECT message_id FROM outgoing WHERE ended_at < %s LIMIT %s)
"""
"""What waits so long for its reader is never carried any more (`core.messages.outgoing.resume`)."""

ATTEMPTS = "DELETE FROM send_attempt WHERE id IN (SELECT id FROM send_attempt WHERE at < %s LIMIT %s)"


def forget_carried(*, now: datetime, limit: int = 2000) -> int:
    """Remove what was carried, refused or never fetched, and old attempts; at most `limit` rows of each."""
    return changed(OUTGOING, (now - KEPT, limit)) + changed(ATTEMPTS, (now - ATTEMPTS_KEPT, limit))
