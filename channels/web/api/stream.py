"""What was sent unasked, as server-sent events: one event a Screen, its cursor as the event's id."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from channels.chat.webchat import Pushed, WebChat
from channels.web.api.messages import check_waits, cursor_in, identified, look
from channels.web.door import Door
from channels.web.render import SAFE_HEADERS
from core.conversations.service import Session

HEARTBEAT = 15.0  # seconds; a proxy that closes idle connections waits longer than that
LOOK_EVERY = 2  # heartbeats between two looks that no notice asked for
RETRY = "retry: 1500\n\n"
HEADERS = {**SAFE_HEADERS, "X-Accel-Buffering": "no", "Connection": "keep-alive"}


async def follow(request: Request) -> Response:
    """The stream from `Last-Event-ID`, else from `after`, else from the session's start."""
    door, token, session = await identified(request)
    webchat: WebChat = request.app.state.webchat
    after = cursor_in(request.headers.get("last-event-id") or request.query_params.get("after"), session)
    check_waits(door, f"conv:{session.conversation_id}")
    events = told(webchat, door, session, token, after)
    return StreamingResponse(events, headers=HEADERS, media_type="text/event-stream")


async def told(webchat: WebChat, door: Door, session: Session, token: str, after: int) -> AsyncIterator[str]:
    """Events as they are told, heartbeats in between; ends with the session, and when the process stops."""
    yield RETRY
    with door.wakes.on(f"conv:{session.conversation_id}") as waiting:
        while not door.wakes.is_closing:
            pushed = await door.run(look, webchat, door, token, after)
            if pushed is None:
                return
            for one in pushed:
                after = one.cursor
                yield event(one)
            if pushed:
                continue
            for beat in range(1, LOOK_EVERY + 1):
                if await waiting.rest(HEARTBEAT) or door.wakes.is_closing:
                    break
                yield f": {beat}\n\n"


def event(pushed: Pushed) -> str:
    """One Screen; JSON has no line breaks of its own, so it is one data line."""
    return f"id: {pushed.cursor}\nevent: screen\ndata: {json.dumps(pushed.screen, ensure_ascii=False)}\n\n"
