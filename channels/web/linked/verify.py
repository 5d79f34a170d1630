"""`MP_verify_….txt`: how an official account proves that a host is its own."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from channels.web.door import Door
from channels.web.linked.visits import asked_host
from channels.web.render import SAFE_HEADERS
from core.connections.verify_files import find_verify_file


async def file(request: Request) -> Response:
    """The content of a file at the host that it is asked for. Raises `NotFound`, as for every other name."""
    door: Door = request.app.state.door
    name = f"MP_verify_{request.path_params['name']}.txt"
    shared = door.public_url if door.is_public_url_configured else ""
    where = {"host": asked_host(request), "shared_url": shared}
    content = await door.run(lambda: find_verify_file(name=name, **where, verify_key=door.verify_key))
    return PlainTextResponse(content, headers=SAFE_HEADERS)
