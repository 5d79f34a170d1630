"""The web process: assembles pages, API, hooks and panel, listens, and stops without cutting anyone off."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import structlog
import uvicorn
from a2wsgi import WSGIMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from admin.app import make_app as make_panel
from channels.pay.sandbox import refuse_elsewhere
from channels.wake import Wakes
from channels.web.app import Application
from channels.web.door import Door
from channels.web.figures import Figures
from channels.web.frame import hosts_of
from channels.web.render import Pages
from channels.web.words import load_words
from core import db
from core.config import Config, ConfigError
from core.ports import Counter
from ops import wiring
from ops.health import Health, health_routes, operator_app
from ops.waiting import lines_in_review

THREADS = 16  # use cases at once; what waits, waits on the loop
INTAKE_THREADS = 4  # who speaks, where an answer has its time
PANEL_THREADS = 8
GRACE = 2  # seconds for answers under way when the process stops
MOST_REQUESTS = 1000  # at once, streams included; above it 503

log = structlog.get_logger()


def main(config: Config, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT. `config` holds the addresses and keys of this process only."""
    db.connect(config.database.roles.shop, size=THREADS + INTAKE_THREADS + PANEL_THREADS)
    try:
        asyncio.run(serve(config, ready))
    finally:
        db.close()


async def serve(config: Config, ready: Callable[[], None]) -> None:
    """Both listeners in one loop: the shop's, and the operator's for figures and details."""
    wakes = Wakes(config.database.roles.direct)
    async with assembled(config, wakes) as (shop, operator):
        servers = [listener(config, shop, config.web.host, config.web.port)]
        if config.web.workers > 1:
            servers[0].shared = [shared_socket(config.web.host, config.web.port)]
        if config.web.ops_port:
            servers.append(listener(config, operator, config.web.ops_host, config.web.ops_port))
        await run_until_asked(servers, ready, wakes)


@contextlib.asynccontextmanager
async def assembled(config: Config, wakes: Wakes) -> AsyncIterator[tuple[Application, ASGIApp]]:
    """The two applications, with their threads and their LISTEN connection, until the block ends."""
    figures = Figures()
    with (
        contextlib.closing(wiring.counter(config)) as counter,
        ThreadPoolExecutor(THREADS, thread_name_prefix="use-case") as threads,
        ThreadPoolExecutor(INTAKE_THREADS, thread_name_prefix="intake") as intake,
    ):
        pools = (threads, intake)
        door = await asyncio.get_running_loop().run_in_executor(threads, make_door, config, wakes, *pools, counter)
        health = Health(config)
        figures.gauge("keystall_waits", "Open long polls and streams.", lambda: wakes.waiting)
        figures.gauge("keystall_listening", "Whether notices of the database arrive.", lambda: wakes.is_listening)
        figures.gauge("keystall_lines_in_review", "Paid lines that wait for a person.", lines_in_review)
        wakes.open()
        try:
            yield (
                Application(
                    door,
                    figures=figures,
                    hosts=hosts_of(config.web.public_url, config.web.panel_url, config.web.page_url),
                    further=[*health_routes(health), Route("/admin", to_panel), panel_mount()],
                ),
                operator_app(health, figures),
            )
        finally:
            await wakes.close()


def make_door(
    config: Config, wakes: Wakes, threads: ThreadPoolExecutor, intake: ThreadPoolExecutor, counter: Counter
) -> Door:
    """What the web doors are handed; reads this process's own keys."""
    with db.connection():
        if config.pay.sandbox.enabled:
            refuse_elsewhere(kind=installation_kind(), host=config.web.host)
        verifiers = wiring.verifiers(config)
        return Door(
            pages=Pages.load(load_words(zone=config.store.timezone, default=config.store.default_locale)),
            shop=wiring.shop_context(config),
            wakes=wakes,
            threads=threads,
            intake=intake,
            verifiers=verifiers,
            counter=counter,
            inbox_key=config.secret(config.secrets.inbox_key),
            session_key=config.secret(config.secrets.session_key),
            verify_key=config.secret(config.secrets.verify_key),
            public_url=config.public_url,
            is_public_url_configured=bool(config.web.public_url),
            sandbox_enabled="sandbox" in verifiers,
            wechat_api_base=config.wechat.api_base,
        )


def installation_kind() -> str:
    """What the database was made for; empty before it was marked."""
    rows = db.execute("SELECT kind FROM installation")
    return str(rows[0][0]) if rows else ""


def to_panel(request: Request) -> Response:
    """/admin without its slash; the answer names no host."""
    return RedirectResponse("/admin/", 308)


def panel_mount() -> BaseRoute:
    """The Flask panel under /admin; it never waits for anything, so few threads are enough."""
    panel = cast("ASGIApp", WSGIMiddleware(cast("Any", make_panel()), workers=PANEL_THREADS))
    return Mount("/admin", panel, name="panel")


class Listener(uvicorn.Server):
    """A server whose process handles the signals itself: two servers, one end."""

    shared: list[socket.socket] | None = None  # the socket, where several web processes listen on one port

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield

    async def listen(self) -> None:
        """Serve until told to stop. Raises `ConfigError` where uvicorn would end the process without a word of ours."""
        try:
            await self.serve(sockets=self.shared)
        except SystemExit:
            place = f"{self.config.host}:{self.config.port}"
            raise ConfigError(f"{place} cannot be listened on: is another process there?") from None


def shared_socket(host: str, port: int) -> socket.socket:
    """A socket on a port that other web processes of this store listen on too; the kernel spreads the connections."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind(address)
    return made


def listener(config: Config, app: ASGIApp, host: str, port: int) -> Listener:
    """A server that leaves signals and logs to us; only configured proxies may say who the client is."""
    proxies = list(config.web.trusted_proxies)
    return Listener(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies,
            timeout_graceful_shutdown=GRACE,
            limit_concurrency=MOST_REQUESTS,
        )
    )


async def run_until_asked(servers: Sequence[Listener], ready: Callable[[], None], wakes: Wakes) -> None:
    """Start all, say so, serve until a signal, end the waits first and then the servers."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    running = [asyncio.create_task(server.listen()) for server in servers]
    while not all(server.started for server in servers):
        done, _ = await asyncio.wait(running, timeout=0.05, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    ready()
    log.info("serving", listeners=[f"{server.config.host}:{server.config.port}" for server in servers])
    await asyncio.wait([asyncio.create_task(asked.wait()), *running], return_when=asyncio.FIRST_COMPLETED)
    wakes.release()
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*running, return_exceptions=True)
