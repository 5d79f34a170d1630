"""What changed a party's claim on a debtor, by day and reason: its statement; moves within the claim are not in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.actor import Actor
from core.db import database_now, execute
from core.errors import NotFound
from core.ledger import rules as books
from core.parties.rules import sees_all
from core.parties.service import find_party, may_see
from core.settlement.views import claim_views, near_to

OWN = """
SELECT array_agg(id) FROM account WHERE kind IN ('pending', 'available', 'in_transit', 'owed')
  AND holder = %(holder)s AND counterparty = %(debtor)s AND currency = %(currency)s
"""
"""The accounts of a claim; NULL where it has none."""

LINES = f"""
WITH closed AS (SELECT coalesce(max(last_transfer_id), -9223372036854775808) AS id FROM checkpoint), figures AS (
    SELECT quarter AS at, code, transfers, came, went FROM claim_quarter
    WHERE holder = %(holder)s AND counterparty = %(debtor)s AND currency = %(currency)s
      AND quarter >= %(since)s AND quarter < %(until)s
    UNION ALL
    SELECT t.at, t.code, 1, t.amount, 0 FROM transfer t, closed
    WHERE t.credit_id = ANY (({OWN})::bigint[]) AND NOT t.debit_id = ANY (({OWN})::bigint[]) AND t.id > closed.id
      AND t.at >= %(since)s AND t.at < %(until)s
    UNION ALL
    SELECT t.at, t.code, 1, 0, t.amount FROM transfer t, closed
    WHERE t.debit_id = ANY (({OWN})::bigint[]) AND NOT t.credit_id = ANY (({OWN})::bigint[]) AND t.id > closed.id
      AND t.at >= %(since)s AND t.at < %(until)s
)
SELECT (at AT TIME ZONE %(zone)s)::date, code, sum(transfers)::bigint, sum(came)::bigint, sum(went)::bigint
FROM figures GROUP BY 1, 2 ORDER BY 1 DESC, 2
"""  # noqa: S608 - constants of this module only
"""Closed periods by their figures (migration 0044), and what came after the last checkpoint; all of one moment."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """What one kind of transfer did on one day, minor units: `came` in, `went` out, in so many transfers."""

    day: date
    code: str
    count: int
    came: int
    went: int


def statement_of(
    *, actor: Actor, party_id: int, debtor_code: str, currency: str, first: date, last: date, zone: ZoneInfo
) -> Sequence[StatementLine]:
    """The lines of a claim from one day to another, both included, by a zone's days; the newest first.

    Raises `NotFound` for a party that the actor may not see, or a claim that is not there or not told of (INV-T4).
    """
    if not may_see(actor, party_id):
        raise NotFound("party")
    debtor_id = find_party(code=debtor_code).id
    if not (sees_all(actor) or debtor_id in near_to(party_id)) and not _is_due(actor, party_id, debtor_code, currency):
        raise NotFound("claim")
    holder, debtor = books.party(party_id), books.party(debtor_id)
    asked: dict[str, object] = {"holder": holder, "debtor": debtor, "currency": currency, "zone": zone.key}
    if execute(OWN, asked)[0][0] is None:
        raise NotFound("claim")
    since, until = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, last + timedelta(days=1)))
    return [StatementLine(*row) for row in execute(LINES, asked | {"since": since, "until": until})]


def _is_due(actor: Actor, party_id: int, debtor_code: str, currency: str) -> bool:
    """Whether anything stands on a claim of somebody further away: its debtor is named only then."""
    due = claim_views(actor=actor, party_id=party_id, now=database_now())
    return (debtor_code, currency) in {(one.debtor, one.currency) for one in due}
