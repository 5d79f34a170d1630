"""aiogram's own Bot as the client of the double, called from synchronous tests."""

import asyncio
from typing import Any, Self

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.methods import TelegramMethod

from tests.doubles.telegram.double import TelegramDouble
from tests.doubles.telegram.world import BotAccount


class Client:
    """Sends what aiogram sends, with its default session; one connection pool for all bots. A context manager."""

    def __init__(self, double: TelegramDouble) -> None:
        self._runner = asyncio.Runner()
        self._session = AiohttpSession(api=TelegramAPIServer.from_base(double.url))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._runner.run(self._session.close())
        self._runner.close()

    def call(self, account: BotAccount | str, method: TelegramMethod[Any], timeout: int | None = None) -> Any:
        """What the method returns. Raises aiogram's exceptions."""
        token = account if isinstance(account, str) else account.token

        async def sent() -> Any:
            for _ in range(3):
                await asyncio.sleep(0)  # what the other side closed meanwhile leaves the pool
            return await Bot(token, session=self._session)(method, request_timeout=timeout)

        return self._runner.run(sent())

    def together(self, account: BotAccount, *methods: TelegramMethod[Any]) -> list[Any]:
        """All at once; results or exceptions in their order."""

        async def all_of_them() -> list[Any]:
            bot = Bot(account.token, session=self._session)
            return await asyncio.gather(*(bot(method) for method in methods), return_exceptions=True)

        return self._runner.run(all_of_them())

    def download(self, account: BotAccount, file_path: str) -> bytes:
        """A file's bytes."""
        got = self._runner.run(Bot(account.token, session=self._session).download_file(file_path))
        assert got is not None
        return got.read()
