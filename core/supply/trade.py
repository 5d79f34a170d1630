"""Trade accounts (预存款) of two parties: the creditor sets the limit and says what money it got; both may look.

Money enters only by the creditor's word, once per reference; what it says wrongly is taken back whole, at most once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from core.actor import Actor
from core.audit.service import append
from core.db import changed, constraint, execute, in_transaction
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.ledger import rules as books
from core.ledger import service as ledger
from core.ledger.rules import AccountKind, TransferCode
from core.money import EXPONENT, GREATEST, Money
from core.parties.service import Role, is_platform, may_see, require_change
from core.titles import checked_text

LONGEST_REFERENCE = 200


class LimitInUse(Conflict):
    """The limit cannot go below what is owed and held now; `used` says how much that is (minor units)."""


class TopUpBooked(Conflict):
    """Money with this reference is booked on the account already."""


class TopUpSpent(Conflict):
    """The money of a top-up was spent or is held: it cannot be taken back."""


@dataclass(frozen=True, slots=True)
class TradeAccountView:
    """One trade account, minor units: `balance` above 0 is prepaid, below owed; `room` is what can still be bought."""

    creditor: str
    debtor: str
    currency: str
    balance: int
    held: int
    limit: int

    @property
    def room(self) -> int:
        return self.balance - self.held + self.limit


@dataclass(frozen=True, slots=True)
class TopUpView:
    """Money that a creditor said it got; `taken_back_at` where that was a mistake."""

    id: UUID
    creditor: str
    debtor: str
    amount: Money
    reference: str
    approved_at: datetime
    taken_back_at: datetime | None


FIND = "SELECT account_id FROM trade_account WHERE creditor_id = %s AND debtor_id = %s AND currency = %s"
OPEN = """
INSERT INTO trade_account (account_id, creditor_id, debtor_id, currency, sales_id, created_at)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (creditor_id, debtor_id, currency) DO NOTHING
"""
KNOWS = """
SELECT EXISTS (SELECT 1 FROM offer WHERE seller_id = %(creditor)s AND buyer_id = %(debtor)s)
    OR EXISTS (SELECT 1 FROM trade_account WHERE creditor_id = %(creditor)s AND debtor_id = %(debtor)s)
