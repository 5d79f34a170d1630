"""Links from a chat to a page of its own: an opaque token for one conversation and one purpose, for a short while."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.conversations.buttons import TOKEN, Params, mint_buttons
from core.conversations.sessions import hashed
from core.db import changed, execute
from core.errors import NotFound

LASTS = timedelta(minutes=15)
"""How long a link opens its page."""

PREFIX = "page:"
"""What tells a link's row from a button's: neither can be used as the other."""

CLAIM = """
INSERT INTO page_browser (token_hash, browser_hash) SELECT token_hash, %s FROM button WHERE token_hash = %s
ON CONFLICT (token_hash) DO NOTHING
"""
CLAIMED = "SELECT browser_hash FROM page_browser WHERE token_hash = %s"
READ = """
SELECT b.conversation_id, b.intent, b.params, b.expires_at FROM button b
WHERE b.token_hash = %s AND b.intent LIKE 'page:%%' AND b.expires_at > %s
"""


@dataclass(frozen=True, slots=True)
class PageLink:
    """What a link opens: `kind` and `params` as the chat made it, for whoever has the conversation."""

    conversation_id: UUID
    kind: str
    params: Mapping[str, str | int]
    expires_at: datetime
    submission: str  # the name under which what is done on the page has one effect


def mint_link(*, conversation_id: UUID, kind: str, params: Params, now: datetime) -> str:
    """The token (128 random bits) of a new link, in the caller's transaction or its own; only its hash is stored."""
    intents = [(PREFIX + kind, params)]
    return mint_buttons(conversation_id=conversation_id, intents=intents, now=now, ttl=LASTS)[0]


def read_link(*, token: str, now: datetime) -> PageLink:
    """What a token opens. Raises `NotFound` for an unknown or expired one, and for a button's, alike."""
    rows = execute(READ, (hashed(token), now)) if TOKEN.fullmatch(token) else []
    if not rows:
        raise NotFound("page")
    conversation_id, intent, params, expires_at = rows[0]
    submission = f"page:{hashlib.sha256(token.encode()).hexdigest()}"
    return PageLink(conversation_id, intent.removeprefix(PREFIX), params, expires_at, submission)


def claim_link(*, token: str, browser: str) -> bool:
    """Make a link that opens this browser's, unless it is another's already; whether it is this one's now."""
    changed(CLAIM, (hashed(browser), hashed(token)))
    return may_open(token=token, browser=browser)


def may_open(*, token: str, browser: str) -> bool:
    """Whether a link is this browser's, or nobody's yet."""
    rows = execute(CLAIMED, (hashed(token),))
    return not rows or hmac.compare_digest(bytes(rows[0][0]), hashed(browser))
