"""Payouts and claims as people look at them; changes nothing, shows no bank account but its mask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from core.actor import Actor
from core.audit.service import append
from core.db import execute, in_transaction
from core.errors import NotFound
from core.parties.rules import Role, sees_all
from core.parties.service import is_platform, may_see
from core.secret import Secret
from core.settlement.banks import bank_of, changes_of, open_bank_details
from core.settlement.claims import after_what_is_due, claims_of
from core.settlement.found import PayoutMoved, find_payout
from core.settlement.payable import require_payable, require_same_bank
from core.settlement.rules import IN_TRANSIT, PayoutKind, PayoutState

LIST = """
SELECT o.id, p.code, d.code, o.kind, o.period, o.amount, o.currency, o.state, b.mask, o.requested_at, m.email, a.email
FROM payout o JOIN party p ON p.id = o.party_id JOIN party d ON d.id = o.debtor_id
JOIN bank_details b ON b.id = o.bank_id JOIN staff m ON m.id = o.made_by LEFT JOIN staff a ON a.id = o.approved_by
WHERE (%(party)s::bigint IS NULL OR %(party)s IN (o.party_id, o.debtor_id))
  AND (%(ended)s OR o.state IN ('requested', 'approved', 'sent'))
ORDER BY o.requested_at DESC, o.id DESC LIMIT %(limit)s
"""
ONE = """
SELECT o.party_id, o.debtor_id, o.id, p.code, d.code, o.kind, o.period, o.amount, o.currency, o.state, b.mask,
       o.requested_at, m.email, a.email
FROM payout o JOIN party p ON p.id = o.party_id JOIN party d ON d.id = o.debtor_id
JOIN bank_details b ON b.id = o.bank_id JOIN staff m ON m.id = o.made_by LEFT JOIN staff a ON a.id = o.approved_by
WHERE o.id = %s
"""
NEAR = """
SELECT buyer_id FROM offer WHERE seller_id = %(party)s UNION SELECT seller_id FROM offer WHERE buyer_id = %(party)s
UNION SELECT id FROM party WHERE kind = 'platform' OR id = %(party)s
"""
"""A party itself, the platform, and whoever it ever sold to or bought from."""

CODES = "SELECT id, code FROM party WHERE id = ANY (%s::bigint[])"
IN_TRANSIT_OF = """
SELECT coalesce(sum(amount), 0)::bigint FROM payout
WHERE party_id = %s AND debtor_id = %s AND currency = %s AND state IN ('approved', 'sent')
"""


@dataclass(frozen=True, slots=True)
class PayoutView:
    """One payout; `bank` is the mask of where it goes, `maker` and `approver` are logins."""

    id: UUID
    party: str
    debtor: str
    kind: PayoutKind
    period: date
    amount_minor: int
    currency: str
    state: PayoutState
    bank: str
    requested_at: datetime
    maker: str
    approver: str | None


@dataclass(frozen=True, slots=True)
class ClaimView:
    """What a party claims of a debtor's cash, minor units: still pending, payable now, on its way, owed by it."""

    party: str
    debtor: str
    currency: str
    pending: int
    available: int
    in_transit: int
    owed: int


def payouts_of(
    *, actor: Actor, party_id: int | None = None, with_ended: bool = False, limit: int = 200
) -> list[PayoutView]:
    """A party's payouts, as who gets or pays them, newest first; all of them for the platform without `party_id`.

    Raises `NotFound` for a party that the actor cannot see.
    """
    _require_view(actor, party_id)
    rows = execute(LIST, {"party": party_id, "ended": with_ended, "limit": limit})
    return [PayoutView(*row) for row in rows]


def claim_views(*, actor: Actor, party_id: int | None = None, now: datetime) -> list[ClaimView]:
    """What a party may claim, as a payout asked for now would find it. Raises `NotFound`.

    Whoever sells further down the chain holds the cash only until the trade accounts in between have it: as long as
    nothing is due from there, the party is not told who that is (INV-T4). The platform is.
    """
    _require_view(actor, party_id)
    claims = claims_of(party_id=party_id)
    near = None if sees_all(actor) or party_id is None else near_to(party_id)
    codes = dict(execute(CODES, ([number for one in claims for number in (one.party_id, one.debtor_id)],)))
    found = []
    for one in claims:
        available, standing = after_what_is_due(one, now=now)
        in_transit = int(execute(IN_TRANSIT_OF, (one.party_id, one.debtor_id, one.currency))[0][0])
        whole = standing.pending + standing.available + standing.owed
        owed = max(-whole, 0)
        view = ClaimView(
            codes[one.party_id],
            codes[one.debtor_id],
            one.currency,
            pending=whole + owed - available,
            available=available,
            in_transit=in_transit,
            owed=owed,
        )
        if near is None or one.debtor_id in near or any((view.pending, view.available, in_transit, owed)):
            found.append(view)
    return found


def near_to(party_id: int) -> set[int]:
    """Whom a party knows: itself, the platform, those it sells to or buys from."""
    return {number for (number,) in execute(NEAR, {"party": party_id})}


def bank_mask(*, actor: Actor, party_id: int) -> tuple[str, datetime]:
    """Where a party's money is sent, masked, and since when. Raises `NotFound`, `NoBankDetails`."""
    _require_view(actor, party_id)
    kept = bank_of(party_id=party_id)
    return kept.mask, max(at for _, at in changes_of(party_id=party_id))


def payout_of(*, actor: Actor, payout_id: UUID) -> PayoutView:
    """One payout, for its party, its debtor and the platform. Raises `NotFound`, also for a foreign one."""
    rows = execute(ONE, (payout_id,))
    if not rows or not (may_see(actor, rows[0][0]) or may_see(actor, rows[0][1])):
        raise NotFound("payout")
    return PayoutView(*rows[0][2:])


def reveal_bank(*, actor: Actor, payout_id: UUID, key: Secret, now: datetime) -> dict[str, Secret]:
    """Where an approved payout goes, in full, for the person who gives the order to the bank; written down first.

    Raises `NotFound`, `NotAllowed`, `PayoutMoved` (not approved yet, or over), `PartySuspended`, `NotReleased`,
    `BankChanged`, `SealError`.
    """
    payout, _ = find_payout(actor=actor, payout_id=payout_id)
    if payout.state not in IN_TRANSIT:
        raise PayoutMoved(state=payout.state)
    require_payable(payout.claim.party_id)
    require_same_bank(payout)

    def work() -> None:
        append(
            actor=actor,
            action="payout.bank_shown",
            object_kind="payout",
            object_id=payout_id,
            party_id=payout.claim.party_id,
            now=now,
        )

    in_transaction(work, repeatable=True)
    return open_bank_details(bank_id=payout.bank_id, key=key)


def _require_view(actor: Actor, party_id: int | None) -> None:
    if party_id is None and (is_platform(actor) or Role.AUDITOR in actor.roles):
        return
    if party_id is None or not may_see(actor, party_id):
        raise NotFound("party")
