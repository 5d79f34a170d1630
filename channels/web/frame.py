"""What stands around every request: its id, the host it may name, the size it may have, and what becomes of errors."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import peewee
import psycopg
import structlog
from playhouse.pool import MaxConnectionsExceeded
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from channels.figures import OTHER, Figures
from channels.web.problems import Problem, answer, plain, problem_of
from channels.web.render import Pages
from core.db import OutcomeUnknown
from core.errors import Refusal, error_id

LARGEST_BODY = 64 * 1024
LARGE_AT_ONCE = 6  # bodies beyond that, of pages that take larger ones: each is in memory
LARGEST_DRAINED = 16 * 1024 * 1024  # read and thrown away, so that a client that sends first still gets its 413
SLOWEST_BODY = 15.0  # seconds
SLOWEST_PIECE = 30.0  # seconds between two pieces of a body that is not read here
UNKNOWN = "Whether this was done is not known. Look first, or send the same id again: it has one effect only."
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})
WITHOUT_HOST = frozenset({"/healthz", "/readyz"})  # asked by load balancers under their own names
OF_ANY_HOST = ("/w/", "/MP_verify_", "/static/")
"""Official accounts may have their pages at hosts of their own: those pages look for themselves whose host it is."""

CARD_PAGE = "/k/"
"""All that there is at the card page's own origin, and nowhere else once it has one."""

log = structlog.get_logger()


def hosts_of(*urls: str) -> frozenset[str]:
    """The host names (without port) that configured addresses name; empty when none is configured."""
    return frozenset(host.lower() for url in urls if url and (host := urlsplit(url).hostname))


def page_host_of(page_url: str, *others: str) -> str:
    """The host of the card page's own origin; empty where it has none, or shares its host with other pages."""
    (host,) = hosts_of(page_url) or {""}
    return "" if host in hosts_of(*others) else host


def host_in(request: Request) -> str:
    """The host (without port) that a request names."""
    return (urlsplit("//" + request.headers.get("host", "")).hostname or "").lower()


