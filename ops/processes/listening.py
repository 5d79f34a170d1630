"""How the web process listens: on the supervisor's sockets, and ended at once or without cutting anyone off."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp

from channels.wake import Wakes
from core.config import Config

GRACE = 2  # seconds for answers under way when the store stops
DRAIN_GRACE = 20  # the same when another web process has taken over: uploads, slow readers
LINGER = 6.0  # seconds in which open connections may still ask something: longer than they stay open idle
MOST_REQUESTS = 8000  # at once, streams included, where there are descriptors for them; above it 503
KEPT_DESCRIPTORS = 256  # for the database, the vault, files, and answers that say no
CLOSING = (b"connection", b"close")

log = structlog.get_logger()


class Listener(uvicorn.Server):
    """A server whose process handles the signals itself: two servers, one end."""

    sockets: Sequence[socket.socket] = ()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield

    async def listen(self) -> None:
        """Serve until told to stop."""
        await self.serve(sockets=list(self.sockets))

    async def drain(self) -> None:
        """Accept nothing new, answer whoever is connected once more, and return when they have gone or time is up.

        A connection that was just accepted has its request still on the way; one that is kept open may send the next.
        Each gets its answer, marked as the last one.
        """
        for server in self.servers:
            server.close()
        self.config.encoded_headers.append(CLOSING)
        self.server_state.default_headers = [*self.server_state.default_headers, CLOSING]
        self.config.timeout_graceful_shutdown = DRAIN_GRACE
        loop = asyncio.get_running_loop()
        end = loop.time() + LINGER
        while self.server_state.connections and loop.time() < end:  # noqa: ASYNC110 (uvicorn has no event for it)
            await asyncio.sleep(0.05)


@dataclass(frozen=True)
class Asked:
    """How the process was asked to end."""

    to_stop: asyncio.Event
    to_drain: asyncio.Event

    async def either(self) -> None:
        """Return once one of them was asked."""
        both = [asyncio.create_task(self.to_stop.wait()), asyncio.create_task(self.to_drain.wait())]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for one in both:
            one.cancel()


def listening_to_signals() -> Asked:
    """SIGTERM and SIGINT stop, SIGUSR1 drains (ops/processes/restarting.py)."""
    asked = Asked(asyncio.Event(), asyncio.Event())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.to_stop.set)
    loop.add_signal_handler(signal.SIGUSR1, asked.to_drain.set)
    return asked


def room_for_requests() -> int:
    """How many requests at once there are descriptors for; takes as many as this process may have, up to what is used.

    An idle web chat is one open stream: under the usual soft limit of 1,024 a few hundred of them filled the shop.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_REQUESTS + KEPT_DESCRIPTORS
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = most
    return min(MOST_REQUESTS, (wanted if soft == resource.RLIM_INFINITY else soft) - KEPT_DESCRIPTORS)


def listener(config: Config, app: ASGIApp, place: socket.socket) -> Listener:
    """A server on a socket that leaves signals and logs to us; only configured proxies may say who the client is."""
    proxies = list(config.web.trusted_proxies)
    host, port = place.getsockname()[:2]
    server = Listener(
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
            limit_concurrency=max(1, room_for_requests()),
        )
    )
    server.sockets = (place,)
    return server


async def drain(servers: Sequence[Listener]) -> None:
    """All of them at once."""
    await asyncio.gather(*(server.drain() for server in servers))


async def run_until_asked(servers: Sequence[Listener], asked: Asked, ready: Callable[[], None], wakes: Wakes) -> None:
    """Start all, say so, serve until asked, end the waits first and then the servers."""
    running = [asyncio.create_task(server.listen()) for server in servers]
    while not all(server.started for server in servers):
        done, _ = await asyncio.wait(running, timeout=0.05, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    ready()
    log.info("serving", listeners=[f"{server.config.host}:{server.config.port}" for server in servers])
    await asyncio.wait([asyncio.create_task(asked.either()), *running], return_when=asyncio.FIRST_COMPLETED)
    wakes.release()
    if asked.to_drain.is_set() and not asked.to_stop.is_set():
        log.info("another process takes over")
        ends: list[asyncio.Task[Any]] = [asyncio.create_task(asked.to_stop.wait()), asyncio.create_task(drain(servers))]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*running, return_exceptions=True)
