"""`/k/<id>`: the page for whoever looks, which changes and counts nothing, and the answer to a press.

Robots, previews and scanners get the same two files for every link, known or not (fault 101). A press is asked of the
vault through the worker, of an unknown link as well: every no looks alike and takes as long.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from channels.web.cardpage.files import FOR_EVER, HEADERS, NOT_KEPT, CardFiles
from channels.web.door import Door
from channels.web.problems import Problem
from core.errors import NotFound
from core.fulfilment.card_pages import GONE, Press, ask_press, press_answer

WAIT = 15.0  # seconds for the vault's answer; then the page asks again with the same press
MOST_WAITS = 5  # requests that wait for one press
PRESSES_PER_MINUTE = 20  # of one network
PROOF_BYTES = 32


async def page(request: Request) -> Response:
    """The page, the same for every link; also to HEAD."""
    files: CardFiles = request.app.state.card_files
    return Response(files.page, media_type="text/html", headers=dict(files.page_headers))


async def script(request: Request) -> Response:
    """Its script; the address names its content."""
    files: CardFiles = request.app.state.card_files
    return Response(files.script, media_type="text/javascript", headers=HEADERS | FOR_EVER)


async def press(request: Request) -> Response:
    """`{"sealed", "locale", "shop", "goods", …}`; 404 `{"gone"}` for whatever is wrong, 503 `{"later"}` while it waits.

    The same press sent again is one opening. Raises `Problem` 403 for another page's script, 429 for a network that
    presses too often.
    """
    door: Door = request.app.state.door
    if not is_own_page(request):
        raise Problem(403)
    hits = await door.run(door.counter.hit, f"card-page:{door.network_of(request)}", seconds=60)
    if hits > PRESSES_PER_MINUTE:
        raise Problem(429, headers={"Retry-After": "30"})
    asked = pressed(request.path_params["link"], await request.body())
    if asked is None or not await door.run(ask_press, press=asked, now=door.shop.clock.now()):
        return told(dict(GONE), 404)
    return await answered(door, asked)


def pressed(link: str, body: bytes) -> Press | None:
    """What a page's script sent; None for anything else, which opens nothing either."""
    try:
        said = json.loads(body)
        proof = base64.b64decode(said["proof"], validate=True)
        found = Press(UUID(said["press"]), UUID(link), proof)
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        return None
    return found if len(proof) == PROOF_BYTES else None


async def answered(door: Door, asked: Press) -> Response:
    """The vault's answer as soon as it is there; at the latest after 15 s."""
    loop = asyncio.get_running_loop()
    end = loop.time() + WAIT
    if door.wakes.waiting_on(asked.topic) >= MOST_WAITS:
        raise Problem(429, headers={"Retry-After": "10"})
    with door.wakes.on(asked.topic) as waiting:
        while True:
            try:
                answer = await door.run(press_answer, press_id=asked.id)
            except NotFound:
                return told(dict(GONE), 404)
            left = end - loop.time()
            if answer is not None:
                return told(answer, 404 if answer == GONE else 200)
            if left <= 0 or door.wakes.is_closing:
                return told({"later": True}, 503)
            await waiting.rest(min(left, 5.0))


def told(answer: dict[str, object], status: int) -> Response:
    """An answer that nothing keeps."""
    return JSONResponse(answer, status, headers=HEADERS | NOT_KEPT)


def is_own_page(request: Request) -> bool:
    """Whether a press comes from the page itself: other sites' scripts may not press (where browsers say who asks)."""
    return request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
