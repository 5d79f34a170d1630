"""What one party may claim of another's cash: how much of it is pending, payable, on its way, owed.

A share of a sale waits in `pending` for its refund; afterwards, and only as far as gateways have settled, it becomes
`available`. The debtor's row of `settled_money` is locked first by whoever moves such money, balances are changed last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.db import changed, execute, in_transaction
from core.ids import new_id
from core.ledger import rules as books
from core.ledger import service as ledger
from core.ledger.rules import AccountKind, TransferCode
from core.settlement.rules import DEFAULT_SETTLE_DAYS, Moves, PayoutKind, Standing, moves

HAVE_ROW = "INSERT INTO settled_money (debtor_id, currency) VALUES (%s, %s) ON CONFLICT DO NOTHING"
LOCK = """
SELECT settled - released, settled_for_others - released_to_others FROM settled_money
WHERE debtor_id = %s AND currency = %s FOR NO KEY UPDATE
"""
ROOM = LOCK.replace(" FOR NO KEY UPDATE", "")
RELEASED = """
UPDATE settled_money SET released = released + %(change)s, released_to_others = released_to_others + %(others)s
WHERE debtor_id = %(debtor)s AND currency = %(currency)s
"""
DAYS = "SELECT days FROM settle_period WHERE party_id = %s AND debtor_id = %s"
YOUNG = """
SELECT coalesce(sum(amount), 0)::bigint FROM transfer
WHERE credit_id = %(account)s AND at > %(since)s AND code <> 'taken_back'
  AND id > coalesce((SELECT max(last_transfer_id) FROM checkpoint WHERE at <= %(since)s - interval '1 hour'),
                    -9223372036854775808)
"""
"""What came into an account since a time; a checkpoint before it (give or take a clock that was set back by an hour)
spares reading all that is older. What only fills up a minus is no sale."""

FIND = """
SELECT (SELECT id FROM account WHERE kind = 'pending' AND holder = %(party)s AND counterparty = %(debtor)s
        AND currency = %(currency)s),
       (SELECT id FROM account WHERE kind = 'owed' AND holder = %(party)s AND counterparty = %(debtor)s
        AND currency = %(currency)s)
"""
ALL = """
SELECT DISTINCT substr(holder, 7)::bigint, substr(counterparty, 7)::bigint, currency FROM account
WHERE kind IN ('pending', 'available') AND holder LIKE 'party:%%' AND counterparty LIKE 'party:%%'
  AND (%(party)s::bigint IS NULL OR holder = 'party:' || %(party)s::bigint)
ORDER BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """What `party_id` claims of the cash that `debtor_id` holds, in one currency."""

    party_id: int
    debtor_id: int
    currency: str

    @property
    def kind(self) -> PayoutKind:
        """Its own cash, or a share of another's."""
        return PayoutKind.OWN if self.party_id == self.debtor_id else PayoutKind.SHARE

    def account(self, kind: AccountKind) -> int:
        """The account of this claim of that kind; it is made if it is missing."""
        holder, debtor = books.party(self.party_id), books.party(self.debtor_id)
        return ledger.open_account(kind=kind, holder=holder, counterparty=debtor, currency=self.currency)

    def stored(self, kind: AccountKind) -> int:
        """The stored balance of its bounded account of that kind."""
        holder, debtor = books.party(self.party_id), books.party(self.debtor_id)
        return ledger.stored_balance(kind=kind, holder=holder, counterparty=debtor, currency=self.currency)

    def transfer(
        self, debit: AccountKind, credit: AccountKind, amount: int, code: TransferCode, reference: UUID
    ) -> ledger.NewTransfer:
        """Money that moves between two accounts of this claim."""
        ids = self.account(debit), self.account(credit)
        return ledger.NewTransfer(*ids, amount, self.currency, code, reference)


@dataclass(frozen=True, slots=True)
class UpToDate:
    """A claim after what was due has been booked: minor units, and the balance changes that are still to be made."""

    available: int
    owed: int
    changes: Mapping[int, int]


