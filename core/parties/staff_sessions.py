"""Sessions of the panel: who a cookie belongs to, for which party, with which roles now; and how they end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from core.actor import Actor, ActorKind
from core.audit import service as audit
from core.db import atomic, changed, execute
from core.errors import NotFound
from core.parties.rules import PartyKind
from core.parties.signing_in import IDLE, SignedIn, hashed, is_high, new_secret
from core.secret import Secret

SECRET = re.compile(rb"[A-Za-z0-9_-]{43}")
"""256 random bits, URL-safe base64 without padding."""

STEP_UP_LASTS = timedelta(minutes=5)
"""How long a second factor counts for acts that ask for it anew."""

SEEN_EVERY = timedelta(minutes=1)
"""A session's row is written at most this often, however many pages it reads."""

SESSION = """
SELECT s.id, s.staff_id, f.name, f.email, s.party_id, p.kind, p.code, p.names, p.status = 'applied',
       array(SELECT r.role FROM staff_role r WHERE r.staff_id = s.staff_id AND r.party_id = s.party_id),
       (SELECT count(DISTINCT r.party_id) FROM staff_role r WHERE r.staff_id = s.staff_id),
       s.seen_at, s.ends_at, s.second_at, t.confirmed_at IS NOT NULL, f.must_change
FROM staff_session s JOIN staff f ON f.id = s.staff_id JOIN party p ON p.id = s.party_id
LEFT JOIN staff_totp t ON t.staff_id = s.staff_id
WHERE s.secret_hash = %(hash)s AND s.ended_at IS NULL AND s.ends_at > %(now)s AND s.seen_at > %(idle)s
  AND f.disabled_at IS NULL AND p.status IN ('active', 'applied')
"""
SEEN = "UPDATE staff_session SET seen_at = %s WHERE id = %s AND ended_at IS NULL AND seen_at < %s"
END = "UPDATE staff_session SET ended_at = %s WHERE id = %s AND staff_id = %s AND ended_at IS NULL"
END_OTHERS = "UPDATE staff_session SET ended_at = %s WHERE staff_id = %s AND id <> %s AND ended_at IS NULL"
SECOND = (
    "UPDATE staff_session SET secret_hash = %s, second_at = %s, seen_at = %s"
    " WHERE id = %s AND staff_id = %s AND ended_at IS NULL AND ends_at > %s"
)
OPEN_SESSIONS = """
SELECT id, browser, network, created_at, seen_at, second_at IS NOT NULL FROM staff_session
WHERE staff_id = %s AND ended_at IS NULL AND ends_at > %s AND seen_at > %s ORDER BY seen_at DESC, id LIMIT 100
"""
PARTIES = """
SELECT DISTINCT p.id, p.kind, p.code, p.names FROM staff_role r JOIN party p ON p.id = r.party_id
WHERE r.staff_id = %s AND p.status = 'active' ORDER BY p.code
"""
SWITCH = (
    "UPDATE staff_session s SET party_id = %(party)s WHERE s.id = %(session)s AND s.staff_id = %(staff)s"
    " AND s.ended_at IS NULL AND EXISTS (SELECT 1 FROM staff_role r JOIN party p ON p.id = r.party_id"
    " WHERE r.staff_id = s.staff_id AND r.party_id = %(party)s AND p.status = 'active')"
)
FORGET_OLD = "DELETE FROM staff_session WHERE ends_at < %s"


@dataclass(frozen=True, slots=True)
class PartyName:
    """A party as its own people see it named."""

    id: int
    kind: PartyKind
    code: str
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class StaffSession:
    """Somebody signed in: who, for which party, with what roles at this moment, and what was proved so far."""

    id: UUID
    staff_id: UUID
    name: str
    email: str
    party: PartyName
    roles: frozenset[str]
    parties: int
    ends_at: datetime
    second_at: datetime | None
    has_second: bool
    must_change: bool = False  # the password is one that somebody else chose
    is_waiting: bool = field(default=False, kw_only=True)
    """Whether the party still asks to be let in: nothing but that is shown, and there are no roles yet."""

    @property
    def actor(self) -> Actor:
        """The person as the one who acts for this party."""
        return Actor(ActorKind.STAFF, id=self.staff_id, party_id=self.party.id, roles=self.roles)

    @property
    def lacks_second(self) -> bool:
        """Whether nothing but the second factor may be done now: it is set up, or must be, and was not shown yet."""
        return self.second_at is None and (self.has_second or is_high(self.roles))

    def is_stepped_up(self, now: datetime) -> bool:
        """Whether a second factor was shown within the last five minutes."""
        return self.second_at is not None and now - self.second_at < STEP_UP_LASTS


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One line of the list of a person's sessions."""

    id: UUID
    browser: str
    network: str
    created_at: datetime
    seen_at: datetime
    has_second: bool


