"""Counts that may be lost: in Redis, and in an unlogged table of the database while Redis is away."""

from __future__ import annotations

import time

import redis
import structlog

from core import db

log = structlog.get_logger()

COUNT = """
INSERT INTO throttle (name, period, hits) VALUES (%s, %s, 1)
ON CONFLICT (name, period) DO UPDATE SET hits = throttle.hits + 1 RETURNING hits
"""
SEEN = "SELECT hits FROM throttle WHERE name = %s AND period = %s"

HIT = """
local hits = redis.call('INCR', KEYS[1])
if hits == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return hits
"""


class FallingBackCounter:
    """Counts per name and period of `seconds`, the same way in both places; never raises because Redis is away."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)
        self._hit = self._redis.register_script(HIT)
        self._retry_at = 0.0

    def hit(self, name: str, *, seconds: int) -> int:
        """Count one and return how many in the current period of `seconds` (the first, the second, …)."""
        period = int(time.time()) // seconds
        if time.monotonic() >= self._retry_at:
            try:
                return int(self._hit(keys=[f"hits:{name}:{period}"], args=[seconds]))
            except redis.RedisError as error:
                self._away(error)
        return int(db.execute(COUNT, (name, period))[0][0])

    def seen(self, name: str, *, seconds: int) -> int:
        """How many were counted in the current period of `seconds`, where it is counted now."""
        period = int(time.time()) // seconds
        if time.monotonic() >= self._retry_at:
            try:
                said = self._redis.get(f"hits:{name}:{period}")
                return int(said) if isinstance(said, bytes) else 0
            except redis.RedisError as error:
                self._away(error)
        rows = db.execute(SEEN, (name, period))
        return int(rows[0][0]) if rows else 0

    def _away(self, error: redis.RedisError) -> None:
        self._retry_at = time.monotonic() + 5
        log.warning("redis is away, counting in the database", why=type(error).__name__)

    def close(self) -> None:
        """Give the connections up."""
        self._redis.close()
