"""One payout as its steps need it, and what every step does besides: access, audit, its transfer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.actor import Actor
from core.audit.service import append
from core.db import execute
from core.errors import Conflict, Invalid, NotFound
from core.ledger import service as ledger
from core.ledger.rules import AccountKind, TransferCode
from core.money import Money
from core.settlement.claims import Claim
from core.settlement.people import find_person, require_person
from core.settlement.rules import PayoutState

FIND = "SELECT party_id, debtor_id, currency, amount, state, bank_id, made_by FROM payout WHERE id = %s"


class PayoutMoved(Conflict):
    """The payout is in another state by now."""


@dataclass(frozen=True, slots=True)
class Payout:
    """One payout as the steps need it."""

    id: UUID
    claim: Claim
    amount: Money
    state: PayoutState
    bank_id: UUID
    made_by: UUID

    def moved(self, debit: AccountKind, credit: AccountKind, code: TransferCode) -> ledger.NewTransfer:
        """Its whole amount between two accounts of its claim."""
        return self.claim.transfer(debit, credit, self.amount.minor, code, self.id)


def find_payout(*, actor: Actor, payout_id: UUID) -> tuple[Payout, UUID]:
    """A payout and the person who acts: the debtor's people and the platform's decide about it.

    Raises `NotFound`, also for a foreign one, and `NotAllowed`.
    """
    rows = execute(FIND, (payout_id,))
    if not rows:
        raise NotFound("payout")
    party_id, debtor_id, currency, amount, state, bank_id, made_by = rows[0]
    person = require_person(actor, debtor_id, what="payout")
    claim = Claim(party_id, debtor_id, currency)
    return Payout(payout_id, claim, Money(amount, currency), PayoutState(state), bank_id, made_by), person


def person_for(*, email: str, payout_id: UUID) -> Actor:
    """Who has this login, as somebody who decides about a payout. Raises `NotFound`, `NotAllowed`."""
    rows = execute(FIND, (payout_id,))
    if not rows:
        raise NotFound("payout")
    return find_person(email=email, party_id=rows[0][1])


def checked(text: str, *, what: str, most: int = 200) -> str:
    """A line that a person typed, without its outer blanks. Raises `Invalid(what=…)`."""
    text = text.strip()
    if not 0 < len(text) <= most or not text.isprintable():
        raise Invalid(what=what)
    return text


def note(
    actor: Actor,
    action: str,
    payout_id: UUID,
    party_id: int,
    detail: Mapping[str, str | int | bool | None],
    now: datetime,
) -> None:
    """The audit entry of a step, in the caller's transaction."""
    append(
        actor=actor,
        action=action,
        object_kind="payout",
        object_id=payout_id,
        detail=detail,
        party_id=party_id,
        now=now,
    )
