"""One's own password: asked for before it gives way to another, which ends every other session."""

from __future__ import annotations

import secrets
from datetime import datetime

from argon2 import PasswordHasher

from core.audit import service as audit
from core.db import atomic, changed, execute
from core.errors import Invalid, NotAllowed
from core.parties.rules import LONGEST_PASSWORD
from core.parties.signing_in import TooManyTries, verify
from core.parties.staff_sessions import END_OTHERS, StaffSession
from core.parties.tries import Subject, blocked_until, forget_tries, note_wrong
from core.secret import Secret

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Of first passwords: none that people take for another when they read or hear it."""

KEPT = "SELECT password_hash FROM staff WHERE id = %s"
CHANGE = "UPDATE staff SET password_hash = %s, must_change = false WHERE id = %s AND password_hash = %s"


class WrongPassword(NotAllowed):
    """This is not the password that the login has now."""


class SamePassword(Invalid):
    """The new password is the old one."""


def first_password() -> Secret:
    """A password for somebody else to begin with: 20 letters and digits in fives, 99 bits."""
    return Secret("-".join("".join(secrets.choice(LETTERS) for _ in range(5)) for _ in range(4)))


def change_password(*, session: StaffSession, old: Secret, new: Secret, now: datetime) -> None:
    """Another password for whoever is signed in and knows the old one; every other session of the person ends.

    Raises `WrongPassword`, `TooManyTries` (counted together with sign-ins), `Invalid` for one under 12 or over 200
    bytes, `SamePassword`.
    """
    if not 12 <= len(new.reveal()) <= LONGEST_PASSWORD:
        raise Invalid(what="password")
    subjects = (Subject.address(session.email),)
    until = blocked_until(subjects, now=now)
    if until is not None:
        raise TooManyTries(minutes=max(1, -int(-(until - now).total_seconds() // 60)))
    kept = str(execute(KEPT, (session.staff_id,))[0][0])
    if not verify(kept, old):
        note_wrong(subjects, now=now)
        raise WrongPassword()
    if old.reveal() == new.reveal():
        raise SamePassword(what="password_same")
    hashed = PasswordHasher().hash(new.reveal())
    with atomic():
        if changed(CHANGE, (hashed, session.staff_id, kept)) != 1:
            raise WrongPassword()
        forget_tries(subjects)
        changed(END_OTHERS, (now, session.staff_id, session.id))
        audit.append(
            actor=session.actor,
            action="staff.password_changed",
            object_kind="staff",
            object_id=session.staff_id,
            now=now,
        )
