"""Roles as they come and go: each change is kept, because money waits for people who were there before."""

from __future__ import annotations

from collections.abc import Set
from datetime import datetime
from uuid import UUID

from core.actor import Actor, ActorKind
from core.audit import service as audit
from core.db import execute
from core.parties.rules import Role

GIVE = "INSERT INTO staff_role (staff_id, party_id, role) SELECT %s, %s, unnest(%s::text[])"
TAKE = "DELETE FROM staff_role WHERE staff_id = %s AND party_id = %s AND role = ANY (%s)"
NOTE = (
    "INSERT INTO role_change (staff_id, party_id, role, is_given, changed_by, at)"
    " SELECT %s, %s, unnest(%s::text[]), %s, %s, %s"
)


def give_roles(*, actor: Actor, staff_id: UUID, party_id: int, roles: Set[Role], now: datetime) -> None:
    """Give roles that the person does not have, in the caller's transaction; who may is for the caller to know."""
    _change(GIVE, actor, staff_id, party_id, roles, now)


def take_roles(*, actor: Actor, staff_id: UUID, party_id: int, roles: Set[Role], now: datetime) -> None:
    """Take roles that the person has, in the caller's transaction; who may is for the caller to know."""
    _change(TAKE, actor, staff_id, party_id, roles, now)


def _change(statement: str, actor: Actor, staff_id: UUID, party_id: int, roles: Set[Role], now: datetime) -> None:
    if not roles:
        return
    is_given, names = statement is GIVE, sorted(role.value for role in roles)
    execute(statement, (staff_id, party_id, names))
    if actor.kind is ActorKind.STAFF:  # whoever has the machine vouches for the people that it names there
        execute(NOTE, (staff_id, party_id, names, is_given, actor.id, now))
    for name in names:
        audit.append(
            actor=actor,
            action="staff.role_given" if is_given else "staff.role_taken",
            object_kind="staff",
            object_id=staff_id,
            detail={"role": name},
            party_id=party_id,
            now=now,
        )
