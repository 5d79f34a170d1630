"""Bots of a test shop on the Telegram double: connected as the command does it, run by the bot process in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator
from typing import Any

from core import db
from core.config import Config, Telegram
from core.connections.chats import ChatAccount
from core.secret import Secret
from ops.channels.telegram import connect
from ops.processes import bot as bot_process
from tests.doubles.telegram import BotAccount, Seen, TelegramDouble, User


def on_telegram(config: Config, double: TelegramDouble, mode: str = "polling") -> Config:
    """The settings of a store whose Telegram is the double."""
    return dataclasses.replace(config, telegram=Telegram(api_base=double.url, mode=mode))


def connected(config: Config, bot: BotAccount, merchant: str = "demo") -> ChatAccount:
    """Connect a bot to a merchant, as `channel add telegram` does."""
    account, _ = connect(config, merchant=merchant, token=Secret(bot.token))
    return account


@contextlib.contextmanager
def bots_running(config: Config) -> Iterator[None]:
    """The bot process's own loop in a thread, on the database that `core.db` is connected to as `shop`."""
    begun = threading.Event()
    place: list[Any] = []

    async def serve() -> None:
        place[:] = [asyncio.get_running_loop(), asyncio.Event()]
        await bot_process.serve_until(place[1], config, begun.set)

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            place.append(error)
            begun.set()
            raise

    thread = threading.Thread(target=run, name="bots")
    thread.start()
    assert begun.wait(30), "the bots did not start"
    try:
        yield
    finally:
        if thread.is_alive():
            place[0].call_soon_threadsafe(place[1].set)
        thread.join(20)
        assert not thread.is_alive()
        assert len(place) == 2, place


def last(user: User, bot: BotAccount, *words: str, seconds: float = 20.0) -> Seen:
    """The newest message of the bot once it has all these words, in its text or on its buttons."""
    return user.wait_for(bot, says(*words), seconds)


def says(*words: str) -> Callable[[Seen], bool]:
    """Whether a message has all these words, in its text or on its buttons."""
    return lambda seen: all(word in seen.text or word in " ".join(seen.labels) for word in words)


def settled(config: Config, seconds: float = 20.0) -> None:
    """Until no event waits or is being handled."""
    end = threading.Event()
    for _ in range(int(seconds * 50)):
        with db.connection():
            if not db.execute("SELECT 1 FROM inbox WHERE waits AND handled_at IS NULL LIMIT 1"):
                return
        end.wait(0.02)
    raise AssertionError("events are still waiting")
