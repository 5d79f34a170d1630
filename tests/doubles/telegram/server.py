"""The HTTP side: addresses, answers, faults, and a thread of its own that serves until it is stopped."""

import asyncio
from collections.abc import Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tests.doubles.serving import ServingThread, dropped
from tests.doubles.telegram import bodies, rules
from tests.doubles.telegram.errors import ApiError, Breach
from tests.doubles.telegram.faults import Asked, Faults
from tests.doubles.telegram.methods import EFFECTLESS, METHODS
from tests.doubles.telegram.methods.updates import get_updates
from tests.doubles.telegram.schema import Upload, decoded
from tests.doubles.telegram.webhooks import Courier
from tests.doubles.telegram.world import BotAccount, World

NAMES = {name.lower(): name for name in (*METHODS, "getUpdates")}
HTML = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>"


class Server(ServingThread):
    """Serves one world; everything that came is in `asked`, every malformed request in `violations` too."""

    def __init__(self, world: World, faults: Faults) -> None:
        super().__init__("telegram-double")
        self.world = world
        self.faults = faults
        self.asked: list[Asked] = []
        self.violations: list[str] = []
        self.courier = Courier(world, self._perform)
        self._carrying: asyncio.Task[None] | None = None

    def start(self, host: str, port: int, routes: Sequence[BaseRoute]) -> str:
        """Serve in a thread; returns the address once requests are answered."""
        return self.serve(host, port, Starlette(routes=[*self._routes(), *routes]))

    def stop(self) -> None:
        """End every wait, every delivery and the thread."""
        super().stop()
        if self.courier.failures:
            raise self.courier.failures[0]

    async def begin(self) -> None:
        """Webhooks are carried beside the requests."""
        self._carrying = asyncio.create_task(self.courier.run())
        self.world.signal.attach(asyncio.get_running_loop())

    async def end(self) -> None:
        """What waits for updates ends, and so does the courier."""
        with self.world.lock:
            self.world.is_out = True
            self.world.signal.notify()
        assert self._carrying is not None
        self._carrying.cancel()
        await asyncio.gather(self._carrying, return_exceptions=True)

    def leave(self) -> None:
        """The loop is over."""
        self.world.signal.attach(None)

    def _routes(self) -> list[Route]:
        verbs = ["GET", "POST"]
        return [
            Route("/bot{token}/{method}", self._api, methods=verbs),
            Route("/file/bot{token}/{path:path}", self._file, methods=["GET"]),
        ]

    async def _api(self, request: Request) -> Response:
        if self.faults.outage is not None:
            return await self._out(request)
        bot, method = self.world.bot_of(request.path_params["token"]), request.path_params["method"]
        answer, status = await self._answer(request, bot, method)
        with self.world.lock:
            slow = self.faults.due(self.faults.slow, method)
            lost = None
            if status == 200 and method not in EFFECTLESS:
                lost = self.faults.due(self.faults.lost, method)
        if slow is not None:
            await asyncio.sleep(slow.seconds)
        if lost is not None:
            return await dropped(request)
        return JSONResponse(answer, status)

    async def _answer(self, request: Request, bot: BotAccount | None, method: str) -> tuple[dict[str, Any], int]:
        values: dict[str, Any] = {}
        try:
            if bot is None:
                raise ApiError(401, "Unauthorized")
            if method.lower() not in NAMES:
                raise Breach("Not Found", 404)
            values, files = await bodies.read(request)
            return {"ok": True, "result": await self.perform(bot, NAMES[method.lower()], values, files)}, 200
        except ApiError as error:
            if bot is None or method.lower() not in NAMES or isinstance(error, Breach):
                self._note(bot, method, values, error)
            return error.body(), error.code

    async def perform(self, bot: BotAccount, method: str, given: dict[str, Any], files: dict[str, Upload]) -> Any:
        """Check a request and let it take effect. Raises ApiError."""
        values = decoded(method, given, files)
        early = False
        try:
            made = rules.check(method, values)
            with self.world.lock:
                early = self.faults.is_early(bot.id, values, self.world.now())
                self.faults.flood(bot.id, values, self.world.now())
            if method == "getUpdates":
                result = await get_updates(self.world, bot, made)
            else:
                with self.world.lock:
                    result = METHODS[method](self.world, bot, made)
        except Breach:
            raise
        except ApiError as error:
            self._note(bot, method, values, error, early=early)
            raise
        self._note(bot, method, values, None, result, early=early)
        return result

    async def _perform(self, bot: BotAccount, method: str, given: dict[str, Any]) -> None:
        """A method in the answer to a webhook: nobody learns what became of it."""
        try:
            await self.perform(bot, NAMES.get(method.lower(), method), given, {})
        except KeyError:
            self._note(bot, method, given, Breach("Not Found", 404))
        except ApiError as error:
            if isinstance(error, Breach):
                self._note(bot, method, given, error)

    def _note(
        self,
        bot: BotAccount | None,
        method: str,
        values: dict[str, Any],
        error: ApiError | None,
        result: Any = None,
        *,
        early: bool = False,
    ) -> None:
        """Write the request into the book."""
        with self.world.lock:
            name = bot.username if bot is not None else ""
            code, said = (error.code, error.description) if error is not None else (200, "")
            self.asked.append(Asked(name, method, values, self.world.now(), code, said, result, early))
            if isinstance(error, Breach):
                self.violations.append(f"{name} {method}: {said}")
            self.world.signal.notify()

    async def _file(self, request: Request) -> Response:
        if self.faults.outage is not None:
            return await self._out(request)
        if self.world.bot_of(request.path_params["token"]) is None:
            return JSONResponse(ApiError(401, "Unauthorized").body(), 401)
        with self.world.lock:
            found = next((kept for kept in self.world.files.values() if kept.path == request.path_params["path"]), None)
        if found is None:
            return JSONResponse(ApiError(404, "Not Found").body(), 404)
        return Response(found.content, media_type="application/octet-stream")

    async def _out(self, request: Request) -> Response:
        match self.faults.outage:
            case "drop":
                return await dropped(request)
            case "html":
                return PlainTextResponse(HTML, 502, media_type="text/html")
        return JSONResponse(ApiError(502, "Bad Gateway").body(), 502)
