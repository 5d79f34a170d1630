"""The bot process: Telegram's bots of all merchants, in one loop, with their tokens and no key that opens a card."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import structlog

from bot.engine import Engine
from channels.chat.telegram.api import server_of
from channels.chat.telegram.dialog import Dialog
from channels.chat.telegram.fleet import Fleet
from channels.chat.telegram.shared import BotKeys, Hook, Shared
from channels.figures import Figures
from channels.wake import Wakes
from core import db
from core.config import Config
from core.connections.chats import ChatAccount
from ops import wiring
from ops.figures.process import figures_of_this_process
from ops.figures.published import Publisher, place_from_environment
from ops.health import LISTENER

if TYPE_CHECKING:
    from channels.chat.telegram.running import RunningBot

THREADS = 8  # use cases at once, of all bots
INTAKE_THREADS = 4  # write updates down
URGENT_THREADS = 2  # kept free for checkouts
SPARE_CONNECTIONS = 3

log = structlog.get_logger()


def main(config: Config, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT. `config` holds the address and keys of this process only."""
    db.connect(config.database.roles.shop, size=THREADS + INTAKE_THREADS + URGENT_THREADS + SPARE_CONNECTIONS)
    try:
        asyncio.run(serve(config, ready))
    finally:
        db.close()


async def serve(config: Config, ready: Callable[[], None]) -> None:
    """All bots, until a signal."""
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):  # the last: another bot process takes over
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    await serve_until(asked, config, ready)


async def serve_until(asked: asyncio.Event, config: Config, ready: Callable[[], None] = lambda: None) -> None:
    """All bots, until somebody asks to stop."""
    wakes = Wakes(config.database.roles.direct or config.database.roles.shop, name=LISTENER)
    with (
        ThreadPoolExecutor(THREADS, thread_name_prefix="use-case") as threads,
        ThreadPoolExecutor(INTAKE_THREADS, thread_name_prefix="intake") as intake,
        ThreadPoolExecutor(URGENT_THREADS, thread_name_prefix="urgent") as urgent,
    ):
        pools = (threads, intake, urgent)
        fleet = await asyncio.get_running_loop().run_in_executor(threads, assembled, config, wakes, *pools)
        publisher = Publisher("bot", bot_figures(wakes), place=place_from_environment())
        wakes.open()
        publisher.start()
        running = asyncio.create_task(fleet.run())
        ready()
        try:
            await asyncio.wait([asyncio.create_task(asked.wait()), running], return_when=asyncio.FIRST_COMPLETED)
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            await asyncio.get_running_loop().run_in_executor(threads, publisher.stop)
            await wakes.close()


def bot_figures(wakes: Wakes) -> Figures:
    """What the bot process shows of itself."""
    figures = figures_of_this_process()
    figures.gauge("keystall_listening", "Whether notices of the database arrive.", lambda: wakes.is_listening)
    return figures


def assembled(config: Config, wakes: Wakes, threads: Executor, intake: Executor, urgent: Executor) -> Fleet:
    """The fleet with this process's own keys; aiogram waits for the first bot."""
    with db.connection():
        shop = replace(wiring.shop_context(config), vault_public=wiring.vault_public(config))
    dialog = Dialog(Engine(shop), shop, config.secret(config.secrets.session_key), config.public_url)
    shared = Shared(dialog, wakes, shop.clock, config.secret(config.secrets.inbox_key), threads, intake, urgent)

    def start_bot(account: ChatAccount, keys: BotKeys) -> RunningBot:
        from channels.chat.telegram.running import RunningBot

        is_hooked = config.telegram.mode == "webhook"
        hook = Hook(f"{config.public_url}/hooks/telegram/{account.opaque_id}", keys.hook_secret) if is_hooked else None
        return RunningBot(account, keys.token, keys.server, shared, hook)

    bot_key, telegram = config.secret(config.secrets.bot_key), config.telegram
    servers = partial(server_of, bot_key=bot_key, api_base=telegram.api_base, proxy=telegram.proxy)
    return Fleet(shared, bot_key, servers, start_bot)
