"""What the platform's own pages read beside the lists: applications, and a party as one looks at it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import peewee
from playhouse.postgres_ext import DateTimeTZField
from werkzeug.exceptions import NotFound

from admin.panel import signed_in, words
from admin.reading import panel_db, reading
from admin.rows import PanelRow, PartyFeeRow, PartyRow
from core.parties.rules import PartyState

OWNS = """
SELECT (SELECT count(DISTINCT r.staff_id) FROM staff_role r JOIN staff s ON s.id = r.staff_id
        WHERE r.party_id = %(party)s AND s.disabled_at IS NULL),
       (SELECT count(*) FROM (SELECT 1 FROM listing WHERE merchant_id = %(party)s AND on_sale LIMIT 1000) l),
       (SELECT count(*) FROM (SELECT 1 FROM batch WHERE owner_id = %(party)s AND state = 'selling' LIMIT 1000) b),
       (SELECT count(*) FROM (SELECT 1 FROM batch WHERE owner_id = %(party)s
                              AND state IN ('locked', 'recalled') LIMIT 1000) b),
       (SELECT count(*) FROM (SELECT 1 FROM offer WHERE seller_id = %(party)s AND valid_to IS NULL LIMIT 1000) o),
       (SELECT count(*) FROM (SELECT 1 FROM offer WHERE buyer_id = %(party)s AND valid_to IS NULL LIMIT 1000) o)
"""
"""Each counted to 1,000 at most."""


class ApplicationRow(PanelRow):
    """What somebody said who asked to be let in."""

    party = peewee.ForeignKeyField(PartyRow, primary_key=True)
    contact = peewee.TextField()
    email = peewee.TextField()
    sells = peewee.TextField()
    staff_id = peewee.UUIDField(null=True)
    applied_at = DateTimeTZField()
    decided_at = DateTimeTZField(null=True)
    reason = peewee.TextField(null=True)

    class Meta:
        table_name = "party_application"


@dataclass(frozen=True, slots=True)
class Owns:
    """What belongs to a party, counted to 1,000 at most."""

    people: int
    listings: int
    batches: int
    stopped: int
    offers: int
    bought: int


def a_party(number: int) -> PartyRow:
    """A party that this person's party may see. Raises NotFound."""
    with reading(signed_in()):
        found: PartyRow | None = PartyRow.select().where(PartyRow.id == number).first()
    if found is None:
        raise NotFound()
    return found


def fee_of(number: int) -> int:
    """What a party pays the store, in basis points of a price."""
    with reading(signed_in()):
        return int(PartyFeeRow.get_by_id(number).fee_basis_points)


def an_application(number: int) -> ApplicationRow:
    """The application of a party that still waits for an answer. Raises NotFound."""
    query = ApplicationRow.select(ApplicationRow, PartyRow).join(PartyRow)
    with reading(signed_in()):
        found: ApplicationRow | None = query.where(
            PartyRow.id == number, PartyRow.status == PartyState.APPLIED.value
        ).first()
    if found is None:
        raise NotFound()
    return found


def owned_by(number: int) -> Owns:
    """What belongs to a party."""
    with reading(signed_in()):
        return Owns(*panel_db.execute_sql(OWNS, {"party": number}).fetchone())


def party_names(codes: Iterable[str | None]) -> Callable[[str], str]:
    """What parties are called, by their codes; one question for all of them."""
    asked = sorted({code for code in codes if code})
    with reading(signed_in()):
        found = {row.code: words().name(row.names) for row in PartyRow.select().where(PartyRow.code.in_(asked))}
    return lambda code: found.get(code, code)
