"""Fetches one bot's updates by long polling: each is written down before Telegram may forget it (fault 3)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import structlog

from channels.chat.telegram.api import ApiAway, ApiProblem, BotServer, call
from channels.chat.telegram.intake import Call
from channels.chat.telegram.updates import ALLOWED, Junk
from core.db import is_away
from core.errors import error_id
from core.secret import Secret

LONG_POLL = 25  # seconds
AT_ONCE = 100
AGAIN_AFTER = (0.5, 1.0, 2.0, 5.0, 10.0)  # seconds, while nothing gets through
UNAUTHORIZED = (401, 404)
REFUSED_FOR = 30.0  # seconds until a token that was refused is tried again
MOST_TRIES = 5
"""An update that cannot be written down so often, with the database there, is given up, so that its bot goes on."""

log = structlog.get_logger()

TakeIn = Callable[[bytes], Awaitable[Call | None]]
"""Writes one raw update down; returns what is answered at once. Raises `Junk`, and whatever a database raises."""

GiveUp = Callable[[int, str, str], Awaitable[None]]
"""Has a person look at an update that is given up: its number, what went wrong, the error id."""


@dataclass
class Polling:
    """One getUpdates after the other; `answer_at_once` is given what an update is answered with and must not wait."""

    http: aiohttp.ClientSession
    server: BotServer
    token: Secret = field(repr=False)
    take_in: TakeIn
    answer_at_once: Callable[[Call], None]
    give_up: GiveUp
    offset: int = 0
    _failed: tuple[int, int] = (0, 0)  # an update, and how often it could not be written down

    async def run(self) -> None:
        """Poll until cancelled; whatever is in the way delays and loses nothing."""
        failures = 0
        while True:
            try:
                await self.once()
                failures = 0
                continue
            except ApiProblem as problem:
                wait = await self._answered_no(problem)
            except ApiAway as away:
                log.warning("Telegram does not answer", problem=str(away))
                wait = 0.0
            except Exception as error:  # noqa: BLE001 - mostly the database is away: the offset stays, nothing is lost
                log.warning("updates cannot be written down", problem=type(error).__name__)
                wait = 0.0
            await asyncio.sleep(wait or AGAIN_AFTER[min(failures, len(AGAIN_AFTER) - 1)])
            failures += 1

    async def once(self, *, wait: int = LONG_POLL) -> int:
        """One request; returns how many updates came. The offset moves past what was written down, and no further."""
        asked = {"offset": self.offset, "limit": AT_ONCE, "timeout": wait, "allowed_updates": list(ALLOWED)}
        found: list[dict[str, Any]] = await call(
            self.http, self.server, self.token, "getUpdates", asked, seconds=wait + 15.0
        )
        for update in found:
            await self._one(update)
            self.offset = update["update_id"] + 1
        return len(found)

    async def _one(self, update: dict[str, Any]) -> None:
        raw = json.dumps(update, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        try:
            answer = await self.take_in(raw)
        except Junk as junk:
            log.warning("an update is not understood", problem=str(junk))
            return
        except Exception as error:
            if not await self._is_given_up(update["update_id"], error):
                raise
            return
        if answer is not None:
            self.answer_at_once(answer)

    async def _is_given_up(self, number: int, error: Exception) -> bool:
        """Whether an update fails again and again for a reason of its own; raises while nobody can be told of it."""
        if is_away(error):
            return False
        self._failed = (number, self._failed[1] + 1 if self._failed[0] == number else 1)
        if self._failed[1] < MOST_TRIES:
            return False
        name = error_id()
        await self.give_up(number, type(error).__name__, name)
        log.error("an update is given up", update=number, error_id=name, exc_info=error)
        return True

    async def _answered_no(self, problem: ApiProblem) -> float:
        """How long to wait after a refusal; a webhook that is in the way goes."""
        if problem.code in UNAUTHORIZED:
            log.error("Telegram refuses the bot's token")
            return REFUSED_FOR
        if problem.code == 409 and "webhook" in problem.said.lower():
            await remove_webhook(self.http, self.server, self.token)
        log.warning("Telegram gives no updates", code=problem.code)
        return problem.retry_after


async def remove_webhook(http: aiohttp.ClientSession, server: BotServer, token: Secret) -> None:
    """Take a webhook away, keeping what waits; nothing is raised where that fails, the next poll says so."""
    try:
        await call(http, server, token, "deleteWebhook", {"drop_pending_updates": False})
    except (ApiProblem, ApiAway) as problem:
        log.warning("a webhook could not be removed", problem=type(problem).__name__)
