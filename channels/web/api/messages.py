"""The chat over HTTP: say something and get the answer; read what was sent unasked, waiting for it if asked to."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from channels.chat.webchat import Pushed, Said, WebChat, cursor_of
from channels.web.api.bodies import read_object, said_in
from channels.web.api.sessions import signed_in
from channels.web.door import Door
from channels.web.problems import Problem
from channels.web.render import SAFE_HEADERS
from channels.web.tokens import token_of
from core.conversations.service import Session, session_by_token
from core.errors import NotFound
from core.parties.service import find_merchant

LONGEST_WAIT = 25.0  # seconds of a long poll
TWIN_WAIT = 12.0  # seconds for the answer that a twin is making
TWIN_LOOK = 0.1
MESSAGES_PER_MINUTE = 300  # of one session
TOO_MANY_WAITS = 10  # of one conversation at a time


async def say(request: Request) -> Response:
    """200 `{"screens": […]}`; the same id twice has one effect and the same answer."""
    door, _, session = await identified(request)
    said = said_in(await read_object(request))
    if await door.run(door.counter.hit, f"said:{session.id}", seconds=60) > MESSAGES_PER_MINUTE:
        raise Problem(429, "Too many messages of one session.", headers={"Retry-After": "20"})
    screens = await heard(request.app.state.webchat, door, session, said)
    return JSONResponse({"screens": screens}, headers=SAFE_HEADERS)


async def heard(webchat: WebChat, door: Door, session: Session, said: Said) -> list[Any]:
    """The answer to one message, also when a twin makes it. Raises `Problem` 503 when that takes long."""
    loop = asyncio.get_running_loop()
    end = loop.time() + TWIN_WAIT
    while True:
        screens = await door.run(webchat.hear, session, said)
        if screens is not None:
            return screens
        if loop.time() > end:
            raise Problem(503, "This message is still being answered; send it again.", headers={"Retry-After": "1"})
        await asyncio.sleep(TWIN_LOOK)


async def read(request: Request) -> Response:
    """200 `{"screens": […], "cursor"}`: what was sent unasked after a cursor, or from the session's start."""
    door, token, session = await identified(request)
    webchat: WebChat = request.app.state.webchat
    after = cursor_in(request.query_params.get("after"), session)
    pushed = await arrivals(webchat, door, session, token, after, wait=wait_in(request))
    cursor = pushed[-1].cursor if pushed else after
    answer = {"screens": [one.screen for one in pushed], "cursor": str(cursor)}
    return JSONResponse(answer, headers=SAFE_HEADERS)


async def arrivals(
    webchat: WebChat, door: Door, session: Session, token: str, after: int, *, wait: float
) -> list[Pushed]:
    """What is there after a cursor, waiting for it up to `wait` seconds on the event loop."""
    topic = f"conv:{session.conversation_id}"
    check_waits(door, topic)
    loop = asyncio.get_running_loop()
    end = loop.time() + wait
    with door.wakes.on(topic) as waiting:
        while True:
            pushed = await door.run(look, webchat, door, token, after)
            left = end - loop.time()
            if pushed or pushed is None or left <= 0 or door.wakes.is_closing:
                return pushed or []
            await waiting.rest(left)


def look(webchat: WebChat, door: Door, token: str, after: int) -> list[Pushed] | None:
    """What was told after a cursor; None once the session is over or its merchant sells no more.

    The session is looked up each time: whoever waits may have become another's shopper meanwhile. When there is
    something to tell it is looked up once more, since it may have ended before that was written.
    """
    session = _open_session(door, token)
    pushed = webchat.unasked(session, token, after) if session else None
    return pushed if not pushed or _open_session(door, token) else None


def _open_session(door: Door, token: str) -> Session | None:
    try:
        return session_by_token(token=token, now=door.shop.clock.now())
    except NotFound:
        return None


async def identified(request: Request) -> tuple[Door, str, Session]:
    """The door, the token in hand and whose it is. Raises `Problem` 401 or 403, `NotFound`."""
    door: Door = request.app.state.door
    merchant: str = request.path_params["merchant"]
    try:
        token = token_of(request, door, merchant)
    except Problem as problem:
        if problem.status == 401:
            await door.run(find_merchant, merchant)  # an unknown merchant is 404 before all else
        raise
    return door, token, await door.run(signed_in, door, merchant=merchant, token=token)


def check_waits(door: Door, topic: str) -> None:
    """One conversation may not fill the process with waits. Raises `Problem` 429."""
    if door.wakes.waiting_on(topic) >= TOO_MANY_WAITS:
        raise Problem(429, "Too many open waits of one session.", headers={"Retry-After": "5"})


def cursor_in(text: str | None, session: Session) -> int:
    """The cursor to read after: the session's start without one. Raises `Problem` 422."""
    if not text:
        return session.start_seq
    try:
        return max(cursor_of(text), session.start_seq)
    except ValueError:
        raise Problem(422, "after is a cursor that an earlier answer gave.") from None


def wait_in(request: Request) -> float:
    """Seconds to wait, at most 25; 0 without `wait`. Raises `Problem` 422."""
    text = request.query_params.get("wait", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise Problem(422, "wait is a whole number of seconds.")
    return min(float(text), LONGEST_WAIT)