"""
SET_LIMIT = "SELECT set_credit_limit(%s, %s, %s, %s, %s, %s, %s)"
"""A function that the owner alone may call; it writes the audit entry too. No role of the store changes a floor."""

OwnersHand = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
"""Runs one statement as the owner of the tables: what a process of the store can do, who broke into it can as well."""

USED = "SELECT aside - balance FROM account WHERE id = %s"
TOP_UP = """
INSERT INTO transfer (debit_id, credit_id, amount, currency, code, reference, at) VALUES (%s, %s, %s, %s, %s, %s, %s)
RETURNING id
"""
RECORD = """
INSERT INTO trade_topup (id, account_id, amount, reference, transfer_id, approved_at) VALUES (%s, %s, %s, %s, %s, %s)
"""
FIND_TOPUP = """
SELECT u.transfer_id, u.taken_back_at IS NOT NULL, t.creditor_id
FROM trade_topup u JOIN trade_account t ON t.account_id = u.account_id WHERE u.id = %s
"""
TAKE_BACK = "UPDATE trade_topup SET taken_back_at = %s WHERE id = %s AND taken_back_at IS NULL"
ACCOUNTS = """
SELECT c.code, d.code, t.currency, a.balance, a.aside, -a.floor
FROM trade_account t JOIN account a ON a.id = t.account_id JOIN party c ON c.id = t.creditor_id
JOIN party d ON d.id = t.debtor_id
WHERE %(party)s::bigint IS NULL OR %(party)s IN (t.creditor_id, t.debtor_id)
ORDER BY c.code, d.code, t.currency
"""
TOPUPS = """
SELECT u.id, c.code, d.code, u.amount, t.currency, u.reference, u.approved_at, u.taken_back_at
FROM trade_topup u JOIN trade_account t ON t.account_id = u.account_id JOIN party c ON c.id = t.creditor_id
JOIN party d ON d.id = t.debtor_id WHERE %(party)s IN (t.creditor_id, t.debtor_id)
ORDER BY u.approved_at DESC, u.id DESC LIMIT %(most)s
"""


def set_credit_limit(
    *,
    actor: Actor,
    creditor_id: int,
    debtor_id: int,
    currency: str,
    limit_minor: int,
    as_owner: OwnersHand,
    now: datetime,
) -> None:
    """Set how much `debtor_id` may owe on its trade account (minor units); new accounts have 0.

    Only the creditor's finance staff and the platform do, at the command line, which has the owner's hand: the account
    is opened first, in a transaction of its own. Raises `NotFound`, `NotAllowed`, `Invalid` out of bounds,
    `LimitInUse` below what is owed and held now: the limit holds at every moment (INV-M11).
    """
    if not 0 <= limit_minor <= GREATEST:
        raise Invalid(what="credit_limit")
    if currency not in EXPONENT:
        raise Invalid(what="currency")

    account_id = in_transaction(lambda: _account(actor, creditor_id, debtor_id, currency, now))
    asked = (creditor_id, debtor_id, currency, limit_minor, actor.kind.value, actor.id, now)
    if as_owner(SET_LIMIT, asked) != [(account_id,)]:
        raise LimitInUse(used=int(execute(USED, (account_id,))[0][0]))


def approve_topup(
    *, actor: Actor, creditor_id: int, debtor_id: int, amount: Money, reference: str, now: datetime
) -> UUID:
    """The creditor says that it got the debtor's money: it is prepaid, or pays what is owed. Returns the top-up's id.

    `reference` is the bank's or gateway's number of the money and books it once. Raises `NotFound`, `NotAllowed`,
    `Invalid`, `TopUpBooked`.
    """
    reference = reference.strip()
    if not 0 < amount.minor <= GREATEST:
        raise Invalid(what="amount")
    if not 0 < len(reference) <= LONGEST_REFERENCE or not reference.isprintable():
        raise Invalid(what="reference")
    topup_id = new_id()

    def work() -> UUID:
        account_id = _account(actor, creditor_id, debtor_id, amount.currency, now)
        world_id = ledger.open_account(
            kind=AccountKind.WORLD,
            holder=books.source("trade"),
            counterparty=books.party(creditor_id),
            currency=amount.currency,
        )
        moved = (world_id, account_id, amount.minor, amount.currency, TransferCode.TRADE_TOP_UP, topup_id, now)
        transfer_id = execute(TOP_UP, moved)[0][0]
        execute(RECORD, (topup_id, account_id, amount.minor, reference, transfer_id, now))
        detail: dict[str, str | int] = {"amount_minor": amount.minor, "debtor": debtor_id, "currency": amount.currency}
        _audit(actor, "trade_account.topped_up", account_id, creditor_id, detail, now)
        ledger.change_balances({account_id: amount.minor})
        return topup_id

    try:
        return in_transaction(work)
    except peewee.IntegrityError as error:
        if constraint(error) != "trade_topup_once":
            raise
        raise TopUpBooked(reference=reference) from None


def take_back_topup(*, actor: Actor, topup_id: UUID, reason: str, now: datetime) -> None:
    """A top-up was a mistake: its transfer is reversed whole, once (INV-M6); the reference may be booked again.

    Raises `NotFound` (also when it was taken back before), `NotAllowed`, `Invalid`, `TopUpSpent`.
    """
    reason = checked_text(reason.replace("\r\n", "\n").strip(), what="reason")
    if not reason:
        raise Invalid(what="reason")

    def work() -> None:
        rows = execute(FIND_TOPUP, (topup_id,))
        if not rows:
            raise NotFound("trade_topup")
        transfer_id, is_taken_back, creditor_id = rows[0]
        require_change(actor, creditor_id, Role.FINANCE, what="trade_topup")
        if is_taken_back or changed(TAKE_BACK, (now, topup_id)) != 1:
            raise NotFound("trade_topup")
        _audit(actor, "trade_account.topup_taken_back", topup_id, creditor_id, {}, now)
        ledger.reverse(transfer_id=transfer_id, reason=reason, now=now)

    try:
        in_transaction(work)
    except ledger.BelowFloor:
        raise TopUpSpent from None


def trade_accounts(*, actor: Actor, party_id: int | None = None) -> list[TradeAccountView]:
    """The trade accounts of a party, as creditor and as debtor; all of them for the platform without `party_id`.

    Raises `NotFound` for a party that the actor cannot see.
    """
    if party_id is None and not is_platform(actor):
        party_id = actor.party_id
    if (party_id is None and not is_platform(actor)) or (party_id is not None and not may_see(actor, party_id)):
        raise NotFound("party")
    return [TradeAccountView(*row) for row in execute(ACCOUNTS, {"party": party_id})]


def topups_of(*, actor: Actor, party_id: int, most: int = 50) -> list[TopUpView]:
    """The last money that came in on a party's trade accounts, newest first. Raises `NotFound` for a foreign party."""
    if not may_see(actor, party_id):
        raise NotFound("party")
    return [
        TopUpView(id_, creditor, debtor, Money(minor, currency), reference, approved, taken_back)
        for id_, creditor, debtor, minor, currency, reference, approved, taken_back in execute(
            TOPUPS, {"party": party_id, "most": most}
        )
    ]


def _account(actor: Actor, creditor_id: int, debtor_id: int, currency: str, now: datetime) -> int:
    """The account of two parties for whoever may change it, opened when it is missing. A creditor's staff reach only
    parties that it trades with: others look like missing ones."""
    require_change(actor, creditor_id, Role.FINANCE, what="party")
    if creditor_id == debtor_id:
        raise Invalid(what="debtor")
    if not is_platform(actor) and not execute(KNOWS, {"creditor": creditor_id, "debtor": debtor_id})[0][0]:
        raise NotFound("party")
    found = execute(FIND, (creditor_id, debtor_id, currency))
    if found:
        return int(found[0][0])
    debtor, creditor = books.party(debtor_id), books.party(creditor_id)
    account_id = ledger.open_account(kind=AccountKind.TRADE, holder=debtor, counterparty=creditor, currency=currency)
    # What comes in and what it buys are all claims on the creditor, who has the money (INV-M10).
    sales_id = ledger.open_account(
        kind=AccountKind.TRADE_SALES, holder=creditor, counterparty=creditor, currency=currency
    )
    execute(OPEN, (account_id, creditor_id, debtor_id, currency, sales_id, now))
    return account_id


def _audit(
    actor: Actor, action: str, object_id: int | UUID, creditor_id: int, detail: Mapping[str, str | int], now: datetime
) -> None:
    append(
        actor=actor,
        action=action,
        object_kind="trade_account",
        object_id=object_id,
        detail=detail,
        party_id=creditor_id,
        now=now,
    )
