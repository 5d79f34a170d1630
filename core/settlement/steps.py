"""What the bank does with an approved payout, as a person says it: order given, confirmed, certainly not paid."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import peewee

from core.actor import Actor
from core.db import changed, constraint, in_transaction
from core.errors import Conflict
from core.ledger import rules as books
from core.ledger import service as ledger
from core.ledger.rules import AccountKind, TransferCode
from core.settlement.found import PayoutMoved, checked, find_payout, note
from core.settlement.payable import require_payable, require_same_bank
from core.settlement.rules import IN_TRANSIT, OPEN, PayoutState

SEND = "UPDATE payout SET state = 'sent', sent_by = %s, sent_at = %s WHERE id = %s AND state = 'approved'"
CONFIRM = """
UPDATE payout SET state = 'succeeded', ended_by = %s, ended_at = %s, bank_reference = %s
WHERE id = %s AND state = 'sent'
"""
FAIL = """
UPDATE payout SET state = 'failed', ended_by = %s, ended_at = %s, reason = %s WHERE id = %s AND state = %s
"""
OUTSIDE = books.source("payout")
"""Where money is that a bank confirmed: outside, apart from what came in through gateways."""


class ReferenceTaken(Conflict):
    """Another payout was confirmed with this number of the bank."""


def send_payout(*, actor: Actor, payout_id: UUID, now: datetime) -> None:
    """Somebody is about to give the order to the bank: said first, so that no second person gives it as well.

    Raises `NotFound`, `NotAllowed`, `PartySuspended`, `NotReleased`, `BankChanged`, `PayoutMoved`.
    """

    def work() -> None:
        payout, person = find_payout(actor=actor, payout_id=payout_id)
        if payout.state is not PayoutState.APPROVED:
            raise PayoutMoved(state=payout.state)
        require_payable(payout.claim.party_id)
        require_same_bank(payout)
        if changed(SEND, (person, now, payout_id)) != 1:
            raise PayoutMoved(state=payout.state)
        note(actor, "payout.sent", payout_id, payout.claim.party_id, {}, now)

    in_transaction(work)


def confirm_payout(*, actor: Actor, payout_id: UUID, bank_reference: str, now: datetime) -> None:
    """The bank confirmed a payout under its number: the money is outside.

    Raises `NotFound`, `NotAllowed`, `Invalid`, `ReferenceTaken`, `PayoutMoved`.
    """
    reference = checked(bank_reference, what="reference")

    def work() -> None:
        payout, person = find_payout(actor=actor, payout_id=payout_id)
        if changed(CONFIRM, (person, now, reference, payout_id)) != 1:
            raise PayoutMoved(state=payout.state)
        note(actor, "payout.succeeded", payout_id, payout.claim.party_id, {"reference": reference}, now)
        debtor, currency = books.party(payout.claim.debtor_id), payout.amount.currency
        world_id = ledger.open_account(kind=AccountKind.WORLD, holder=OUTSIDE, counterparty=debtor, currency=currency)
        transit_id = payout.claim.account(AccountKind.IN_TRANSIT)
        paid = ledger.NewTransfer(transit_id, world_id, payout.amount.minor, currency, TransferCode.PAID_OUT, payout_id)
        ledger.post(transfers=[paid], now=now)

    try:
        in_transaction(work)
    except peewee.IntegrityError as error:
        if constraint(error) != "payout_bank_reference":
            raise
        raise ReferenceTaken(reference=reference) from None


def fail_payout(*, actor: Actor, payout_id: UUID, reason: str, now: datetime) -> None:
    """A payout is declined, or the bank certainly did not pay: what is in transit is available again.

    Never for a bank that has not answered: that stays `sent`. Raises `NotFound`, `NotAllowed`, `Invalid`,
    `PayoutMoved`.
    """
    reason = checked(reason, what="reason", most=500)

    def work() -> None:
        payout, person = find_payout(actor=actor, payout_id=payout_id)
        if payout.state not in OPEN or changed(FAIL, (person, now, reason, payout_id, payout.state)) != 1:
            raise PayoutMoved(state=payout.state)
        note(actor, "payout.failed", payout_id, payout.claim.party_id, {"from": payout.state}, now)
        if payout.state in IN_TRANSIT:
            back = payout.moved(AccountKind.IN_TRANSIT, AccountKind.AVAILABLE, TransferCode.PAYOUT_BACK)
            ledger.post(transfers=[back], now=now)

    in_transaction(work)
