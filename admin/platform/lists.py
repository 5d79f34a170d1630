"""Who takes part, and who did what."""

from __future__ import annotations

from typing import Any, ClassVar

from markupsafe import Markup

from admin.panel import words
from admin.rows import AuditRow, PartyRow
from admin.scoped import ScopedView
from admin.shown import pill, when
from bot.texts import mark
from core.parties.rules import PLATFORM_ROLES, Role


class Parties(ScopedView):
    """Who takes part in this installation."""

    roles = PLATFORM_ROLES
    titled = mark("Parties")
    empty = mark("Nobody takes part yet.")
    columns = (
        ("code", mark("Short code")),
        ("called", mark("Name")),
        ("what", mark("Kind")),
        ("status", mark("State")),
        ("since", mark("Since")),
    )
    KINDS: ClassVar = {
        "platform": mark("platform"),
        "merchant": mark("merchant"),
        "supplier": mark("supplier"),
        "promoter": mark("promoter"),
    }

    def rows(self) -> Any:
        return PartyRow.select().order_by(PartyRow.kind, PartyRow.code)

    def called(self, row: PartyRow) -> str:
        return words().name(row.names)

    def what(self, row: PartyRow) -> str:
        return words().say(self.KINDS[row.kind])

    def status(self, row: PartyRow) -> Markup:
        return pill(row.status)

    def since(self, row: PartyRow) -> str:
        return when(row.created_at)


class Audit(ScopedView):
    """Who did what, the newest first."""

    roles = PLATFORM_ROLES | {Role.OWNER}
    own = "party_id"
    titled = mark("Audit")
    empty = mark("Nothing has been done yet.")
    columns = (
        ("done", mark("When")),
        ("actor", mark("Who")),
        ("action", mark("Did")),
        ("what", mark("To what")),
    )
    read = frozenset({"index_view"})
    ACTORS: ClassVar = {
        "shopper": mark("a shopper"),
        "staff": mark("staff"),
        "api_key": mark("another system"),
        "system": mark("the store"),
        "operator": mark("the command line"),
    }

    def rows(self) -> Any:
        return AuditRow.select().order_by(AuditRow.id.desc())

    def done(self, row: AuditRow) -> str:
        return when(row.at)

    def actor(self, row: AuditRow) -> str:
        return words().say(self.ACTORS.get(row.actor_kind, row.actor_kind))

    def what(self, row: AuditRow) -> str:
        return f"{row.object_kind} {row.object_id}"
