"""The HTTP side: addresses, answers, faults, and a thread of its own that serves until it is stopped."""

import asyncio
import socket
import threading
from collections.abc import Sequence
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from uvicorn.protocols.http.h11_impl import H11Protocol

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


class Connection(H11Protocol):
    """Knows its transport by both ends' addresses, so that a connection can end without an answer."""

    open: dict[tuple[Any, Any], asyncio.Transport] = {}  # noqa: RUF012 (one per process)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client is not None:
            self.open[self.client, self.server] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.client is not None:
            self.open.pop((self.client, self.server), None)
        super().connection_lost(exc)


class Server:
    """Serves one world; everything that came is in `asked`, every malformed request in `violations` too."""

    def __init__(self, world: World, faults: Faults) -> None:
        self.world = world
        self.faults = faults
        self.asked: list[Asked] = []
        self.violations: list[str] = []
        self.courier = Courier(world, self._perform)
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._stop: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._failure: BaseException | None = None

    def start(self, host: str, port: int, routes: Sequence[BaseRoute]) -> str:
        """Serve in a thread; returns the address once requests are answered."""
        self._socket = socket.socket(
            socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
        )  # asyncio sets NODELAY then
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, port))
        application = Starlette(routes=[*self._routes(), *routes])
        run = self._serve(application)
        self._thread = threading.Thread(target=lambda: asyncio.run(run), name="telegram-double", daemon=True)
        self._thread.start()
        assert self._started.wait(20), "the Telegram double did not start"
        if self._failure is not None:
            raise self._failure
        return f"http://{host}:{self._socket.getsockname()[1]}"

    def stop(self) -> None:
        """End every wait, every delivery and the thread."""
        if self._stop is not None and self._thread is not None and self._thread.is_alive():
            loop, asked = self._stop
            loop.call_soon_threadsafe(asked.set)
        if self._thread is not None:
            self._thread.join(15)
            assert not self._thread.is_alive()
        if self._socket is not None:
            self._socket.close()
        if self.courier.failures:
            raise self.courier.failures[0]

    async def _serve(self, application: Starlette) -> None:
        loop, asked = asyncio.get_running_loop(), asyncio.Event()
        self._stop = loop, asked
        assert self._socket is not None
        try:
            settings = uvicorn.Config(
                application, lifespan="off", ws="none", log_config=None, access_log=False, http=Connection,
                timeout_graceful_shutdown=1,
            )  # fmt: skip
            server = uvicorn.Server(settings)
            serving = asyncio.create_task(server._serve(sockets=[self._socket]))
            carrying = asyncio.create_task(self.courier.run())
            self.world.signal.attach(loop)
            while not server.started:
                await asyncio.sleep(0.005)
            self._started.set()
            await asked.wait()
            with self.world.lock:
                self.world.is_out = True  # what waits for updates ends
                self.world.signal.notify()
            carrying.cancel()
            await asyncio.gather(carrying, return_exceptions=True)
            for transport in list(Connection.open.values()):
                if transport.get_extra_info("sockname") == self._socket.getsockname():
                    transport.abort()
            server.should_exit = True
            await serving
        except BaseException as failure:
            self._failure = failure
            self._started.set()
            raise
        finally:
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
            return await self._drop(request)
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
                return await self._drop(request)
            case "html":
                return PlainTextResponse(HTML, 502, media_type="text/html")
        return JSONResponse(ApiError(502, "Bad Gateway").body(), 502)

    async def _drop(self, request: Request) -> Response:
        """End the connection; what is returned reaches nobody."""
        transport = Connection.open.get((request.scope["client"], request.scope["server"]))
        if transport is not None:
            transport.abort()
        await asyncio.sleep(0.01)
        return Response(status_code=502)
