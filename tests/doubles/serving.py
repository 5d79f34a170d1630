"""An application served by a thread of its own until it is stopped, with connections that can end without an answer."""

import asyncio
import socket
import threading
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol


class Connection(H11Protocol):
    """Knows its transport by both ends' addresses."""

    open: dict[tuple[Any, Any], asyncio.Transport] = {}  # noqa: RUF012 (one per process)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client is not None:
            self.open[self.client, self.server] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.client is not None:
            self.open.pop((self.client, self.server), None)
        super().connection_lost(exc)


async def dropped(request: Request) -> Response:
    """End the connection; what is returned reaches nobody."""
    transport = Connection.open.get((tuple(request.scope["client"]), tuple(request.scope["server"])))
    if transport is not None:
        transport.abort()
    await asyncio.sleep(0.01)
    return Response(status_code=502)


class ServingThread:
    """Serves one application; `begin`, `end` and `leave` are for what runs beside it, in the same loop."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._stop: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._failure: BaseException | None = None

    async def begin(self) -> None:
        """Before the first request."""

    async def end(self) -> None:
        """Before the open connections end."""

    def leave(self) -> None:
        """At the end of the loop, after a failure too."""

    def serve(self, host: str, port: int, application: Starlette) -> str:
        """Returns the address once requests are answered."""
        self._socket = socket.socket(
            socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
        )  # asyncio sets NODELAY then
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, port))
        run = self._serve(application)
        self._thread = threading.Thread(target=lambda: asyncio.run(run), name=self._name, daemon=True)
        self._thread.start()
        assert self._started.wait(20), f"the {self._name} did not start"
        if self._failure is not None:
            raise self._failure
        return f"http://{host}:{self._socket.getsockname()[1]}"

    def stop(self) -> None:
        """End every connection and the thread."""
        if self._stop is not None and self._thread is not None and self._thread.is_alive():
            loop, asked = self._stop
            loop.call_soon_threadsafe(asked.set)
        if self._thread is not None:
            self._thread.join(15)
            assert not self._thread.is_alive()
        if self._socket is not None:
            self._socket.close()

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
            await self.begin()
            while not server.started:
                await asyncio.sleep(0.005)
            self._started.set()
            await asked.wait()
            await self.end()
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
            self.leave()
