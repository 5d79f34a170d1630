"""Signing in to the panel: an address and a password, answered the same way for all that does not fit."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.actor import Actor, ActorKind
from core.audit import service as audit
from core.db import atomic, changed, execute
from core.errors import Invalid, Limited, NotAllowed, NotFound
from core.ids import new_id
from core.parties.rules import LONGEST_PASSWORD, PLATFORM_ROLES, Role
from core.parties.service import require_platform
from core.parties.tries import Subject, blocked_until, forget_tries, note_wrong
from core.secret import Secret

ABSOLUTE = timedelta(hours=12)
"""How long a session lasts, however much it is used."""

IDLE = timedelta(minutes=30)
"""How long a session lasts that nobody uses."""

BY_EMAIL = """
SELECT s.id, s.password_hash, s.disabled_at IS NOT NULL,
       (SELECT array_agg(r.party_id ORDER BY p.status, r.party_id) FROM staff_role r JOIN party p ON p.id = r.party_id
        WHERE r.staff_id = s.id AND p.status IN ('active', 'applied'))
FROM staff s WHERE s.email = %s
"""
OPEN = """
INSERT INTO staff_session (id, staff_id, party_id, secret_hash, browser, network, created_at, seen_at, ends_at)
SELECT %s, id, %s, %s, %s, %s, %s, %s, %s FROM staff
WHERE id = %s AND password_hash = %s AND disabled_at IS NULL FOR SHARE
RETURNING 1
"""
"""Looked at again: a password that was taken away while it was being tried begins no session that outlives it."""


class WrongSignIn(NotAllowed):
    """Address or password is wrong, or the login was closed: which of them is not told."""


class TooManyTries(Limited):
    """Too many wrong tries for this address or from this network; `minutes` until the next one counts."""


@dataclass(frozen=True, slots=True)
class From:
    """Where a request comes from: what its owner will know again in the list of sessions."""

    browser: str
    network: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session; the secret is shown this one time, to the browser's cookie."""

    session_id: UUID
    secret: Secret = field(repr=False)


def sign_in(*, email: str, password: Secret, came_from: From, now: datetime) -> SignedIn:
    """Begin a session for whoever knows the password of this login; it acts for the first of the person's parties.

    Raises `WrongSignIn` for an unknown address, a wrong password, a closed login, one without a party, all alike and in
    the same time; `TooManyTries` after five wrong ones for an address or thirty from a network, for fifteen minutes.
    """
    email = email.strip().lower()[:320]
    subjects = (Subject.address(email), Subject.network(came_from.network))
    _require_tries_left(subjects, now)
    rows = execute(BY_EMAIL, (email,)) if "\0" not in email else []  # which no text of the database has
    staff_id, kept, is_closed, parties = rows[0] if rows else (None, _nobodys_hash(), True, None)
    fits = verify(kept, password)
    if staff_id is None or is_closed or not parties or not fits:
        note_wrong(subjects, now=now)
        raise WrongSignIn()
    _require_tries_left(subjects, now)  # many at once: the right one among them counts only before the sixth
    secret = new_secret()
    session_id = new_id()
    with atomic():
        forget_tries(subjects[:1])
        row = (session_id, parties[0], hashed(secret), came_from.browser[:80], came_from.network[:64])
        if not execute(OPEN, (*row, now, now, now + ABSOLUTE, staff_id, kept)):
            raise WrongSignIn()
        actor = Actor(ActorKind.STAFF, id=staff_id, party_id=parties[0])
        audit.append(actor=actor, action="staff.signed_in", object_kind="session", object_id=session_id, now=now)
    return SignedIn(session_id, secret)


def _require_tries_left(subjects: Sequence[Subject], now: datetime) -> None:
    until = blocked_until(subjects, now=now)
    if until is not None:
        raise TooManyTries(minutes=max(1, -int(-(until - now).total_seconds() // 60)))


def replace_password(*, actor: Actor, staff_id: UUID, password: Secret, now: datetime) -> bool:
    """Give a login another password and end its sessions; only the platform does, for others. False if it is the same.

    Raises `NotAllowed`, `NotFound`, `Invalid` for one under 12 characters or over `LONGEST_PASSWORD`.
    """
    require_platform(actor)
    if not 12 <= len(password.reveal()) <= LONGEST_PASSWORD:
        raise Invalid(what="password")
    rows = execute("SELECT password_hash FROM staff WHERE id = %s", (staff_id,))
    if not rows:
        raise NotFound("staff")
    if verify(rows[0][0], password):
        return False
    with atomic():
        changed(
            "UPDATE staff SET password_hash = %s WHERE id = %s", (PasswordHasher().hash(password.reveal()), staff_id)
        )
        changed("UPDATE staff_session SET ended_at = %s WHERE staff_id = %s AND ended_at IS NULL", (now, staff_id))
        audit.append(actor=actor, action="staff.password_replaced", object_kind="staff", object_id=staff_id, now=now)
    return True


def verify(kept: str, password: Secret) -> bool:
    """Whether a password is the one of an argon2 hash; false for one that is empty or absurdly long."""
    given = password.reveal()
    if not 0 < len(given) <= LONGEST_PASSWORD:
        return False
    try:
        return PasswordHasher().verify(kept, given)
    except (VerificationError, InvalidHashError):
        return False


def new_secret() -> Secret:
    """256 random bits for a session's cookie, in the letters of an address."""
    return Secret(secrets.token_urlsafe(32))


def hashed(secret: Secret) -> bytes:
    """SHA-256 of a session's secret: what the table keeps, and what it is found by."""
    return hashlib.sha256(secret.reveal()).digest()


def is_high(roles: frozenset[str]) -> bool:
    """Whether these roles must have a second factor: owners, the platform's people, and who moves money."""
    return bool(roles & (PLATFORM_ROLES | {Role.OWNER, Role.FINANCE}))


@cache
def _nobodys_hash() -> str:
    """A hash that nothing fits, as dear to try as a real one: an unknown address takes as long as a known one."""
    return PasswordHasher().hash(secrets.token_urlsafe(32))
