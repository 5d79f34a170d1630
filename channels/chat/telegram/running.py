"""One bot at work: its updates come in, its events are handled, its menu is kept; all of it ends with one task."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any

import structlog

from channels.chat.telegram.api import ApiAway, ApiProblem, BotServer, call, open_http
from channels.chat.telegram.documents import Documents
from channels.chat.telegram.handling import Handling
from channels.chat.telegram.intake import Call, Intake
from channels.chat.telegram.polling import Polling, remove_webhook
from channels.chat.telegram.profile import keep_set_up
from channels.chat.telegram.sender import Sender
from channels.chat.telegram.shared import Hook, Shared
from channels.chat.telegram.updates import ALLOWED
from channels.chat.telegram.voice import Voice, answered_soon
from channels.threads import in_thread
from core.connections.chats import ChatAccount
from core.messages.alerts import AlertKind, raise_alert
from core.secret import Secret

HOOK_AGAIN = 20.0  # seconds until a webhook that Telegram did not take is set again
HOOKS_AT_ONCE = 20

log = structlog.get_logger()


class RunningBot:
    """`run` until cancelled; `hook` None: long polling."""

    def __init__(
        self, account: ChatAccount, token: Secret, server: BotServer, shared: Shared, hook: Hook | None
    ) -> None:
        self.account = account
        self.token = token
        self._server = server
        self._shared = shared
        self._hook = hook
        self._soon: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve this bot."""
        shared = self._shared
        sender = Sender(self.token, self._server)
        run, urgent = partial(in_thread, shared.threads), partial(in_thread, shared.urgent)
        voice = Voice(self.account, sender, shared.clock, run)
        handling = Handling(voice, shared.dialog, shared.wakes, shared.inbox_key, shared.clock)
        try:
            async with open_http(self._server) as http, asyncio.TaskGroup() as tasks:
                handling.documents = Documents(http, self._server, self.token)
                tasks.create_task(handling.run(run))
                tasks.create_task(handling.run(urgent, only_urgent=True))
                tasks.create_task(keep_set_up(http, self._server, self.token, shared.dialog.shop.phrasebook))
                tasks.create_task(self._fetch(http, voice))
        finally:
            for task in self._soon:
                task.cancel()
            await sender.close()

    def _fetch(self, http: Any, voice: Voice) -> Coroutine[Any, Any, None]:
        return self._polled(http, voice) if self._hook is None else self._hooked(http, self._hook)

    async def _polled(self, http: Any, voice: Voice) -> None:
        intake = Intake(self._shared.inbox_key, self._shared.dialog.shop.phrasebook)

        def take_in(raw: bytes) -> Call | None:
            return intake.take_in(self.account, raw, now=self._shared.clock.now())

        async def taken(raw: bytes) -> Call | None:
            return await in_thread(self._shared.intake, take_in, raw)

        def note(update: int, problem: str, error: str) -> None:
            detail: dict[str, str | int] = {"event": update, "problem": problem, "error": error}
            now = self._shared.clock.now()
            raise_alert(kind=AlertKind.EVENT_LOST, subject=self.account.source, detail=detail, now=now)

        async def give_up(update: int, problem: str, error: str) -> None:
            await in_thread(self._shared.intake, note, update, problem, error)

        def soon(answer: Call) -> None:
            task = asyncio.create_task(answered_soon(voice, answer))
            self._soon.add(task)
            task.add_done_callback(self._soon.discard)

        await remove_webhook(http, self._server, self.token)
        await Polling(http, self._server, self.token, taken, soon, give_up).run()

    async def _hooked(self, http: Any, hook: Hook) -> None:
        """Tell Telegram where to post; again until it takes that."""
        asked = {"url": hook.url, "secret_token": hook.secret.reveal().decode(), "allowed_updates": list(ALLOWED)}
        while True:
            try:
                await call(http, self._server, self.token, "setWebhook", asked | {"max_connections": HOOKS_AT_ONCE})
                return
            except (ApiProblem, ApiAway) as problem:
                log.error("the webhook was not set", problem=str(problem), account=self.account.id)
                await asyncio.sleep(HOOK_AGAIN)
