"""The web process as tests meet it: the whole application behind a real uvicorn on loopback, in a thread."""

import asyncio
import contextlib
import socket
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import httpx

from channels.wake import Wakes
from core.config import Config
from ops.processes.listening import listener
from ops.processes.web import assembled

CHATTERS: list[httpx.Client] = []
"""Open clients of the server that runs; its end closes them."""


def on_loopback() -> socket.socket:
    """A socket bound to a free port."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # else no TCP_NODELAY
    made.bind(("127.0.0.1", 0))
    return made


class WebServer:
    """Serves until `stop`; `url` is its address."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._socket = on_loopback()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="web")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked: asyncio.Event | None = None
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Return once requests are answered and notices of the database arrive."""
        self._thread.start()
        assert self._started.wait(20), self.failure
        if self.failure is not None:
            raise self.failure

    def ask_to_stop(self) -> None:
        """What SIGTERM does."""
        if self._loop is not None and self._asked is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._asked.set)

    def stop(self) -> None:
        """Ask, and wait for the end."""
        while CHATTERS:
            CHATTERS.pop().close()
        self.ask_to_stop()
        self._thread.join(10)
        self._socket.close()
        assert not self._thread.is_alive()

    async def _serve(self) -> None:
        self._loop, self._asked = asyncio.get_running_loop(), asyncio.Event()
        wakes = Wakes(self._config.database.roles.direct)
        try:
            async with assembled(self._config, wakes) as (shop, _):
                server = listener(self._config, shop, self._socket)
                serving = asyncio.create_task(server.listen())
                while not (server.started and wakes.is_listening):
                    await asyncio.sleep(0.01)
                self._started.set()
                await self._asked.wait()
                wakes.release()
                server.should_exit = True
                await serving
        except BaseException as failure:
            self.failure = failure
            self._started.set()
            raise


@contextlib.contextmanager
def web_server(config: Config) -> Iterator[WebServer]:
    """A running web process for the length of a block."""
    server = WebServer(config)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class Chatter:
    """A program that talks to one merchant's chat and knows only the contract; closed with its server."""

    def __init__(self, url: str, merchant: str = "demo") -> None:
        self.http = httpx.Client(base_url=f"{url}/api/v1/chat/{merchant}", timeout=30, trust_env=False)
        CHATTERS.append(self.http)
        opened = self.http.post("/sessions")
        assert opened.status_code == 201, opened.text
        self.session, self.token = opened.json()["session"], opened.json()["token"]
        self.http.headers["Authorization"] = f"Bearer {self.token}"

    def post(self, **body: object) -> httpx.Response:
        """Send one message as it is."""
        return self.http.post("/messages", json=body)

    def say(self, text: str) -> list[dict[str, Any]]:
        """The screens that answer a text."""
        return self._screens(self.post(id=str(uuid.uuid4()), text=text))

    def act(self, action: str) -> list[dict[str, Any]]:
        """The screens that answer a tap."""
        return self._screens(self.post(id=str(uuid.uuid4()), action=action))

    def place(self, text: str = "买 A1 2") -> dict[str, Any]:
        """Order something; the pay Screen."""
        confirm = self.say(text)[0]
        assert confirm["kind"] == "confirm", confirm
        (paid,) = [screen for screen in self.act(confirm["options"][0]["action"]) if screen["kind"] == "pay"]
        return paid

    def read(self, **query: object) -> dict[str, Any]:
        """What was sent unasked."""
        answer = self.http.get("/messages", params=query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def _screens(self, answer: httpx.Response) -> list[dict[str, Any]]:
        assert answer.status_code == 200, answer.text
        return list(answer.json()["screens"])
