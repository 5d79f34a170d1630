"""Telegram's webhook: whoever knows the secret is Telegram; the update is written down, then acknowledged."""

from __future__ import annotations

import hmac

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from channels.chat.telegram.intake import Call, Intake
from channels.chat.telegram.shared import HOOK_SECRET
from channels.chat.telegram.updates import Junk
from channels.web.door import Door
from channels.web.problems import Problem
from channels.web.render import SAFE_HEADERS
from core.connections.chats import ChatAccount, ChatChannel, chat_by_opaque_id
from core.connections.credentials import AccountKind, Holder, find_credential
from core.errors import NotFound

HEADER = "x-telegram-bot-api-secret-token"

log = structlog.get_logger()


async def update(request: Request) -> Response:
    """200 once the update stands in the inbox, with what is answered at once; 401 without the secret (fault 38).

    Junk with the right secret is 200 too: Telegram would send it again for a day.
    """
    door: Door = request.app.state.door
    body = await request.body()
    try:
        answer = await door.run(
            taken, door, opaque_id=request.path_params["opaque_id"], secret=secret_in(request), body=body
        )
    except Junk as junk:
        log.warning("an update is not understood", problem=str(junk), size=len(body))
        answer = None
    if answer is None:
        return PlainTextResponse("", headers=SAFE_HEADERS)
    return JSONResponse(answer, headers=SAFE_HEADERS)


def secret_in(request: Request) -> bytes:
    """The header's bytes as they came; several of them are none."""
    given = [value for name, value in request.scope["headers"] if name == HEADER.encode()]
    return given[0] if len(given) == 1 else b""


def taken(door: Door, *, opaque_id: str, secret: bytes, body: bytes) -> Call | None:
    """Check who it is and write it down. Raises `NotFound`, `Problem` 401, `Junk`."""
    account = telegram_account(opaque_id)
    known = find_credential(
        door.verify_key, kind=AccountKind.CHAT, account_id=account.id, name=HOOK_SECRET, holder=Holder.VERIFY
    )
    if not hmac.compare_digest(secret, known.reveal()):
        raise Problem(401)
    return Intake(door.inbox_key, door.shop.phrasebook).take_in(account, body, now=door.shop.clock.now())


def telegram_account(opaque_id: str) -> ChatAccount:
    """The bot whose address this is. Raises `NotFound`, also for an account of another platform."""
    account = chat_by_opaque_id(opaque_id)
    if account.channel is not ChatChannel.TELEGRAM:
        raise NotFound("chat_account")
    return account
