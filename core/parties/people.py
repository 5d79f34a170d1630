"""A party's people: their roles, logins that are closed and opened again, first passwords; by its owner's hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from argon2 import PasswordHasher

from core.actor import Actor, ActorKind
from core.audit import service as audit
from core.db import atomic, changed, execute, in_transaction
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.parties.role_changes import give_roles, take_roles
from core.parties.rules import (
    PLATFORM_ROLES,
    ROLES_OF,
    PartyKind,
    Role,
    is_platform,
    may_see,
    may_see_to_people,
    owner_role,
)
from core.parties.service import access_party
from core.secret import Secret

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(7185, hashint8(p)) FROM unnest(%s::bigint[]) p ORDER BY p"
"""Whoever changes people of a party waits for whoever does: two owners who take each other's role leave one."""

PERSON = "SELECT disabled_at IS NOT NULL FROM staff WHERE id = %s FOR UPDATE"
PLACES = """
SELECT r.party_id, p.kind, array_agg(r.role) FROM staff_role r JOIN party p ON p.id = r.party_id
WHERE r.staff_id = %s GROUP BY r.party_id, p.kind ORDER BY r.party_id
"""
OTHER_OWNERS = """
SELECT count(*) FROM staff_role r JOIN staff s ON s.id = r.staff_id
WHERE r.party_id = %s AND r.role = %s AND s.id <> %s AND s.disabled_at IS NULL
"""
CLOSE = "UPDATE staff SET disabled_at = %s WHERE id = %s AND disabled_at IS NULL"
REOPEN = "UPDATE staff SET disabled_at = NULL WHERE id = %s AND disabled_at IS NOT NULL"
END_SESSIONS = "UPDATE staff_session SET ended_at = %s WHERE staff_id = %s AND ended_at IS NULL"
HAND_OVER = """
UPDATE staff SET password_hash = coalesce(%(hash)s, password_hash), must_change = must_change OR %(hash)s IS NOT NULL,
       handed_over_at = %(now)s WHERE id = %(staff)s
"""


class LastOwner(Conflict):
    """Nobody else is an owner of the party: without one nobody could see to its people any more."""


class OnesOwn(NotAllowed):
    """One's own roles and login are another owner's to change."""


class WorksElsewhere(NotAllowed):
    """The person has roles at another party too: one party's owner closes no login that another needs."""


class OnlyRoles(Conflict):
    """These are the only roles of the person: a login without any opens nothing and is found by nobody; close it."""


def set_roles(*, actor: Actor, staff_id: UUID, party_id: int, roles: frozenset[Role], now: datetime) -> None:
    """Give a person of a party exactly these roles there; each that comes or goes is audited. None takes all away.

    Raises `NotFound`, `NotAllowed`, `OnesOwn` (but the platform's owner changes his own), `Invalid` for a role that the
    party's kind has not, `LastOwner`, `OnlyRoles`.
    """
    kind = access_party(actor=actor, party_id=party_id).kind

    def work() -> None:
        _, places = _a_person(actor, staff_id, party_id)
        if not roles <= ROLES_OF[kind]:
            raise Invalid(what="role")
        if actor.id == staff_id and not is_platform(actor):
            raise OnesOwn()
        has = {Role(role) for place, _, held in places if place == party_id for role in held}
        if not roles and len(places) == 1:
            raise OnlyRoles()
        if owner_role(kind) in has - roles:
            _require_another_owner(party_id, kind, staff_id)
        same: dict[str, Any] = {"actor": actor, "staff_id": staff_id, "party_id": party_id, "now": now}
        take_roles(roles=has - roles, **same)
        give_roles(roles=roles - has, **same)

    in_transaction(work)


def close_login(*, actor: Actor, staff_id: UUID, party_id: int, now: datetime) -> None:
    """End a person's sessions and let nobody in by this login until it is opened again; its roles stay.

    Raises `NotFound`, `NotAllowed`, `OnesOwn`, `WorksElsewhere`, `LastOwner`, `Conflict` where it is closed.
    """

    def work() -> None:
        _, places = _a_whole_person(actor, staff_id, party_id)
        for place, kind, held in places:
            if owner_role(PartyKind(kind)) in held:
                _require_another_owner(place, PartyKind(kind), staff_id)
        if changed(CLOSE, (now, staff_id)) != 1:
            raise Conflict()
        execute(END_SESSIONS, (now, staff_id))
        _note(actor, "staff.closed", staff_id, party_id, now)

    in_transaction(work)


