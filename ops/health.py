"""Is the store alive, is it ready: a word for load balancers, details for its operator on the second listener."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import redis
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from core import db
from core.config import Config
from ops.processes.queue import LISTENING_NAME
from ops.store import why_nothing_sells

LISTENER = "keystall bot"
"""The name of the bot process's connection: by it others see that the process is there."""

KEPT = 1.0  # seconds that an answer serves for everyone who asks
PATIENCE = 4.0  # seconds for one part

CONNECTED = """
SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s)
"""
"""A process is there while its connection that listens is: visible to every role, and gone the moment it dies."""

BOT = """
SELECT EXISTS (SELECT 1 FROM chat_account WHERE channel = 'telegram' AND enabled),
       EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s)
"""
"""A bot to serve, and the bot process, which listens under a name of its own."""


MENDS = {
    "database": "Start it, or mend its address; the store goes on by itself.",
    "redis": "Start it, or mend redis.url; until then the database counts.",
    "vault": "Nothing is delivered meanwhile and nothing is lost; the command doctor names the reason.",
    "worker": "It is started again by itself; its log says why it ended.",
    "bot": "It is started again by itself; its log says why it ended.",
}
"""What to do about each part."""


@dataclass(frozen=True)
class Part:
    """One thing the store needs; `problem` is empty while it is well. Without some of them it still serves."""

    problem: str
    is_needed: bool = True


class Health:
    """Asks all parts, at most once a second however many ask."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._asked_at = 0.0
        self._parts: dict[str, Part] = {}
        self._asking = asyncio.Lock()

    async def parts(self) -> dict[str, Part]:
        """Each part by name."""
        async with self._asking:
            if time.monotonic() - self._asked_at > KEPT:
                checks = {"database": database, "redis": self._redis, "vault": self._vault, "worker": worker}
                checks["bot"] = bot
                answers = await asyncio.gather(*(asked(check) for check in checks.values()))
                # Counts fall back to the database while Redis is away, and web sells without the bot process: that is
                # worth a look, not a stop.
                self._parts = {
                    name: Part(problem, name not in {"redis", "bot"})
                    for name, problem in zip(checks, answers, strict=True)
                }
                self._asked_at = time.monotonic()
            return self._parts

    def _redis(self) -> str:
        client = redis.Redis.from_url(self._config.redis.url, socket_timeout=2, socket_connect_timeout=2)
        try:
            client.ping()
        finally:
            client.close()
        return ""

    def _vault(self) -> str:
        return why_nothing_sells(self._config) or ""


def database() -> str:
    """Whether the database answers."""
    with db.connection():
        db.execute("SELECT 1")
    return ""


def worker() -> str:
    """Whether a worker has a connection."""
    with db.connection():
        return "" if db.execute(CONNECTED, (LISTENING_NAME,))[0][0] else "no worker is connected"


def bot() -> str:
    """Whether the bot process listens, where a bot is connected."""
    with db.connection():
        is_wanted, is_there = db.execute(BOT, (LISTENER,))[0]
    return "no bot process is connected" if is_wanted and not is_there else ""


async def asked(check: Callable[[], str]) -> str:
    """A part's problem, or that it could not be asked."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.to_thread(check)
    except TimeoutError:
        return "no answer in time"
    except Exception as error:  # noqa: BLE001 - whatever it was, the part is not well
        return type(error).__name__


def is_ready(parts: dict[str, Part]) -> bool:
    """Whether everything that is needed is well."""
    return not any(part.problem for part in parts.values() if part.is_needed)


def health_routes(health: Health) -> list[BaseRoute]:
    """/healthz and /readyz for everyone: one word each."""

    async def ready(request: Request) -> Response:
        well = is_ready(await health.parts())
        return JSONResponse({"status": "ready" if well else "not ready"}, 200 if well else 503)

    return [Route("/healthz", alive), Route("/readyz", ready)]


def alive(request: Request) -> Response:
    """The process answers."""
    return PlainTextResponse("ok\n")
