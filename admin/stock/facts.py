"""What the page of one batch tells beside its row: where its cards are, its import, what its goods sold lately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from admin.acting import actor
from admin.panel import request_time, signed_in, words
from admin.reading import panel_db
from admin.rows import BatchRow
from core.money import Money
from core.parties.rules import PLATFORM_ROLES, PartyKind
from core.stock.keeping import BatchFigures, batch_figures

DAYS = 14
IMPORT = """
SELECT j.duplicates, j.refused, f.id, s.name FROM import_job j
LEFT JOIN restock r ON r.id = j.restock_id LEFT JOIN brought_file f ON f.restock_id = r.id AND f.party_id = %(party)s
LEFT JOIN staff s ON s.id = r.staff_id
WHERE j.batch_id = %(batch)s ORDER BY j.created_at DESC LIMIT 1
"""
SOLD_BY_HOP = """
SELECT day, sum(cards), currency, sum(earned - returned) FROM report_hop
WHERE seller_id = %(owner)s AND sku_id = %(sku)s AND day >= %(since)s GROUP BY day, currency ORDER BY day DESC, currency
"""
SOLD_BY_SHOP = """
SELECT day, sum(quantity), currency, sum(revenue - refunded) FROM report_sale
WHERE merchant_id = %(owner)s AND sku_id = %(sku)s AND day >= %(since)s
GROUP BY day, currency ORDER BY day DESC, currency
"""


@dataclass(frozen=True, slots=True)
class Day:
    """What was sold of the goods on one day, and what stayed of it."""

    day: date
    cards: int
    amount: str


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """`figures` and `days` are of the owner and the platform alone; `file` leads to the import, if it was one's own."""

    is_owner: bool
    is_platform: bool
    is_shop: bool
    figures: BatchFigures | None
    duplicates: int | None
    refused: int | None
    file: UUID | None
    uploader: str | None
    days: Sequence[Day]
    can_unlock: bool


def facts_of(row: BatchRow) -> BatchFacts:
    """Inside the read transaction of a list's page."""
    session = signed_in()
    is_owner, is_platform = row.owner.id == session.party.id, bool(session.roles & PLATFORM_ROLES)
    is_told = is_owner or is_platform
    found = _rows(IMPORT, {"batch": row.id, "party": session.party.id})
    duplicates, refused, file, uploader = found[0] if found else (None, None, None, None)
    return BatchFacts(
        is_owner=is_owner,
        is_platform=is_platform,
        is_shop=row.owner.kind == PartyKind.MERCHANT,
        figures=batch_figures(actor=actor(), batch_id=row.id) if is_told and row.state != "importing" else None,
        duplicates=duplicates,
        refused=refused,
        file=file if is_owner else None,
        uploader=uploader,
        days=_days(row) if is_told else [],
        can_unlock=is_platform or (is_owner and row.locked_by == session.party.id),
    )


def _days(row: BatchRow) -> Sequence[Day]:
    statement = SOLD_BY_SHOP if row.owner.kind == PartyKind.MERCHANT else SOLD_BY_HOP
    since = request_time().astimezone(words().zone).date() - timedelta(days=DAYS)
    found = _rows(statement, {"owner": row.owner.id, "sku": row.sku.id, "since": since})
    return [Day(day, int(cards), words().money(Money(int(left), currency))) for day, cards, currency, left in found]


def _rows(statement: str, named: dict[str, Any]) -> list[tuple[Any, ...]]:
    return list(panel_db.execute_sql(statement, named).fetchall())
