"""The life of a payout: one person asks, another approves, the bank answers; its money moves once each way.

Available -> in transit at approval -> world at the bank's confirmation, back on a certain no (books.md). Each step is a
conditional UPDATE whose row count is checked; balances are changed last.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import peewee

from core.actor import Actor
from core.db import changed, constraint, execute, in_transaction
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.ledger import service as ledger
from core.ledger.rules import AccountKind, TransferCode
from core.money import GREATEST, Money
from core.settlement import banks
from core.settlement.claims import Claim, UpToDate, bring_up_to_date, claims_of
from core.settlement.found import Payout, PayoutMoved, find_payout, note
from core.settlement.payable import require_payable, require_same_bank
from core.settlement.people import newcomers, only_person, require_person
from core.settlement.rules import PayoutState, SplitOf, refusal_of_people
from core.submission import claim_submission

REQUEST = """
INSERT INTO payout (id, party_id, debtor_id, kind, period, currency, amount, state, bank_id, made_by, requested_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, 'requested', %s, %s, %s)
"""
ASKED_FOR = """
SELECT coalesce(sum(amount), 0)::bigint FROM payout
WHERE party_id = %s AND debtor_id = %s AND currency = %s AND state = 'requested'
"""
APPROVE = """
UPDATE payout SET state = 'approved', approved_by = %s, approved_at = %s WHERE id = %s AND state = 'requested'
"""


class PayoutThere(Conflict):
    """The party has a payout of this kind for this day already."""


class NotEnough(Conflict):
    """More was asked for than is available; `available` says how much that is (minor units)."""


class OwesFirst(Conflict):
    """The party owes `owed` (minor units) beyond its money: later sales repay that before anything is paid out."""


class OnePersonTwice(Conflict):
    """Approver, maker and whoever changed the bank details lately must be different people; `why` says which are."""


class BooksDiffer(Conflict):
    """Balances say more than was settled and released: they were changed beside the store."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one person asks for."""

    claim: Claim
    amount: Money
    period: date
    person: UUID


def request_payout(
    *,
    actor: Actor,
    party_id: int,
    debtor_id: int,
    amount: Money,
    period: date,
    submission_id: str,
    now: datetime,
) -> UUID:
    """Ask for a payout of what is available; moves no money. Returns its id, for the same submission the same.

    `period` is the day that it is for in the store's zone: one payout of a kind each. Raises `NotFound`, `NotAllowed`,
    `Invalid`, `NoBankDetails`, `DemoPaysNobody`, `NotReleased`, `PartySuspended`, `OwesFirst`, `NotEnough`,
    `PayoutThere`, `OtherContent`.
    """
    person = require_person(actor, party_id, what="party")
    if not 0 < amount.minor <= GREATEST:
        raise Invalid(what="amount")
    require_payable(party_id)
    claim = Claim(party_id, debtor_id, amount.currency)
    if party_id != debtor_id and claim not in claims_of(party_id=party_id):
        raise NotFound("claim")

    asked = _Asked(claim, amount, period, person)

    try:
        return in_transaction(lambda: _request(actor, asked, new_id(), submission_id, now), repeatable=True)
    except peewee.IntegrityError as error:
        if constraint(error) != "payout_once":
            raise
        raise PayoutThere(period=period.isoformat()) from None


def _request(actor: Actor, asked: _Asked, payout_id: UUID, submission_id: str, now: datetime) -> UUID:
    claim, amount = asked.claim, asked.amount
    first = claim_submission(
        merchant_id=claim.party_id,
        caller=f"staff:{asked.person}",
        operation="payout.request",
        key=submission_id,
        request=[claim.debtor_id, amount.minor, amount.currency, asked.period.isoformat()],
        reference=payout_id,
        now=now,
    )
    if first is not None:
        return first
    require_payable(claim.party_id)
    state = bring_up_to_date(claim, now=now)
    waiting = execute(ASKED_FOR, (claim.party_id, claim.debtor_id, claim.currency))
    _require_room(state, amount, waiting=int(waiting[0][0]))
    bank = banks.bank_of(party_id=claim.party_id)
    what = (claim.kind, asked.period, amount.currency, amount.minor, bank.id, asked.person, now)
    execute(REQUEST, (payout_id, claim.party_id, claim.debtor_id, *what))
    detail: dict[str, str | int | bool | None] = {"amount_minor": amount.minor, "debtor": claim.debtor_id}
    note(actor, "payout.requested", payout_id, claim.party_id, detail, now)
    ledger.change_balances(state.changes)
    return payout_id


def approve_payout(*, actor: Actor, payout_id: UUID, now: datetime) -> None:
    """Let a requested payout go: from now on its money is in transit. Somebody else than its maker, of the debtor's
    people or the platform's. Raises `NotFound`, `NotAllowed`, `NotReleased`, `PartySuspended`, `OnePersonTwice`,
    `BankChanged`, `OwesFirst`, `NotEnough`, `BooksDiffer`, `PayoutMoved`.
    """

    def work() -> None:
        banks.lock_bank_details(find_payout(actor=actor, payout_id=payout_id)[0].claim.party_id)
        payout, person = find_payout(actor=actor, payout_id=payout_id)
        if payout.state is not PayoutState.REQUESTED:
            raise PayoutMoved(state=payout.state)
        require_payable(payout.claim.party_id)
        _require_people(payout, person, now)
        state = bring_up_to_date(payout.claim, now=now)
        _require_room(state, payout.amount, waiting=0)
        if changed(APPROVE, (person, now, payout_id)) != 1:
            raise PayoutMoved(state=payout.state)
        note(actor, "payout.approved", payout_id, payout.claim.party_id, {}, now)
        moved = payout.moved(AccountKind.AVAILABLE, AccountKind.IN_TRANSIT, TransferCode.PAYOUT_APPROVED)
        ledger.change_balances(ledger.merged(state.changes, ledger.insert(transfers=[moved], now=now)))

    try:
        in_transaction(work)
    except ledger.BelowFloor:
        claim = find_payout(actor=actor, payout_id=payout_id)[0].claim
        raise NotEnough(available=claim.stored(AccountKind.AVAILABLE), currency=claim.currency) from None
    except peewee.IntegrityError as error:
        if constraint(error) != "payout_within_settled":
            raise
        raise BooksDiffer from None


def _require_people(payout: Payout, approver: UUID, now: datetime) -> None:
    party_id = payout.claim.party_id
    why: SplitOf | None = refusal_of_people(
        maker=payout.made_by,
        approver=approver,
        changes=banks.changes_of(party_id=party_id),
        only_person=only_person(party_id, now=now),
        newcomers=newcomers((payout.made_by, approver), party_id, now=now),
        now=now,
    )
    if why is not None:
        raise OnePersonTwice(why=why)
    require_same_bank(payout)


def _require_room(state: UpToDate, amount: Money, *, waiting: int) -> None:
    if state.owed < 0:
        raise OwesFirst(owed=-state.owed, currency=amount.currency)
    if amount.minor > state.available - waiting:
        raise NotEnough(available=max(state.available - waiting, 0), currency=amount.currency)
