"""Who works for a party: the list, and one person with what can be done about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import signed_in
from admin.people.naming import called, in_order
from admin.reading import panel_db, reading
from core.parties.rules import PLATFORM_ROLES, PartyKind, Role

pages = Blueprint("people", __name__, url_prefix="/people")
MANAGERS = (Role.OWNER, Role.PLATFORM_OWNER)
ON_A_PAGE = 50
LAST_PAGE = 200

PEOPLE = """
SELECT s.id, s.name, s.email, s.created_at, s.disabled_at, s.must_change, t.confirmed_at IS NOT NULL,
       p.id, p.kind, p.names, array_agg(r.role)
FROM staff_role r JOIN staff s ON s.id = r.staff_id JOIN party p ON p.id = r.party_id
LEFT JOIN staff_totp t ON t.staff_id = s.id
WHERE (%(party)s::bigint IS NULL OR r.party_id = %(party)s) AND (%(person)s::uuid IS NULL OR s.id = %(person)s)
  AND (%(said)s = '' OR s.email = lower(%(said)s) OR s.name = %(said)s)
GROUP BY s.id, t.confirmed_at, p.id ORDER BY s.disabled_at IS NOT NULL, p.kind, p.code, s.name, s.id
LIMIT %(most)s OFFSET %(after)s
"""


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person at one party, as its owner sees them."""

    id: UUID
    name: str
    email: str
    created_at: datetime
    closed_at: datetime | None
    must_change: bool
    has_second: bool
    party_id: int
    kind: PartyKind
    party_names: Mapping[str, str]
    roles: Sequence[Role]


@pages.get("", endpoint="everyone")
@for_roles(Role.OWNER, *PLATFORM_ROLES)
def everyone() -> Response:
    """The people of one's party; for the platform those of all."""
    said, page = request.args.get("search", "").replace("\0", "").strip()[:100], _page()
    with reading(signed_in()):
        people = _read(said=said, most=ON_A_PAGE, after=page * ON_A_PAGE)
    return draw(
        "people/list.html.jinja",
        people=people,
        said=said,
        page=page,
        has_more=len(people) == ON_A_PAGE,
        called=called,
    )


@pages.get("/<int:party>/<uuid:person>", endpoint="one")
@for_roles(Role.OWNER, *PLATFORM_ROLES)
def one(party: int, person: UUID) -> Response:
    """One person."""
    return draw("people/person.html.jinja", person=a_person(party, person), called=called)


def a_person(party: int, person: UUID) -> PersonRow:
    """A person of a party that somebody may see. Raises NotFound, also for a foreign one."""
    with reading(signed_in()):
        found = _read(party=party, person=person)
    if not found:
        raise NotFound()
    return found[0]


def _read(
    *, party: int | None = None, person: UUID | None = None, said: str = "", most: int = 1, after: int = 0
) -> list[PersonRow]:
    named: dict[str, Any] = {"party": party, "person": person, "said": said, "most": most, "after": after}
    return [_row(*row) for row in panel_db.execute_sql(PEOPLE, named).fetchall()]


def _row(*row: Any) -> PersonRow:
    id_, name, email, made, closed, must_change, has_second, party, kind, names, held = row
    roles = [role for role in in_order(PartyKind(kind)) if role in held]
    return PersonRow(id_, name, email, made, closed, must_change, has_second, party, PartyKind(kind), names, roles)


def _page() -> int:
    said = request.args.get("page", "0")
    return min(int(said), LAST_PAGE) if said.isascii() and said.isdecimal() and len(said) < 9 else 0
