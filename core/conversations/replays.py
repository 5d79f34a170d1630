"""Requests that were heard before: a nonce counts once, except where the platform repeats the same message."""

from __future__ import annotations

from datetime import datetime

from core.db import execute

REMEMBER = """
INSERT INTO wechat_replay (account_id, replay_key, dedupe_id, at) VALUES (%s, %s, %s, %s)
ON CONFLICT (account_id, replay_key) DO NOTHING
RETURNING 1
"""
FIRST = "SELECT dedupe_id FROM wechat_replay WHERE account_id = %s AND replay_key = %s"


def is_replay(*, account_id: int, replay_key: str, dedupe_id: str, now: datetime) -> bool:
    """Whether this request's nonce was used for another message before; remembers it otherwise (fault 51)."""
    if execute(REMEMBER, (account_id, replay_key, dedupe_id, now)):
        return False
    return execute(FIRST, (account_id, replay_key)) != [(dedupe_id,)]
