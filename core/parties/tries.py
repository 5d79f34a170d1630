"""Wrong passwords are counted in the database, per address and per network: a flushed Redis clears none."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.db import changed, execute

WINDOW = timedelta(minutes=15)
"""Wrong tries further apart than this do not add up; and how long a subject is blocked then."""

BLOCKED = "SELECT max(blocked_until) FROM sign_in_try WHERE subject = ANY (%s) AND blocked_until > %s"
WRONG = """
INSERT INTO sign_in_try AS t (subject, wrong, since, blocked_until)
VALUES (%(subject)s, 1, %(now)s, CASE WHEN %(allowed)s <= 1 THEN %(until)s END)
ON CONFLICT (subject) DO UPDATE SET
    wrong = CASE WHEN t.since < %(begun)s THEN 1 ELSE t.wrong + 1 END,
    since = CASE WHEN t.since < %(begun)s THEN %(now)s ELSE t.since END,
    blocked_until = CASE WHEN t.since >= %(begun)s AND t.wrong + 1 >= %(allowed)s
                         THEN %(until)s ELSE t.blocked_until END
"""
FORGET = "DELETE FROM sign_in_try WHERE subject = ANY (%s)"
FORGET_OLD = "DELETE FROM sign_in_try WHERE since < %s AND (blocked_until IS NULL OR blocked_until < %s)"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose tries are counted, as a hash: the table names nobody. `allowed` wrong ones within the window block it."""

    digest: bytes
    allowed: int

    @classmethod
    def address(cls, email: str) -> Subject:
        """One login, known or not: five tries."""
        return cls(_digest("address", email), 5)

    @classmethod
    def network(cls, network: str) -> Subject:
        """Everybody of one network: thirty tries, since an office shares one."""
        return cls(_digest("network", network), 30)

    @classmethod
    def applying(cls, network: str) -> Subject:
        """Whoever asks to be let in from one network: ten tries, right or wrong."""
        return cls(_digest("applying", network), 10)


def blocked_until(subjects: Sequence[Subject], *, now: datetime) -> datetime | None:
    """Until when none of these may try again; None where all may."""
    until: datetime | None = execute(BLOCKED, ([one.digest for one in subjects], now))[0][0]
    return until


def note_wrong(subjects: Sequence[Subject], *, now: datetime) -> None:
    """Count a wrong try for each of them; the one too many blocks for a quarter of an hour."""
    for one in sorted(subjects, key=lambda subject: subject.digest):
        named = {
            "subject": one.digest,
            "allowed": one.allowed,
            "now": now,
            "begun": now - WINDOW,
            "until": now + WINDOW,
        }
        execute(WRONG, named)


def forget_tries(subjects: Sequence[Subject]) -> None:
    """A right password ends the count of its address."""
    execute(FORGET, ([one.digest for one in subjects],))


def forget_old_tries(*, now: datetime) -> int:
    """What no window holds any more goes; done by a sweep. Returns how many went."""
    return changed(FORGET_OLD, (now - WINDOW, now))


def _digest(kind: str, said: str) -> bytes:
    return hashlib.sha256(f"{kind} {said}".encode()).digest()
