"""Who takes part, and who did what."""

from __future__ import annotations

from typing import Any

from flask import g, request, url_for
from markupsafe import Markup, escape
from werkzeug.wrappers import Response

from admin.kept import shelf
from admin.panel import signed_in, words
from admin.platform.deeds import DEEDS
from admin.platform.said import ACTORS, address_of, did, kind_of_thing, known_of, thing, who
from admin.platform.things import THINGS
from admin.platform.trail import Asked, filtered
from admin.rows import AuditRow, PartyRow
from admin.scoped import ScopedView
from admin.shown import pill, when
from bot.texts import mark
from core.parties.rules import PLATFORM_ROLES, Role
from core.reports.watching import chain_standing

KINDS = {
    "platform": mark("platform"),
    "merchant": mark("merchant"),
    "supplier": mark("supplier"),
    "promoter": mark("promoter"),
}


class Parties(ScopedView):
    """Who takes part in this installation."""

    roles = PLATFORM_ROLES
    titled = mark("Parties")
    empty = mark("Nobody takes part yet. Make a party, or let in who asks.")
    next_steps = (("making.party", mark("New party")), ("approvals.index", mark("Who asks to be let in")))
    columns = (
        ("code", mark("Short code")),
        ("called", mark("Name")),
        ("what", mark("Kind")),
        ("status", mark("State")),
        ("since", mark("Since")),
    )
    read = frozenset({"index_view"})
    list_template = "platform/parties.html.jinja"

    def rows(self) -> Any:
        return PartyRow.select().order_by(PartyRow.kind, PartyRow.code)

    def code(self, row: PartyRow) -> Markup:
        return Markup('<a class="mono" href="{}">{}</a>').format(url_for("party.show", number=row.id), row.code)

    def called(self, row: PartyRow) -> str:
        return words().name(row.names)

    def what(self, row: PartyRow) -> str:
        return words().say(KINDS[row.kind])

    def status(self, row: PartyRow) -> Markup:
        return pill(row.status)

    def since(self, row: PartyRow) -> str:
        return when(row.created_at)


class Audit(ScopedView):
    """Who did what, the newest first."""

    roles = PLATFORM_ROLES | {Role.OWNER}
    own = "party_id"
    titled = mark("Audit")
    empty = mark("Nothing has been done yet. Every change stands here: who made it, when, and to what.")
    columns = (
        ("done", mark("When")),
        ("actor", mark("Who")),
        ("action", mark("Did")),
        ("what", mark("To what")),
    )
    read = frozenset({"index_view"})
    list_template = "platform/audit.html.jinja"

    def rows(self) -> Any:
        return filtered(AuditRow.select(), asked()).order_by(AuditRow.id.desc())

    def done(self, row: AuditRow) -> Markup:
        return Markup('<a href="{}">{}</a>').format(url_for("entry.show", number=row.id), when(row.at))

    def actor(self, row: AuditRow) -> str:
        return who(row, g.known)

    def action(self, row: AuditRow) -> Markup:
        return Markup('{}<br><span class="mono quiet">{}</span>').format(did(row), row.action)

    def what(self, row: AuditRow) -> Markup:
        address, called = address_of(row), thing(row, g.known)
        linked = Markup('<a href="{}">{}</a>').format(address, called) if address else escape(called)
        return Markup('{}<br><span class="mono">{}</span>').format(kind_of_thing(row), linked)

    def render(self, template: str, **values: Any) -> Response:
        """The list with what it is filtered by, and how the chain stands for who may see all of it."""
        watches = bool(signed_in().roles & PLATFORM_ROLES)
        chain = chain_standing(actor=signed_in().actor) if watches else None
        values["search"] = asked().is_any  # what an empty list says
        g.known = known_of(values["data"])
        values |= {"asked": asked(), "chain": chain, "actors": ACTORS, "deeds": DEEDS, "things": THINGS}
        return super().render(template, kept=shelf("audit", asked().words), **values)


def asked() -> Asked:
    """What the list is filtered by in the request in hand."""
    return Asked.read(request.args)
