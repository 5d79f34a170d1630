"""Brings updates to webhooks: in order within a lane, several lanes at once, again and again until a 2xx comes back."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from tests.doubles.telegram.mailbox import Webhook, lane
from tests.doubles.telegram.world import BotAccount, World

LONGEST_WAIT = 60.0
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"


class Courier:
    """Runs on the server's loop until cancelled."""

    def __init__(self, world: World, perform: Callable[[BotAccount, str, dict[str, Any]], Awaitable[None]]) -> None:
        self._world = world
        self._perform = perform
        self._busy: set[tuple[int, tuple[str, int]]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.failures: list[BaseException] = []
        """Defects of the double itself: `stop` raises the first."""
        self.first_wait = 1.0
        """Seconds before an update is brought again; twice as long after each further failure."""

    async def run(self) -> None:
        """Look for what can be brought, at each change of the world."""
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            try:
                while True:
                    with self._world.lock:
                        since = self._world.signal.version
                        ready = self._ready()
                    for bot, update in ready:
                        task = asyncio.create_task(self._bring(client, bot, update))
                        self._tasks.add(task)
                        task.add_done_callback(self._done)
                    await self._world.signal.news(since, 5)
            finally:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self.failures.append(failure)

    def _ready(self) -> list[tuple[BotAccount, dict[str, Any]]]:
        """The first update of each lane that rests; repeated ones first."""
        ready: list[tuple[BotAccount, dict[str, Any]]] = []
        if self._world.is_out:
            return ready
        for bot in self._world.bots.values():
            box = bot.mailbox
            connections = sum(owner == bot.id for owner, _ in self._busy)
            for update in [*box.again, *box.pending] if box.webhook.url else ():
                mark = bot.id, lane(update)
                if mark not in self._busy and connections < box.webhook.most_connections:
                    connections += 1
                    self._busy.add(mark)
                    ready.append((bot, update))
        return ready

    async def _bring(self, client: httpx.AsyncClient, bot: BotAccount, update: dict[str, Any]) -> None:
        wait = self.first_wait
        failures = 0
        try:
            while (hook := bot.mailbox.webhook).url:
                problem, retry_after = await self._post(client, bot, hook, update)
                if problem is None:
                    with self._world.lock:
                        self._taken(bot, update)
                    return
                with self._world.lock:
                    hook.last_error, hook.last_error_at = problem, int(self._world.now())
                wait = wait * 2 if failures else wait
                failures += 1
                await asyncio.sleep(min(retry_after or wait, LONGEST_WAIT))
        finally:
            with self._world.lock:
                self._busy.discard((bot.id, lane(update)))
                self._world.signal.notify()

    @staticmethod
    def _taken(bot: BotAccount, update: dict[str, Any]) -> None:
        """Forget one copy: the repeated one, if there is one."""
        box = bot.mailbox
        kept = box.again if update in box.again else box.pending
        if update in kept:
            kept.remove(update)

    async def _post(
        self, client: httpx.AsyncClient, bot: BotAccount, hook: Webhook, update: dict[str, Any]
    ) -> tuple[str | None, float]:
        """`(problem, seconds that the other side asks for)`; no problem after a 2xx."""
        headers = {SECRET_HEADER: hook.secret} if hook.secret else {}
        try:
            answer = await client.post(hook.url, json=update, headers=headers)
        except httpx.HTTPError as error:
            return f"Connection failed: {type(error).__name__}", 0.0
        if not answer.is_success:
            asked = answer.headers.get("retry-after", "")
            said = f"Wrong response from the webhook: {answer.status_code} {answer.reason_phrase}"
            return said, float(asked) if asked.isdigit() else 0.0
        try:
            said_back = json.loads(answer.content)
        except ValueError:
            return None, 0.0  # most answer with nothing, or with a word
        method = said_back.pop("method", None) if isinstance(said_back, dict) else None
        if isinstance(method, str) and not method.startswith("get"):
            await self._perform(bot, method, said_back)
        return None, 0.0
