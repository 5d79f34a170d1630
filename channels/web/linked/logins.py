"""Whether the one who opens a link is the one it was made for, asked of WeChat where the account may ask (OAuth).

Accounts that may not: the link itself is the proof, for its quarter of an hour and the first browser that presses
something. Nothing is written when a page is opened: the state of a question proves by itself for which link it was
made, and lives in the browser, in a cookie of its own, until WeChat sends it back.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from channels.web.door import Door
from channels.web.linked.browsers import cookie_name, is_https, is_others, set_cookie
from channels.web.linked.visits import (
    IN_WECHAT_ONLY,
    NO_ANSWER,
    OTHER_BROWSER,
    OTHER_PERSON,
    OVER,
    TOO_MANY,
    Visit,
    base_of,
    is_at_home,
    is_in_wechat,
    say,
    visit_of,
)
from channels.web.render import SAFE_HEADERS
from channels.web.till import MOST_WAITS
from core.connections.credentials import AccountKind, has_credential
from core.conversations.logins import LoginOutcome, StateUsed, TooManyLogins, begin_login, login_outcome
from core.errors import Invalid, NotFound

AUTHORISE = "https://open.weixin.qq.com"
CALLBACK = "/w/oauth"
WAIT = 8.0  # seconds that the callback waits for the worker's answer
STATE_LASTS = 600
STATE_COOKIE, BOUND_COOKIE = "keystall_page_state", "keystall_page"


def asks_platform(visit: Visit) -> bool:
    """Whether this account can have WeChat say who somebody is: a verified service account with its secret set."""
    settings = visit.account.settings
    if settings.get("kind") != "service" or settings.get("verified") is not True:
        return False
    return has_credential(kind=AccountKind.CHAT, account_id=visit.account.id, name="app_secret")


def is_bound(request: Request, door: Door, visit: Visit) -> bool:
    """Whether WeChat said before that this browser is the follower's."""
    kept = request.cookies.get(cookie_name(door, visit, BOUND_COOKIE), "")
    until = kept.partition(".")[0]
    if not until.isascii() or not until.isdigit() or len(until) > 12:
        return False
    made = bound_value(door, visit, int(until))
    is_ours = hmac.compare_digest(kept.encode(), made.encode())
    return is_ours and int(until) > door.shop.clock.now().timestamp()


async def gate(request: Request, door: Door, visit: Visit) -> Response | None:
    """None for who may go on; else the way to WeChat's question, or where to open the link."""
    may_ask, bound = await door.run(lambda: (asks_platform(visit), is_bound(request, door, visit)))
    if not may_ask:
        return say(request, door, OTHER_BROWSER, visit) if await door.run(is_others, request, door, visit) else None
    if bound:
        return None
    if not is_in_wechat(request) and not api_base_of(door, visit):
        return say(request, door, IN_WECHAT_ONLY, visit)
    return to_wechat(door, visit) if request.method in {"GET", "HEAD"} else RedirectResponse(visit.url, 303)


def to_wechat(door: Door, visit: Visit) -> Response:
    """To WeChat's question, which sends the browser back to `/w/oauth`; no fragment of ours is in it (fault 102)."""
    state = new_state(door, visit.token)
    query = {
        "appid": visit.account.external_id,
        "redirect_uri": base_of(door, visit) + CALLBACK,
        "response_type": "code",
        "scope": "snsapi_base",
        "state": state,
    }
    base = api_base_of(door, visit) or AUTHORISE
    target = f"{base}/connect/oauth2/authorize?{urlencode(query)}#wechat_redirect"
    response = RedirectResponse(target, 302, headers=SAFE_HEADERS)
    set_cookie(response, door, visit, state_cookie(state), visit.token, STATE_LASTS)
    return response


async def callback(request: Request) -> Response:
    """WeChat sends somebody back: ask who it is (the worker does), and open the link's page for its own follower."""
    door: Door = request.app.state.door
    state, code = request.query_params.get("state", ""), request.query_params.get("code", "")
    token = token_of(request, door, state)
    try:
        visit = await door.run(visit_of, door, token)
        if not is_at_home(request, door, visit) or not await door.run(asks_platform, visit):
            raise NotFound("page")
    except NotFound:
        return say(request, door, OVER)
    return await answered(request, door, visit, state, code)


