"""Closing a party for good, once nothing of it is under way; its records and its money stay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.actor import Actor
from core.db import execute, in_transaction
from core.errors import Conflict
from core.parties.rules import PartyState
from core.parties.service import require_platform
from core.parties.standing import change_state, checked_reason
from core.supply.service import rebuild_sources_of

UNDER_WAY = """
SELECT (SELECT count(*) FROM (SELECT 1 FROM shop_order
                              WHERE merchant_id = %(party)s AND state = 'awaiting_payment' LIMIT 1000) o),
       (SELECT count(*) FROM (SELECT 1 FROM delivery d JOIN order_line l ON l.id = d.line_id
                              WHERE d.state IN ('waiting', 'ready', 'sending', 'unknown') AND (
                                  l.merchant_id = %(party)s OR EXISTS (SELECT 1 FROM line_share s
                                      WHERE s.line_id = l.id AND s.party_id = %(party)s)) LIMIT 1000) d),
       (SELECT count(*) FROM (SELECT 1 FROM trade_hold h JOIN trade_account t ON t.account_id = h.account_id
                              WHERE h.state = 'open' AND %(party)s IN (t.creditor_id, t.debtor_id) LIMIT 1000) h),
       (SELECT count(*) FROM (SELECT 1 FROM payout WHERE state IN ('requested', 'approved', 'sent')
                              AND %(party)s IN (party_id, debtor_id) LIMIT 1000) p)
"""


class StillUnderWay(Conflict):
    """Orders, deliveries or payouts of the party are not finished; `count` is how many."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """What of a party is not finished; each counted to 1,000 at most."""

    unpaid: int  # orders that may still be paid
    deliveries: int  # paid, not handed over
    held: int  # holds on its trade accounts: of others' unpaid orders that its goods are in
    payouts: int  # asked for, without an end

    @property
    def total(self) -> int:
        """Everything that must end first."""
        return self.unpaid + self.deliveries + self.held + self.payouts


def under_way(*, party_id: int) -> UnderWay:
    """What must end before a party can be closed."""
    return UnderWay(*(int(count) for count in execute(UNDER_WAY, {"party": party_id})[0]))


def close_party(*, actor: Actor, party_id: int, reason: str, now: datetime) -> None:
    """A suspended party goes for good: nobody of it signs in again. Its records stay, and what it is owed is paid.

    Only the platform's owner does. Raises `NotAllowed`, `NotFound`, `Invalid` (reason, the platform itself),
    `PartyMoved` unless it is suspended (nothing new begins then), `StillUnderWay`.
    """
    require_platform(actor)
    said = checked_reason(reason)

    def work() -> None:
        change_state(
            actor=actor,
            party_id=party_id,
            from_=PartyState.SUSPENDED,
            to=PartyState.LEFT,
            action="party.closed",
            reason=said,
            now=now,
        )
        open_now = under_way(party_id=party_id)
        if open_now.total:
            raise StillUnderWay(count=open_now.total)
        rebuild_sources_of(party_id=party_id)

    in_transaction(work)