def session_of(*, secret: Secret, now: datetime) -> StaffSession:
    """Who holds this cookie; says that it was seen, at most once a minute. Roles are read each time.

    Raises `NotFound` alike for an unknown, ended, idle, expired one, a closed login, a party that was closed.
    """
    if not SECRET.fullmatch(secret.reveal()):
        raise NotFound("session")
    rows = execute(SESSION, {"hash": hashed(secret), "now": now, "idle": now - IDLE})
    if not rows or not rows[0][9]:
        raise NotFound("session")
    id_, staff_id, name, email, party_id, kind, code, names, waits, roles, parties, seen_at, *proved = rows[0]
    if now - seen_at > SEEN_EVERY:
        changed(SEEN, (now, id_, now - SEEN_EVERY))
    party = PartyName(party_id, PartyKind(kind), code, names)
    return StaffSession(
        id_,
        staff_id,
        name,
        email,
        party,
        frozenset() if waits else frozenset(roles),
        parties,
        *proved,
        is_waiting=waits,
    )


def second_proved(*, session: StaffSession, now: datetime) -> SignedIn:
    """The vault said that the code was right: the session goes on under another secret, and counts as stepped up.

    Raises `NotFound` for one that ended meanwhile.
    """
    secret = new_secret()
    with atomic():
        if changed(SECOND, (hashed(secret), now, now, session.id, session.staff_id, now)) != 1:
            raise NotFound("session")
        _note(session, "staff.second_factor", session.id, now)
    return SignedIn(session.id, secret)


def end_session(*, session: StaffSession, which: UUID, now: datetime) -> None:
    """End one of the person's own sessions, this one too. Raises `NotFound` for a foreign, unknown or ended one."""
    with atomic():
        if changed(END, (now, which, session.staff_id)) != 1:
            raise NotFound("session")
        _note(session, "staff.session_ended", which, now)


def end_other_sessions(*, session: StaffSession, now: datetime) -> int:
    """End all of the person's sessions but this one; returns how many ended."""
    with atomic():
        ended = changed(END_OTHERS, (now, session.staff_id, session.id))
        _note(session, "staff.sessions_ended", session.id, now)
    return ended


def open_sessions(*, session: StaffSession, now: datetime) -> list[OpenSession]:
    """The person's sessions that still open something, the last seen first, at most 100."""
    return [OpenSession(*row) for row in execute(OPEN_SESSIONS, (session.staff_id, now, now - IDLE))]


def parties_of(*, session: StaffSession) -> Sequence[PartyName]:
    """The parties this person may act for."""
    return [
        PartyName(id_, PartyKind(kind), code, names) for id_, kind, code, names in execute(PARTIES, (session.staff_id,))
    ]


def act_for(*, session: StaffSession, party_id: int, now: datetime) -> None:
    """Go on for another of one's parties in this session. Raises `NotFound` for one that is not one's own."""
    with atomic():
        named = {"party": party_id, "session": session.id, "staff": session.staff_id}
        if changed(SWITCH, named) != 1:
            raise NotFound("party")
        audit.append(
            actor=session.actor, action="staff.party_changed", object_kind="session", object_id=session.id,
            party_id=party_id, now=now,
        )  # fmt: skip


def forget_old_sessions(*, now: datetime) -> int:
    """Sessions that ended go a month later; done by a sweep. Returns how many went."""
    return changed(FORGET_OLD, (now - timedelta(days=30),))


def reveal_refused(*, session: StaffSession, page: str, now: datetime) -> None:
    """Write down that somebody whose role may not see what is sealed asked a page for it (fault 84)."""
    audit.append(
        actor=session.actor, action="staff.reveal_refused", object_kind="page", object_id=page, now=now
    )  # fmt: skip


def _note(session: StaffSession, action: str, object_id: UUID, now: datetime) -> None:
    audit.append(actor=session.actor, action=action, object_kind="session", object_id=object_id, now=now)
