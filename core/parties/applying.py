"""Asking to be let in: a party that waits for the platform, with a login that sees only that it waits.

Anybody may ask, so it is bounded: few from one network, so many open at once. Whether an address has a login already is
not told: then the application stands without one, and no role is given to whoever owns that address.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import peewee
from argon2 import PasswordHasher
from psycopg.types.json import Jsonb

from core.actor import SYSTEM
from core.audit import service as audit
from core.db import atomic, constraint, execute
from core.errors import Invalid, Limited
from core.ids import new_id
from core.parties.rules import CODE, LONGEST_PASSWORD, PartyKind, Role
from core.parties.service import CodeTaken
from core.parties.signing_in import From
from core.parties.tries import Subject, blocked_until, note_wrong
from core.secret import Secret
from core.titles import Names, checked_names, checked_text, checked_title

PER_NETWORK = 3
"""Applications from one network within a day: more is somebody who fills the list."""

DAY = timedelta(days=1)

OPEN_AT_ONCE = 200
"""Applications that wait: the platform looks at them before more are taken."""

SHORTEST_PASSWORD = 12
LONGEST_SELLS = 2000
MAY_APPLY = frozenset({PartyKind.MERCHANT, PartyKind.SUPPLIER})
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(7197, 0)"
COUNTED = """
SELECT (SELECT count(*) FROM party_application WHERE network_hash = %s AND applied_at > %s),
       (SELECT count(*) FROM (SELECT 1 FROM party WHERE status = 'applied' LIMIT %s) p)
"""
PARTY = "INSERT INTO party (kind, code, names, status, created_at) VALUES (%s, %s, %s, 'applied', %s) RETURNING id"
STAFF = """
INSERT INTO staff (id, email, name, password_hash, created_at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (email) DO NOTHING RETURNING id
"""
ROLE = "INSERT INTO staff_role (staff_id, party_id, role) VALUES (%s, %s, %s)"
APPLICATION = """
INSERT INTO party_application (party_id, contact, email, sells, network_hash, staff_id, applied_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""


class TooManyApplications(Limited):
    """Too many from this network, or too many that wait already: another day."""


@dataclass(frozen=True, slots=True)
class Application:
    """What somebody says who asks to be let in; `code` is what stands in addresses, `sells` what it would sell."""

    kind: PartyKind
    code: str
    names: Names
    contact: str
    email: str
    password: Secret
    sells: str


def apply_for_party(*, said: Application, came_from: From, now: datetime) -> int:
    """Make a party that waits (`applied`) and, unless the address has a login, its owner's login. Returns its id.

    The answer is the same for a known address. Raises `Invalid` (kind, code, name, contact, email, password, sells),
    `CodeTaken`, `TooManyApplications`.
    """
    said = _checked(said)
    network = hashlib.sha256(f"applying {came_from.network}".encode()).digest()
    _count(came_from, now)
    _require_room(network, now)
    hashed = PasswordHasher().hash(said.password.reveal())  # also for a known address: it takes as long
    try:
        with atomic():
            execute(ONE_AT_A_TIME)
            _require_room(network, now)
            return _written(said, network, hashed, now)
    except peewee.IntegrityError as error:
        if constraint(error) != "party_code_key":
            raise
        raise CodeTaken() from None


def _checked(said: Application) -> Application:
    if said.kind not in MAY_APPLY:
        raise Invalid(what="kind")
    if not CODE.fullmatch(said.code):
        raise Invalid(what="code")
    email = checked_title(said.email, what="email", most=320).lower()
    if not ADDRESS.fullmatch(email):
        raise Invalid(what="email")
    if not SHORTEST_PASSWORD <= len(said.password.reveal()) <= LONGEST_PASSWORD:
        raise Invalid(what="password")
    sells = checked_text(said.sells.replace("\r\n", "\n").strip(), what="sells", most=LONGEST_SELLS)
    if not sells:
        raise Invalid(what="sells")
    names, contact = checked_names(said.names, what="name"), checked_title(said.contact, what="contact")
    return Application(said.kind, said.code, names, contact, email, said.password, sells)


def _count(came_from: From, now: datetime) -> None:
    """Each try counts, as wrong passwords do: ten within a quarter of an hour block a network."""
    subjects = (Subject.applying(came_from.network),)
    if blocked_until(subjects, now=now) is not None:
        raise TooManyApplications()
    note_wrong(subjects, now=now)


def _require_room(network: bytes, now: datetime) -> None:
    of_network, waiting = execute(COUNTED, (network, now - DAY, OPEN_AT_ONCE))[0]
    if of_network >= PER_NETWORK or waiting >= OPEN_AT_ONCE:
        raise TooManyApplications()


def _written(said: Application, network: bytes, hashed: str, now: datetime) -> int:
    party_id = int(execute(PARTY, (said.kind.value, said.code, Jsonb(dict(said.names)), now))[0][0])
    new = execute(STAFF, (new_id(), said.email, said.contact, hashed, now))
    staff_id: UUID | None = new[0][0] if new else None
    if staff_id is not None:
        execute(ROLE, (staff_id, party_id, Role.OWNER.value))
    execute(APPLICATION, (party_id, said.contact, said.email, said.sells, network, staff_id, now))
    audit.append(
        actor=SYSTEM, action="party.applied", object_kind="party", object_id=party_id, party_id=party_id, now=now
    )
    return party_id