class Frame:
    """The outermost layer: nothing that goes wrong inside leaves without an error id, nothing secret is logged."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        pages: Pages,
        hosts: frozenset[str],
        figures: Figures,
        page_host: str = "",
        streamed: re.Pattern[str] | None = None,
        larger: Callable[[str], int] | None = None,
    ) -> None:
        self.app = app
        self.pages = pages
        self.hosts = hosts
        self.page_host = page_host
        self.streamed = streamed  # paths whose bodies are large, and sealed by the page itself as they come
        self.larger = larger  # how many bytes a page takes at that path, where that is more than elsewhere
        self.places = asyncio.Semaphore(LARGE_AT_ONCE)
        self.figures = figures
        by = ("route", "method", "status")
        self.requests = figures.counter("keystall_http_requests_total", "Requests answered.", *by)
        self.seconds = figures.histogram("keystall_http_seconds", "Time to answer, long polls included.", "route")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        began = time.perf_counter()
        status = 0

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        request_id = secrets.token_hex(8)
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._answer(request, scope, receive, note, lambda: status)
            finally:
                spent = time.perf_counter() - began
                method = request.method if request.method in METHODS else OTHER
                self.requests.add(route_of(scope), method, str(status))
                self.seconds.observe(spent, route_of(scope))
                log.info(
                    "answered", route=route_of(scope), method=request.method, status=status, ms=round(spent * 1000)
                )

    async def _answer(
        self, request: Request, scope: Scope, receive: Receive, send: Send, begun: Callable[[], int]
    ) -> None:
        try:
            self._check_host(request)
            if self.streamed is not None and self.streamed.fullmatch(request.url.path):
                await self.app(scope, in_time(receive), send)
            elif (most := self._most(request)) > LARGEST_BODY:
                async with self.places:
                    await self.app(scope, replayed(await read_capped(request, receive, most), receive), send)
            else:
                await self.app(scope, replayed(await read_capped(request, receive), receive), send)
        except Exception as error:  # the last net: everything becomes an answer with an error id
            if begun():
                log.exception("failed after the answer had begun", error_id=error_id())
                raise
            problem, known = judged(error)
            draw = plain if self.page_host and host_in(request) == self.page_host else answer
            response = draw(request, self.pages, problem, mark_as=known)
            await response(scope, receive, send)

    def _most(self, request: Request) -> int:
        """How many bytes this body may have: more than elsewhere only where a page wants it and its length is told."""
        is_large = told_length(request) > LARGEST_BODY
        return self.larger(request.url.path) if is_large and self.larger is not None else LARGEST_BODY

    def _check_host(self, request: Request) -> None:
        path, host = request.url.path, host_in(request)
        if path in WITHOUT_HOST:
            return
        if self.page_host and path.startswith(CARD_PAGE) != (host == self.page_host):
            raise Problem(404)
        if self.hosts and not path.startswith(OF_ANY_HOST) and host not in self.hosts:
            raise Problem(404)


def judged(error: Exception) -> tuple[Problem, str | None]:
    """What a person is told of an exception, and the error id if it has been logged here already."""
    match error:
        case Problem():
            return error, None
        case Refusal():
            return problem_of(error), None
        case HTTPException():
            return Problem(error.status_code, headers=dict(error.headers or {})), None
        case OutcomeUnknown():
            id_ = error_id()
            log.warning("the answer to a commit was lost", error_id=id_)
            return Problem(503, UNKNOWN, headers={"Retry-After": "2"}), id_
        case peewee.OperationalError() | peewee.InterfaceError() | MaxConnectionsExceeded() | psycopg.Error():
            id_ = error_id()
            log.warning("the database is away", error_id=id_, problem=type(error).__name__)
            return Problem(503, headers={"Retry-After": "2"}), id_
        case OSError() if error.errno in {23, 24}:
            id_ = error_id()
            log.warning("no file descriptors left", error_id=id_)
            return Problem(503, headers={"Retry-After": "2"}), id_
        case _:
            id_ = error_id()
            log.exception("failed", error_id=id_)
            return Problem(500), id_


def route_of(scope: Scope) -> str:
    """The pattern of the route (`/pay/{token}`), never the path itself: it may hold a token."""
    return getattr(scope.get("route"), "path", "") or "unknown"


def told_length(request: Request) -> int:
    """How long a body says that it is; 0 where it says nothing that is a number."""
    said = request.headers.get("content-length", "")
    return int(said) if said.isdigit() else 0


async def read_capped(request: Request, receive: Receive, most: int = LARGEST_BODY) -> bytes:
    """The whole body, at most so many bytes, read before anything parses it. Raises `Problem` 413, 408."""
    is_too_large = told_length(request) > most
    if not request.headers.get("content-length", "") and "transfer-encoding" not in request.headers:
        return b""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(SLOWEST_BODY):
            while size <= LARGEST_DRAINED:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Problem(400, "The connection closed before the request was complete.")
                size += len(message.get("body", b""))
                is_too_large = is_too_large or size > most
                if not is_too_large:
                    parts.append(message.get("body", b""))
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        raise Problem(408) from None
    if is_too_large:
        raise Problem(413, headers={"Connection": "close"})
    return b"".join(parts)


def in_time(receive: Receive) -> Callable[[], Awaitable[Message]]:
    """A `receive` that takes who sends nothing for `SLOWEST_PIECE`, in the middle of a body, for gone."""
    is_whole = False

    async def next_piece() -> Message:
        nonlocal is_whole
        if is_whole:
            return await receive()
        try:
            async with asyncio.timeout(SLOWEST_PIECE):
                message = await receive()
        except TimeoutError:
            message = {"type": "http.disconnect"}
        is_whole = not message.get("more_body", False)
        return message

    return next_piece


def replayed(body: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    """A `receive` that gives the body again, then whatever comes (a disconnect)."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
