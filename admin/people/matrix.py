"""What roles open, read from what the routes declare: the page cannot say anything else than the guard does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Flask, current_app, request
from werkzeug.routing import Rule
from werkzeug.wrappers import Response

from admin.declared import Declared, declared_for, for_roles
from admin.drawing import draw
from admin.panel import signed_in
from admin.people.acts import ACTS, ROOMS
from admin.people.naming import KINDS, ROLES, in_order
from core.parties.rules import PLATFORM_ROLES, PartyKind, Role

pages = Blueprint("matrix", __name__)


@dataclass(frozen=True, slots=True)
class Act:
    """One page or act: `called` is a message id, or the endpoint where it has no name yet."""

    called: str
    changes: bool
    steps_up: bool
    opens_for: Sequence[bool]  # in the order of the roles


@dataclass(frozen=True, slots=True)
class Room:
    """The acts of one room of the panel."""

    called: str
    acts: Sequence[Act]


@pages.get("/roles", endpoint="roles")
@for_roles(Role.OWNER, *PLATFORM_ROLES)
def roles_page() -> Response:
    """Which role opens which page, for the kind of one's own party; for the platform's people, of each kind."""
    session = signed_in()
    kinds = list(KINDS) if session.roles & PLATFORM_ROLES else [session.party.kind]
    kind = next((one for one in kinds if one.value == request.args.get("kind")), session.party.kind)
    roles = in_order(kind)
    shown = [(role, *ROLES[role]) for role in roles]
    return draw(
        "people/matrix.html.jinja",
        kind=kind,
        kinds=[(one, KINDS[one]) for one in kinds],
        roles=shown,
        rooms=rooms_of(current_app, kind, roles),
    )


def rooms_of(app: Flask, kind: PartyKind, roles: Sequence[Role]) -> list[Room]:
    """The rooms that anything is open in for these roles of this kind of party, with what."""
    found: dict[str, list[Act]] = {}
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (room_of(app, rule), rule.rule)):
        declared = declared_for(app, rule.endpoint)
        if declared is None or declared.is_open:
            continue
        act = _act(rule, declared, kind, roles)
        if any(act.opens_for):
            found.setdefault(room_of(app, rule), []).append(act)
    own = found.pop("", [])  # what is everybody's comes last
    return [Room(ROOMS.get(room, room), acts) for room, acts in [*found.items(), ("", own)] if acts]


def room_of(app: Flask, rule: Rule) -> str:
    """The package that the page is in; empty for what is in none (signing in, the first page)."""
    blueprint = rule.endpoint.partition(".")[0]
    lists = {view.endpoint: type(view).__module__ for admin in app.extensions.get("admin", []) for view in admin._views}
    module = lists.get(blueprint) or app.view_functions[rule.endpoint].__module__
    parts = module.split(".")
    return parts[1] if len(parts) > 2 else ""


def _act(rule: Rule, declared: Declared, kind: PartyKind, roles: Sequence[Role]) -> Act:
    return Act(
        ACTS.get(rule.endpoint, rule.endpoint),
        "POST" in (rule.methods or ()),
        declared.steps_up,
        [declared.admits_roles(kind, {role}) for role in roles],
    )