async def answered(request: Request, door: Door, visit: Visit, state: str, code: str) -> Response:
    """The page of a link, or why it does not open."""
    try:
        outcome = await asked(door, visit, state, code)
    except TooManyLogins:
        return say(request, door, TOO_MANY, visit)
    except (Invalid, StateUsed):
        return say(request, door, OVER)
    if outcome is LoginOutcome.OTHER:
        return say(request, door, OTHER_PERSON, visit)
    if outcome is not LoginOutcome.SAME:
        return say(request, door, NO_ANSWER, visit)
    return await admitted(door, visit, state)


async def admitted(door: Door, visit: Visit, state: str) -> Response:
    """To the page, with the cookie that binds this browser to its follower for the link's life."""
    now = await door.run(door.shop.clock.now)
    until = int(visit.link.expires_at.timestamp())
    response = RedirectResponse(visit.url, 303, headers=SAFE_HEADERS)
    seconds = max(1, until - int(now.timestamp()))
    set_cookie(response, door, visit, BOUND_COOKIE, bound_value(door, visit, until), seconds)
    response.delete_cookie(cookie_name(door, visit, state_cookie(state)), secure=is_https(door, visit), httponly=True)
    return response


async def asked(door: Door, visit: Visit, state: str, code: str) -> LoginOutcome | None:
    """What the worker was told; None where it did not answer in time.

    Raises `Invalid`, `StateUsed`, `TooManyLogins`, that also where much waits on the conversation already.
    """
    if door.wakes.waiting_on(visit.topic) > MOST_WAITS:
        raise TooManyLogins()
    now: datetime = await door.run(door.shop.clock.now)
    login_id: UUID = await door.run(lambda: begin_login(conversation_id=visit.chat.id, state=state, code=code, now=now))
    loop = asyncio.get_running_loop()
    end = loop.time() + WAIT
    with door.wakes.on(f"login:{login_id}", visit.topic) as waiting:
        while True:
            outcome = await door.run(lambda: login_outcome(login_id=login_id))
            left = end - loop.time()
            if outcome is not None or left <= 0 or door.wakes.is_closing:
                return outcome
            await waiting.rest(min(left, 2.0))


def new_state(door: Door, token: str) -> str:
    """A question's name, made for one link: 128 random bits and what proves the link. Letters and digits only."""
    nonce = secrets.token_hex(16)
    return nonce + proof_of(door, token, nonce)


def proof_of(door: Door, token: str, nonce: str) -> str:
    """What only the store can say of a link and a nonce."""
    named = b"keystall page state\x00" + f"{nonce}.{token}".encode()
    return hmac.new(door.session_key.reveal(), named, hashlib.sha256).hexdigest()[:32]


def state_cookie(state: str) -> str:
    """The cookie of one question: two links that are opened in one browser do not disturb each other."""
    return f"{STATE_COOKIE}_{hashlib.sha256(state.encode()).hexdigest()[:16]}"


def token_of(request: Request, door: Door, state: str) -> str:
    """The link that this browser was on its way to, if the state was made for it here; else nothing."""
    name = state_cookie(state)
    token = request.cookies.get(f"__Host-{name}", "") or request.cookies.get(name, "")
    is_ours = hmac.compare_digest(state[32:].encode(), proof_of(door, token, state[:32]).encode())
    return token if is_ours else ""


def bound_value(door: Door, visit: Visit, until: int) -> str:
    """The cookie that says whose browser it is, until when; only the store can make it."""
    named = b"keystall page login\x00" + visit.chat.identity_id.bytes + until.to_bytes(8, "big")
    return f"{until}.{hmac.new(door.session_key.reveal(), named, hashlib.sha256).hexdigest()}"


def api_base_of(door: Door, visit: Visit) -> str:
    """Where WeChat's addresses were moved to, if they were."""
    return (visit.asks_at or door.wechat_api_base).rstrip("/")
