"""Serves the API and the page in a thread of its own until it is stopped."""

import asyncio
import socket
import threading
from collections.abc import Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from tests.doubles.wechat.api import Api
from tests.doubles.wechat.dropping import Connection


class Server:
    """One address for every host of WeChat."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._stop: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._failure: BaseException | None = None

    def start(self, host: str, port: int, routes: Sequence[BaseRoute]) -> str:
        """Returns the address once requests are answered."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, port))
        verbs = ["GET", "POST"]
        api = [Route(f"/{top}/{{path:path}}", self._api.handle, methods=verbs) for top in ("cgi-bin", "sns")]
        application = Starlette(routes=[*routes, *api])
        run = self._serve(application)
        self._thread = threading.Thread(target=lambda: asyncio.run(run), name="wechat-double", daemon=True)
        self._thread.start()
        assert self._started.wait(20), "the WeChat double did not start"
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
            while not server.started:
                await asyncio.sleep(0.005)
            self._started.set()
            await asked.wait()
            for transport in list(Connection.open.values()):
                if transport.get_extra_info("sockname") == self._socket.getsockname():
                    transport.abort()
            server.should_exit = True
            await serving
        except BaseException as failure:
            self._failure = failure
            self._started.set()
            raise
