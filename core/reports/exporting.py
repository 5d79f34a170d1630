"""Exports: who may take which rows out as a file; each is in the audit, with its range and how many rows left."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from core.actor import Actor
from core.audit import service as audit
from core.db import in_transaction
from core.errors import Invalid, NotAllowed
from core.ids import new_id
from core.parties.rules import PLATFORM_ROLES, Role

LONGEST_DAYS = 366
"""An export is limited by its days, never by a count of rows that would cut it somewhere."""


class ExportKind(StrEnum):
    """What can be taken out; none holds cards, secrets, or where a person can be reached (fault 81, INV-K1)."""

    ORDERS = "orders"  # orders with their lines, by the day they were placed
    SALES = "sales"  # daily sales by goods, channel and source
    GOODS = "goods"  # best sellers, as their report shows them; so the next three
    PROFIT = "profit"
    CHANNELS = "channels"
    SUPPLIERS = "suppliers"
    HOPS = "hops"  # what a supplier sold along its own hop
    STATEMENT = "statement"  # what changed a party's claims
    AUDIT = "audit"  # who did what
    BATCHES = "batches"  # what came together: never the cards


class ExportForm(StrEnum):
    """As which file."""

    CSV = "csv"
    XLSX = "xlsx"


MAY: Mapping[ExportKind, frozenset[Role]] = {
    ExportKind.ORDERS: frozenset({Role.OWNER, Role.FINANCE}) | PLATFORM_ROLES,
    ExportKind.SALES: frozenset({Role.OWNER, Role.FINANCE, Role.CATALOG}) | PLATFORM_ROLES,
    ExportKind.GOODS: frozenset({Role.OWNER, Role.FINANCE, Role.CATALOG}) | PLATFORM_ROLES,
    ExportKind.PROFIT: frozenset({Role.OWNER, Role.FINANCE}) | PLATFORM_ROLES,
    ExportKind.CHANNELS: frozenset({Role.OWNER, Role.FINANCE, Role.CATALOG, Role.SUPPORT}) | PLATFORM_ROLES,
    ExportKind.SUPPLIERS: frozenset({Role.OWNER, Role.FINANCE, Role.CATALOG, Role.SUPPORT}) | PLATFORM_ROLES,
    ExportKind.HOPS: frozenset({Role.OWNER, Role.FINANCE, Role.STOCK}),
    ExportKind.STATEMENT: frozenset({Role.OWNER, Role.FINANCE, Role.PLATFORM_OWNER, Role.AUDITOR}),
    ExportKind.AUDIT: frozenset({Role.OWNER}) | PLATFORM_ROLES,
    ExportKind.BATCHES: frozenset({Role.OWNER, Role.STOCK, Role.CATALOG}) | PLATFORM_ROLES,
}
"""Whose rows they are is not decided here: row-level security does, as for every page."""


def begin_export(
    *,
    actor: Actor,
    kind: ExportKind,
    form: ExportForm,
    first: date,
    last: date,
    only: Mapping[str, str] | None = None,
    now: datetime,
) -> UUID:
    """Write down that rows of these days are about to leave, `only` some of them; returns the export's id.

    Raises `NotAllowed`, and `Invalid` for no range or one of more than `LONGEST_DAYS`.
    """
    if not actor.roles & MAY[kind]:
        raise NotAllowed(what="export")
    if not 0 <= (last - first).days < LONGEST_DAYS:
        raise Invalid(what="range")
    export_id = new_id()
    said = {"what": kind.value, "form": form.value, "since": first.isoformat(), "until": last.isoformat()}
    said |= only or {}
    in_transaction(lambda: _append(actor, "export.begun", export_id, said, now))
    return export_id


def end_export(*, actor: Actor, export_id: UUID, rows: int, is_whole: bool, now: datetime) -> None:
    """Write down how many rows left; not `is_whole` where the reader went away, or something failed."""
    said = {"rows": rows, "is_whole": is_whole}
    in_transaction(lambda: _append(actor, "export.ended", export_id, said, now))


def _append(
    actor: Actor, action: str, export_id: UUID, said: Mapping[str, str | int | bool | None], now: datetime
) -> None:
    audit.append(actor=actor, action=action, object_kind="export", object_id=export_id, detail=said, now=now)
