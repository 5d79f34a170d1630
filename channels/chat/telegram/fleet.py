"""The bots of a store as they come and go: each that is connected runs, within seconds and without a restart.

While no bot is connected, nothing is imported and nothing runs but one look every few seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from channels.chat.telegram.api import BotServer
from channels.chat.telegram.shared import HOOK_SECRET_TOLD, TOKEN, BotKeys, Shared
from channels.threads import in_thread
from core.connections.chats import ChatAccount, ChatChannel, chat_accounts
from core.connections.credentials import AccountKind, Holder, find_credential
from core.errors import NotFound
from core.secret import Secret
from core.vault.primitives import SealError

if TYPE_CHECKING:
    from channels.chat.telegram.running import RunningBot

LOOK_EVERY = 2.0  # seconds
BACK_AFTER = 5.0  # seconds until a bot that broke down runs again

log = structlog.get_logger()


@dataclass
class Fleet:
    """Starts and ends bots until cancelled; `start_bot` makes one, and is where aiogram comes in.

    `server_of` tells where an account's API is; it raises `SealError` where somebody altered that.
    """

    shared: Shared
    bot_key: Secret = field(repr=False)
    server_of: Callable[[int], BotServer]
    start_bot: Callable[[ChatAccount, BotKeys], RunningBot]
    _running: dict[int, tuple[ChatAccount, BotKeys, asyncio.Task[None]]] = field(default_factory=dict)
    _retry_at: dict[int, float] = field(default_factory=dict)

    async def run(self) -> None:
        """Look, start, end; until cancelled."""
        try:
            while True:
                try:
                    await self.look()
                except Exception as error:  # noqa: BLE001 - the database is away: those that run go on
                    log.warning("bots cannot be looked up", problem=type(error).__name__)
                await asyncio.sleep(LOOK_EVERY)
        finally:
            await self._end(list(self._running))

    async def look(self) -> None:
        """Bring what runs in line with what is connected."""
        wanted = await in_thread(self.shared.threads, self._wanted)
        changed = [one for one, (account, keys, _) in self._running.items() if wanted.get(one) != (account, keys)]
        await self._end(changed)
        now = asyncio.get_running_loop().time()
        for number, (account, keys) in wanted.items():
            if number not in self._running and self._retry_at.get(number, 0.0) <= now:
                await self._start(account, keys)

    def _wanted(self) -> dict[int, tuple[ChatAccount, BotKeys]]:
        found = {}
        for account in chat_accounts(channel=ChatChannel.TELEGRAM):
            of = partial(find_credential, self.bot_key, kind=AccountKind.CHAT, account_id=account.id, holder=Holder.BOT)
            try:
                server = self.server_of(account.id)
                found[account.id] = (account, BotKeys(of(name=TOKEN), of(name=HOOK_SECRET_TOLD), server))
            except (NotFound, SealError):
                log.error("a bot has no token or no address that opens", account=account.id)
        return found

    async def _start(self, account: ChatAccount, keys: BotKeys) -> None:
        # The first bot imports aiogram, which takes seconds: not on the loop.
        bot = await asyncio.get_running_loop().run_in_executor(self.shared.threads, self.start_bot, account, keys)
        task = asyncio.create_task(bot.run())
        self._running[account.id] = (account, keys, task)
        task.add_done_callback(partial(self._ended, account.id))
        log.info("a bot runs", account=account.id, username=account.username)

    def _ended(self, number: int, task: asyncio.Task[None]) -> None:
        if self._running.get(number, (None, None, None))[2] is task:
            del self._running[number]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._retry_at[number] = asyncio.get_running_loop().time() + BACK_AFTER
            log.error("a bot broke down and is started again", account=number, problem=kinds_of(error))

    async def _end(self, numbers: list[int]) -> None:
        tasks = [self._running.pop(number)[2] for number in numbers]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def kinds_of(error: BaseException) -> str:
    """The kinds of what went wrong; never its words, which may hold an address with a token."""
    inner: list[Any] = list(getattr(error, "exceptions", ()))
    return ", ".join(kinds_of(one) for one in inner) or type(error).__name__
