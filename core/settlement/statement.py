"""What changed a party's claim on a debtor, by day and reason: its statement; moves within the claim are not in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from core.actor import Actor
from core.db import execute
from core.errors import NotFound
from core.ledger import rules as books
from core.parties.service import find_party, may_see

ACCOUNTS = """
SELECT id FROM account WHERE kind IN ('pending', 'available', 'in_transit', 'owed')
  AND holder = %s AND counterparty = %s AND currency = %s
"""
LINES = """
WITH least AS (
    SELECT coalesce(max(last_transfer_id), -9223372036854775808) AS id FROM checkpoint
    WHERE at <= %(since)s - interval '1 hour'
), moved AS (
    SELECT t.at, t.code, t.amount, 0::bigint AS out FROM transfer t, least
    WHERE t.credit_id = ANY (%(accounts)s) AND NOT t.debit_id = ANY (%(accounts)s) AND t.id > least.id
      AND t.at >= %(since)s
    UNION ALL
    SELECT t.at, t.code, 0, t.amount FROM transfer t, least
    WHERE t.debit_id = ANY (%(accounts)s) AND NOT t.credit_id = ANY (%(accounts)s) AND t.id > least.id
      AND t.at >= %(since)s
)
SELECT (at AT TIME ZONE %(zone)s)::date, code, count(*), sum(amount)::bigint, sum(out)::bigint
FROM moved WHERE at < %(until)s GROUP BY 1, 2 ORDER BY 1 DESC, 2 LIMIT 500
"""
"""A checkpoint before the time spares reading all that is older (give or take a clock set back by an hour)."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """What one kind of transfer did on one day, minor units: `came` in, `went` out, in so many transfers."""

    day: date
    code: str
    count: int
    came: int
    went: int


def statement_of(
    *,
    actor: Actor,
    party_id: int,
    debtor_code: str,
    currency: str,
    since: datetime,
    until: datetime,
    zone: str,
) -> Sequence[StatementLine]:
    """The lines of a claim, the newest day first, at most 500.

    Raises `NotFound` for a party that the actor may not see, or a claim that is not there.
    """
    if not may_see(actor, party_id):
        raise NotFound("party")
    holder, debtor = books.party(party_id), books.party(find_party(code=debtor_code).id)
    accounts = [number for (number,) in execute(ACCOUNTS, (holder, debtor, currency))]
    if not accounts:
        raise NotFound("claim")
    asked = {"accounts": accounts, "since": since, "until": until, "zone": zone}
    return [StatementLine(*row) for row in execute(LINES, asked)]
