"""Whether who opened a page's link is the one it was made for: the platform is asked, by the worker.

Whoever has a link can bring codes, and each makes the worker call the platform once: a conversation has a few in ten
minutes, and no more.
"""

from __future__ import annotations

import hmac
import re
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import peewee

from core.connections.chats import read_address
from core.conversations.sessions import find_conversation, hashed
from core.db import changed, constraint, execute, in_transaction, wake
from core.errors import Conflict, Invalid, Limited, NotFound
from core.ids import new_id
from core.ports import Identifier
from core.secret import Secret
from core.waking import DOORS
from core.work import Work, enqueue

CODE = re.compile(r"[A-Za-z0-9_-]{1,512}")
MOST_LOGINS = 5
"""Of one conversation in `COUNTED`: a browser that was let in stays for its link's life, so few need a second."""

COUNTED = timedelta(minutes=10)

TURN = "SELECT pg_advisory_xact_lock(7106, hashtext(%s))"
BEGUN = "SELECT count(*) FROM page_login WHERE conversation_id = %s AND created_at > %s"

BEGIN = "INSERT INTO page_login (id, conversation_id, state_hash, code, created_at) VALUES (%s, %s, %s, %s, %s)"
TAKE = """
UPDATE page_login l SET code = NULL FROM page_login old
WHERE l.id = %s AND old.id = l.id AND l.outcome IS NULL AND l.code IS NOT NULL
RETURNING old.conversation_id, old.code
"""
END = "UPDATE page_login SET outcome = %s, ended_at = %s WHERE id = %s AND outcome IS NULL"
OUTCOME = "SELECT outcome FROM page_login WHERE id = %s"


class StateUsed(Conflict):
    """This answer of the platform was brought before."""


class TooManyLogins(Limited):
    """The platform was asked about this conversation often enough for now."""


class LoginOutcome(StrEnum):
    """What the platform said of who opened the page."""

    SAME = "same"  # the one the link was made for
    OTHER = "other"  # somebody else
    FAILED = "failed"  # no answer, or the code was not good: it may be tried again


def begin_login(*, conversation_id: UUID, state: str, code: str, now: datetime) -> UUID:
    """The platform sent somebody back with a code: have the worker ask who it is; returns the login's id.

    A state is used once. Raises `StateUsed`, `TooManyLogins`, `Invalid` for what is no code.
    """
    if not CODE.fullmatch(code):
        raise Invalid(what="code")
    login_id = new_id()

    def work() -> UUID:
        execute(TURN, (str(conversation_id),))  # else as many as come at once are counted before any is written
        if execute(BEGUN, (conversation_id, now - COUNTED))[0][0] >= MOST_LOGINS:
            raise TooManyLogins()
        execute(BEGIN, (login_id, conversation_id, hashed(state), code, now))
        enqueue(Work.WECHAT_LOGIN, login_id)
        return login_id

    try:
        return in_transaction(work)
    except peewee.IntegrityError as error:
        if constraint(error) == "page_login_state_hash_key":
            raise StateUsed() from None
        raise


def login_outcome(*, login_id: UUID) -> LoginOutcome | None:
    """How a login ended; None while the platform is being asked. Raises `NotFound`."""
    rows = execute(OUTCOME, (login_id,))
    if not rows:
        raise NotFound("login")
    return LoginOutcome(rows[0][0]) if rows[0][0] else None


def finish_login(*, login_id: UUID, identifier: Identifier, now: datetime) -> LoginOutcome | None:
    """The worker's part: exchange the code, once, and compare; None for a login that is unknown or was taken before.

    The code is gone from the table before the platform is asked.
    """
    taken = in_transaction(lambda: execute(TAKE, (login_id,)))
    if not taken:
        return None
    conversation_id, code = taken[0]
    address = read_address(find_conversation(conversation_id=conversation_id).chat_address)
    openid = identifier.identify(address.account_id, Secret(code)) if address is not None else None
    if openid is None or address is None:
        outcome = LoginOutcome.FAILED
    else:
        is_same = hmac.compare_digest(openid.encode(), address.chat.encode())
        outcome = LoginOutcome.SAME if is_same else LoginOutcome.OTHER
    if changed(END, (outcome.value, now, login_id)):
        wake(DOORS, f"login:{login_id}")
    return outcome
