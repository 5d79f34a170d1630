"""One entry of the audit, with its detail: ids, codes and figures, never a secret."""

from __future__ import annotations

from flask import Blueprint
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import signed_in
from admin.platform.said import address_of, details_of, did, kind_of_thing, known_of, person_of, thing, who
from admin.reading import reading
from admin.rows import AuditRow, PartyRow
from admin.shown import when
from core.parties.rules import PLATFORM_ROLES, Role

pages = Blueprint("entry", __name__, url_prefix="/audit")


@pages.get("/<int:number>", endpoint="show")
@for_roles(*PLATFORM_ROLES, Role.OWNER)
def show(number: int) -> Response:
    """Who did it, to what, when, and what else was written down."""
    if number >= 2**63:
        raise NotFound()
    with reading(signed_in()):
        row: AuditRow | None = AuditRow.select().where(AuditRow.id == number).first()
        party = PartyRow.select().where(PartyRow.id == row.party_id).first() if row and row.party_id else None
        if row is None:
            raise NotFound()
        known = known_of([row])
    person = person_of(row, known)
    return draw(
        "platform/entry.html.jinja",
        row=row,
        party=party,
        at=when(row.at),
        who=who(row, known),
        email=person.email if person else "",
        did=did(row),
        kind=kind_of_thing(row),
        thing=thing(row, known),
        address=address_of(row),
        details=details_of(row),
    )