def bring_up_to_date(claim: Claim, *, now: datetime) -> UpToDate:
    """Book what time and refunds did to a claim, in the caller's transaction; locks the debtor's money first.

    The caller hands the changes to `ledger.change_balances`, last.
    """
    execute(HAVE_ROW, (claim.debtor_id, claim.currency))
    standing = stands(claim, execute(LOCK, (claim.debtor_id, claim.currency)), now=now)
    due = moves(standing)
    change = due.matured - due.taken_back - due.repaid_available
    owed = standing.owed - due.becomes_owed + due.repaid_available + due.repaid_pending
    if not due.any:
        return UpToDate(standing.available, owed, {})
    if change:
        others = change if claim.kind is PayoutKind.SHARE else 0
        which = {"debtor": claim.debtor_id, "currency": claim.currency}
        changed(RELEASED, which | {"change": change, "others": others})
    return UpToDate(standing.available + change, owed, ledger.insert(transfers=_transfers(claim, due), now=now))


def after_what_is_due(claim: Claim, *, now: datetime) -> tuple[int, Standing]:
    """What is payable of a claim once what is due will be booked, and how it stands; changes nothing."""
    rows = execute(ROOM, (claim.debtor_id, claim.currency))
    standing = stands(claim, rows or [(0, 0)], now=now)
    due = moves(standing)
    return standing.available + due.matured - due.taken_back - due.repaid_available, standing


def stands(claim: Claim, rooms: list[tuple[int, ...]], *, now: datetime) -> Standing:
    """A claim as the books have it; `rooms` is what is settled and not released: to anybody, and to others."""
    room, for_others = rooms[0]
    names = {"party": books.party(claim.party_id), "debtor": books.party(claim.debtor_id), "currency": claim.currency}
    pending_id, owed_id = execute(FIND, names)[0]
    since = now - timedelta(days=settle_days(claim))
    return Standing(
        pending=ledger.balance(account_id=pending_id) if pending_id else 0,
        young=int(execute(YOUNG, {"account": pending_id, "since": since})[0][0]) if pending_id else 0,
        available=claim.stored(AccountKind.AVAILABLE),
        owed=ledger.balance(account_id=owed_id) if owed_id else 0,
        room=room if claim.kind is PayoutKind.OWN else min(room, for_others),
    )


def settle_days(claim: Claim) -> int:
    """How many days a sale waits before it can be paid out."""
    rows = execute(DAYS, (claim.party_id, claim.debtor_id))
    return int(rows[0][0]) if rows else DEFAULT_SETTLE_DAYS


def claims_of(*, party_id: int | None) -> list[Claim]:
    """Every claim of a party; of all parties without one."""
    return [Claim(*row) for row in execute(ALL, {"party": party_id})]


def release_due(*, now: datetime) -> int:
    """Book what is due of every claim, each in a transaction of its own; returns how many changed.

    What a payout is asked of is brought up to date anyway: this keeps the books from saying yesterday's.
    """
    return sum(_release(claim, now) for claim in claims_of(party_id=None))


def _release(claim: Claim, now: datetime) -> bool:
    rooms = execute(ROOM, (claim.debtor_id, claim.currency)) or [(0, 0)]
    if not moves(stands(claim, rooms, now=now)).any:
        return False
    in_transaction(lambda: ledger.change_balances(bring_up_to_date(claim, now=now).changes), repeatable=True)
    return True


def _transfers(claim: Claim, due: Moves) -> list[ledger.NewTransfer]:
    reference = new_id()
    pending, available, owed = AccountKind.PENDING, AccountKind.AVAILABLE, AccountKind.OWED
    rows = (
        (available, pending, due.taken_back, TransferCode.TAKEN_BACK),
        (owed, pending, due.becomes_owed, TransferCode.TAKEN_BACK),
        (available, owed, due.repaid_available, TransferCode.REPAID),
        (pending, owed, due.repaid_pending, TransferCode.REPAID),
        (pending, available, due.matured, TransferCode.MATURED),
    )
    return [claim.transfer(debit, credit, amount, code, reference) for debit, credit, amount, code in rows if amount]
