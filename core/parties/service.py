"""Who takes part: platform, merchants, suppliers, their staff; the only way to fetch a party is through here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee
from argon2 import PasswordHasher
from psycopg.types.json import Jsonb

from core.actor import Actor
from core.audit import service as audit
from core.db import atomic, constraint, execute
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.ids import new_id
from core.parties.role_changes import give_roles
from core.parties.rules import (
    CODE,
    LONGEST_PASSWORD,
    ROLES_OF,
    PartyKind,
    Role,
    is_platform,
    may_change,
    may_see,
    may_see_to_people,
)
from core.secret import Secret
from core.titles import Names, checked_names, checked_title

__all__ = [
    "CodeTaken",
    "Merchant",
    "PartyKind",
    "PartyView",
    "Role",
    "access_party",
    "create_party",
    "create_staff",
    "find_merchant",
    "find_party",
    "is_platform",
    "may_see",
    "platform_id",
    "require_change",
    "require_platform",
]

CREATE = (
    "INSERT INTO party (kind, code, names, is_default, fee_basis_points, created_at)"
    " VALUES (%s, %s, %s, %s, %s, %s) RETURNING id"
)
FIND = "SELECT id, kind, code, names, status, fee_basis_points FROM party WHERE code = %s"
BY_ID = "SELECT id, kind, code, names, status, fee_basis_points FROM party WHERE id = %s"
MERCHANT = "SELECT id, code, names FROM party WHERE kind = 'merchant' AND status = 'active' AND code = %s"
DEFAULT_MERCHANT = "SELECT id, code, names FROM party WHERE kind = 'merchant' AND status = 'active' AND is_default"
PLATFORM = "SELECT id FROM party WHERE kind = 'platform'"
CREATE_STAFF = "INSERT INTO staff (id, email, name, password_hash, created_at) VALUES (%s, %s, %s, %s, %s)"
FIRST = "UPDATE staff SET must_change = true, handed_over_at = %s WHERE id = %s"


class CodeTaken(Conflict):
    """Another party, product, SKU or listing has this code, or another person this address."""


@dataclass(frozen=True, slots=True)
class Merchant:
    """A merchant that sells now."""

    id: int
    code: str
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class PartyView:
    """A party as those see it who may; the fee is in hundredths of a percent of the discounted price."""

    id: int
    kind: PartyKind
    code: str
    names: dict[str, str]
    status: str
    fee_basis_points: int


def create_party(
    *,
    actor: Actor,
    kind: PartyKind,
    code: str,
    names: Names,
    is_default: bool = False,
    fee_basis_points: int = 0,
    now: datetime,
) -> int:
    """Make a party and return its id; only the platform does. Raises `NotAllowed`, `Invalid`, `CodeTaken`."""
    require_platform(actor)
    if not CODE.fullmatch(code):
        raise Invalid(what="code")
    if not 0 <= fee_basis_points <= 10_000:
        raise Invalid(what="fee")
    row = (kind.value, code, Jsonb(checked_names(names, what="name")), is_default, fee_basis_points, now)
    with atomic():
        party_id = int(_insert(CREATE, row)[0][0])
        audit.append(
            actor=actor, action="party.created", object_kind="party", object_id=party_id, party_id=party_id, now=now
        )
    return party_id


def create_staff(
    *,
    actor: Actor,
    party_id: int,
    email: str,
    name: str,
    password: Secret,
    roles: frozenset[Role],
    is_first: bool = False,
    now: datetime,
) -> UUID:
    """Give a person a login (argon2) with roles at one party; its owner does, or the platform's. Returns the staff id.

    `is_first`: the password is one that somebody else knows, so its person sets another before anything else. Raises
    `NotAllowed`, `NotFound`, `Invalid` (address, name, password under 12 or over 200 bytes, a role that the kind of
    party does not have), `CodeTaken` (the address has a login already).
    """
    party = access_party(actor=actor, party_id=party_id)
    if not may_see_to_people(actor, party_id):
        raise NotAllowed()
    if not roles or not roles <= ROLES_OF[party.kind]:
        raise Invalid(what="role")
    email = checked_title(email, what="email").lower()
    if "@" not in email[1:-1]:
        raise Invalid(what="email")
    if not 12 <= len(password.reveal()) <= LONGEST_PASSWORD:
        raise Invalid(what="password")
    staff_id = new_id()
    hashed = PasswordHasher().hash(password.reveal())
    with atomic():
        _insert(CREATE_STAFF, (staff_id, email, checked_title(name, what="name"), hashed, now))
        give_roles(actor=actor, staff_id=staff_id, party_id=party_id, roles=roles, now=now)
        if is_first:
            execute(FIRST, (now, staff_id))
        audit.append(
            actor=actor, action="staff.created", object_kind="staff", object_id=staff_id, party_id=party_id, now=now
        )
    return staff_id


def find_merchant(code: str | None) -> Merchant:
    """The active merchant of this code, or the default one for None. Raises `NotFound`."""
    if code is not None and not CODE.fullmatch(code):
        raise NotFound("merchant")
    rows = execute(DEFAULT_MERCHANT) if code is None else execute(MERCHANT, (code,))
    if not rows:
        raise NotFound("merchant")
    return Merchant(*rows[0])


def find_party(*, code: str) -> PartyView:
    """The party of this code, for the command line and the store itself. Raises `NotFound`."""
    return _party(execute(FIND, (code,)) if CODE.fullmatch(code) else [])


def access_party(*, actor: Actor, party_id: int) -> PartyView:
    """A party that the actor may see. Raises `NotFound`, the same for missing and foreign."""
    if not may_see(actor, party_id):
        raise NotFound("party")
    return _party(execute(BY_ID, (party_id,)))


def platform_id() -> int:
    """The id of the one platform party. Raises `NotFound` in a database that has none yet."""
    rows = execute(PLATFORM)
    if not rows:
        raise NotFound("platform")
    return int(rows[0][0])


def require_platform(actor: Actor) -> None:
    """Raises `NotAllowed` unless the actor runs the installation."""
    if not is_platform(actor):
        raise NotAllowed()


def require_change(actor: Actor, party_id: int, role: Role, *, what: str) -> None:
    """Raises `NotFound(what)` for a party the actor cannot see, `NotAllowed` where it sees but may not change."""
    if not may_see(actor, party_id):
        raise NotFound(what)
    if not may_change(actor, party_id, role):
        raise NotAllowed()


def _party(rows: list[tuple[Any, ...]]) -> PartyView:
    if not rows:
        raise NotFound("party")
    party_id, kind, *rest = rows[0]
    return PartyView(party_id, PartyKind(kind), *rest)


def _insert(statement: str, row: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    try:
        with atomic():
            return execute(statement, row)
    except peewee.IntegrityError as error:
        if constraint(error) in ("party_code_key", "party_one_platform", "party_one_default", "staff_email_key"):
            raise CodeTaken() from None
        raise