def reopen_login(*, actor: Actor, staff_id: UUID, party_id: int, now: datetime) -> None:
    """A closed login opens again, with the password and the roles that it had.

    Raises `NotFound`, `NotAllowed`, `OnesOwn`, `WorksElsewhere`, `Conflict` where it is open.
    """

    def work() -> None:
        _a_whole_person(actor, staff_id, party_id)
        if changed(REOPEN, (staff_id,)) != 1:
            raise Conflict()
        _note(actor, "staff.reopened", staff_id, party_id, now)

    in_transaction(work)


def give_first_password(*, actor: Actor, staff_id: UUID, party_id: int, password: Secret, now: datetime) -> None:
    """For whoever forgot the own one: ends all sessions; the person sets another at the next sign-in.

    An owner does it for people without a say over money or people; for those the platform's owner, since who has the
    password is most of somebody. Raises `NotFound`, `NotAllowed`, `OnesOwn`, `WorksElsewhere`, `Invalid`.
    """
    if not 12 <= len(password.reveal()) <= 200:
        raise Invalid(what="password")
    hashed = PasswordHasher().hash(password.reveal())

    def work() -> None:
        _, places = _a_whole_person(actor, staff_id, party_id)
        held = {role for _, _, roles in places for role in roles}
        if held & (PLATFORM_ROLES | {Role.OWNER, Role.FINANCE}) and not is_platform(actor):
            raise NotAllowed()
        execute(HAND_OVER, {"hash": hashed, "now": now, "staff": staff_id})
        execute(END_SESSIONS, (now, staff_id))
        _note(actor, "staff.password_given", staff_id, party_id, now)

    in_transaction(work)


def second_taken(*, actor: Actor, staff_id: UUID, now: datetime) -> None:
    """The vault took a person's second factor away: all sessions end; for a day the person is nobody's second person.

    Raises `NotAllowed` for anybody but the platform's owner, `NotFound`.
    """
    if not is_platform(actor):
        raise NotAllowed()
    with atomic():
        if changed(HAND_OVER, {"hash": None, "now": now, "staff": staff_id}) != 1:
            raise NotFound("person")
        execute(END_SESSIONS, (now, staff_id))


def _a_whole_person(actor: Actor, staff_id: UUID, party_id: int) -> tuple[bool, Sequence[tuple[int, str, list[str]]]]:
    """A person whose login the actor may see to: another one, who works for no party that is not the actor's."""
    is_closed, places = _a_person(actor, staff_id, party_id)
    if actor.id == staff_id and actor.kind is ActorKind.STAFF:
        raise OnesOwn()
    if len(places) > 1 and not is_platform(actor):
        raise WorksElsewhere()
    return is_closed, places


def _a_person(actor: Actor, staff_id: UUID, party_id: int) -> tuple[bool, Sequence[tuple[int, str, list[str]]]]:
    """Whether the login is closed, and (party, kind, roles) of all its places; nobody else changes them meanwhile."""
    if not may_see(actor, party_id):
        raise NotFound("person")
    if not may_see_to_people(actor, party_id):
        raise NotAllowed()
    execute(ONE_AT_A_TIME, ([party_id, *(row[0] for row in execute(PLACES, (staff_id,)))],))
    rows = execute(PERSON, (staff_id,))
    places: list[Any] = execute(PLACES, (staff_id,))
    if not rows or party_id not in {row[0] for row in places}:
        raise NotFound("person")
    return bool(rows[0][0]), places


def _require_another_owner(party_id: int, kind: PartyKind, staff_id: UUID) -> None:
    if execute(OTHER_OWNERS, (party_id, owner_role(kind), staff_id))[0][0] == 0:
        raise LastOwner()


def _note(actor: Actor, action: str, staff_id: UUID, party_id: int, now: datetime) -> None:
    audit.append(actor=actor, action=action, object_kind="staff", object_id=staff_id, party_id=party_id, now=now)
