"""How a request proves which chat session it belongs to: Bearer for programs, a cookie for our own page."""

from __future__ import annotations

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from channels.web.door import Door
from channels.web.problems import Problem

IN_QUERY = ("token", "access_token", "session_token")
IN_ADDRESS = "A token in the address is refused, for addresses end up in logs: send it as Authorization: Bearer."
COOKIE_DAYS = 30


def cookie_name(door: Door, merchant: str) -> str:
    """One cookie per merchant; `__Host-` over https, so that no other host can plant one."""
    return f"{'__Host-' if door.is_https else ''}keystall_chat_{merchant}"


def set_cookie(door: Door, response: Response, merchant: str, token: str) -> None:
    """Give the token to our own page in a form that its scripts cannot read."""
    response.set_cookie(
        cookie_name(door, merchant),
        token,
        max_age=COOKIE_DAYS * 24 * 3600,
        httponly=True,
        samesite="strict",
        secure=door.is_https,
    )


def token_of(request: HTTPConnection, door: Door, merchant: str) -> str:
    """The session token of a request. Raises `Problem` 401 without one or with one in the address, 403 cross-site."""
    refuse_in_address(request)
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme:
        if scheme.lower() != "bearer" or not bearer.strip():
            raise Problem(401, headers={"WWW-Authenticate": "Bearer"})
        return bearer.strip()
    token = request.cookies.get(cookie_name(door, merchant), "")
    if not token:
        raise Problem(401, headers={"WWW-Authenticate": "Bearer"})
    check_same_site(request, door)
    return token


def refuse_in_address(request: HTTPConnection) -> None:
    """No door of the API takes a token in its address, not even one that needs none. Raises `Problem` 401."""
    if any(name in request.query_params for name in IN_QUERY):
        raise Problem(401, IN_ADDRESS, headers={"WWW-Authenticate": "Bearer"})


def check_same_site(request: HTTPConnection, door: Door) -> None:
    """A request that a cookie speaks for must come from our own page. Raises `Problem` 403."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None and site != "same-origin":
        raise Problem(403, "Requests with the page's cookie come from the page only.")
    if origin is not None and origin != door.origin_of(request):
        raise Problem(403, "Requests with the page's cookie come from the page only.")
    is_reading = isinstance(request, Request) and request.method in {"GET", "HEAD"}
    if site is None and origin is None and not is_reading:
        raise Problem(403, "Requests with the page's cookie must say where they come from.")
