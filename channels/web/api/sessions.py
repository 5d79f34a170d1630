"""Opens a chat session: a guest of one merchant, known by a token that is shown once."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from channels.web.api.bodies import read_object
from channels.web.door import Door
from channels.web.problems import Problem
from channels.web.render import SAFE_HEADERS
from channels.web.tokens import check_same_site, cookie_name, refuse_in_address, set_cookie
from core.conversations.service import NewSession, Session, open_session, session_by_token
from core.errors import NotFound
from core.ids import Prefix, public
from core.members.service import set_locale
from core.parties.service import find_merchant

SESSIONS_PER_HOUR = 3000
"""From one network; a shop's own app behind one address opens few sessions and keeps them."""


async def create(request: Request) -> Response:
    """201 `{"session", "token"}`; for our own page (`{"page": true}`) the token goes into its cookie instead."""
    refuse_in_address(request)
    door: Door = request.app.state.door
    merchant: str = request.path_params["merchant"]
    body = await read_object(request, may_be_empty=True)
    network = door.network_of(request)
    if body.get("page") is not True:
        new = await door.run(begin, door, merchant=merchant, locale=locale_in(request, body), network=network)
        answer = {"session": public(Prefix.SESSION, new.session_id), "token": new.token}
        return JSONResponse(answer, 201, headers=SAFE_HEADERS)
    check_same_site(request, door)
    held = request.cookies.get(cookie_name(door, merchant), "")
    session = await door.run(welcome_back, door, merchant=merchant, token=held, locale=body.get("locale"))
    if session is not None:
        return JSONResponse({"session": public(Prefix.SESSION, session.id)}, headers=SAFE_HEADERS)
    new = await door.run(begin, door, merchant=merchant, locale=locale_in(request, body), network=network)
    response = JSONResponse({"session": public(Prefix.SESSION, new.session_id)}, 201, headers=SAFE_HEADERS)
    set_cookie(door, response, merchant, new.token)
    return response


def welcome_back(door: Door, *, merchant: str, token: str, locale: object) -> Session | None:
    """The session of a page that was here before, spoken to in the page's language; None for a new one."""
    try:
        session = signed_in(door, merchant=merchant, token=token)
    except Problem:
        return None
    if isinstance(locale, str) and locale in door.shop.phrasebook.locales and locale != session.locale:
        set_locale(actor=session.actor, locale=locale, now=door.shop.clock.now())
    return session


def begin(door: Door, *, merchant: str, locale: str, network: str) -> NewSession:
    """A new guest of a merchant. Raises `NotFound` for a merchant that does not sell, `Problem` 429."""
    seller = find_merchant(merchant)
    if door.counter.hit(f"sessions:{network}", seconds=3600) > SESSIONS_PER_HOUR:
        raise Problem(429, "Too many new sessions from one network.", headers={"Retry-After": "600"})
    key = door.shop.order_keys.seal
    return open_session(seal_key=key, merchant_id=seller.id, network=network, locale=locale, now=door.shop.clock.now())


def signed_in(door: Door, *, merchant: str, token: str) -> Session:
    """Whose token this is, at this merchant. Raises `NotFound` for an unknown merchant, `Problem` 401 for the token."""
    try:
        session = session_by_token(token=token, now=door.shop.clock.now())
    except NotFound:
        session = None
    if session is None or session.merchant_code != merchant:
        find_merchant(merchant)
        raise Problem(401, headers={"WWW-Authenticate": "Bearer"})
    return session


def locale_in(request: Request, body: dict[str, Any]) -> str:
    """The language to answer in: the one asked for, else what the request prefers, else the store's."""
    door: Door = request.app.state.door
    asked = body.get("locale")
    if isinstance(asked, str) and asked in door.shop.phrasebook.locales:
        return asked
    return door.pages.language(request).locale
