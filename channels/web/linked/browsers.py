"""The cookies of a chat's pages, and whose browser a link is where WeChat cannot be asked who opens it.

Such a link is all the proof there is, and it can be forwarded: so it belongs to the first browser that presses
something on its page, and opens in no other from then on. Opening a page claims nothing (fault 101).
"""

from __future__ import annotations

import re
import secrets

from starlette.requests import Request
from starlette.responses import Response

from channels.web.door import Door
from channels.web.linked.visits import Visit, base_of
from core.conversations.pages import claim_link, may_open

COOKIE = "keystall_browser"
LASTS = 3600  # seconds from the last page; a link lasts a quarter of that
BROWSER = re.compile(r"[0-9a-f]{32}")


def browser_of(request: Request, door: Door, visit: Visit) -> str:
    """What a page told this browser to call itself; empty where it told it nothing."""
    kept = request.cookies.get(cookie_name(door, visit, COOKIE), "")
    return kept if BROWSER.fullmatch(kept) else ""


def is_others(request: Request, door: Door, visit: Visit) -> bool:
    """Whether another browser has pressed something on this link's page."""
    return not may_open(token=visit.token, browser=browser_of(request, door, visit))


def claimed(request: Request, door: Door, visit: Visit) -> bool:
    """Make the link this browser's; False where it is another's, or the browser keeps no cookie of ours."""
    browser = browser_of(request, door, visit)
    return bool(browser) and claim_link(token=visit.token, browser=browser)


def keep_browser(request: Request, response: Response, door: Door, visit: Visit) -> None:
    """Have a browser that was shown a page keep its name."""
    browser = browser_of(request, door, visit) or secrets.token_hex(16)
    set_cookie(response, door, visit, COOKIE, browser, LASTS)


def is_https(door: Door, visit: Visit) -> bool:
    """Whether the account's pages are reached over https."""
    return base_of(door, visit).startswith("https://")


def cookie_name(door: Door, visit: Visit, name: str) -> str:
    """`__Host-` over https, so that no other host can plant one."""
    return f"__Host-{name}" if is_https(door, visit) else name


def set_cookie(response: Response, door: Door, visit: Visit, name: str, value: str, seconds: int) -> None:
    """A cookie that scripts cannot read and other sites do not send along."""
    response.set_cookie(
        cookie_name(door, visit, name),
        value,
        max_age=seconds,
        httponly=True,
        samesite="lax",
        secure=is_https(door, visit),
    )
