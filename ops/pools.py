"""How many sessions of the database a store may open, for whoever sets max_connections."""

from __future__ import annotations

from core.config import Config

WEB, BOT, WORKER, VAULT = 30, 17, 9, 10
"""The pool of each process; a test compares them with what the processes ask for."""

LISTENING = 6
"""Sessions that wait for notices: one of each web and bot process, one of each thread of the worker."""

SPARE = 10
"""Commands, a backup, and what PostgreSQL keeps for its superuser."""


def most_sessions(config: Config) -> int:
    """All of them at once, while a graceful restart has two web and two worker processes."""
    web = (config.web.workers + 1) * (WEB + 1)
    return web + BOT + 2 * WORKER + VAULT + LISTENING + SPARE
