"""The books: accounts, and transfers that are only ever added (INV-M1 to INV-M6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import peewee

from core.db import atomic, changed, constraint, execute
from core.errors import Conflict, NotFound
from core.ledger import sql
from core.ledger.rules import BOUNDED, AccountKind, TransferCode

__all__ = [
    "AccountKind",
    "AlreadyReversed",
    "BelowFloor",
    "NewTransfer",
    "TransferCode",
    "balance",
    "change_balances",
    "insert",
    "merged",
    "open_account",
    "post",
    "reverse",
    "stored_balance",
]


class BelowFloor(Conflict):
    """A bounded account does not have enough; the whole transaction is to be given up."""


class AlreadyReversed(Conflict):
    """A transfer is taken back once at most (INV-M6)."""


@dataclass(frozen=True, slots=True)
class NewTransfer:
    """One movement of `amount` minor units (at least 1) from the debited to the credited account."""

    debit_id: int
    credit_id: int
    amount: int
    currency: str
    code: TransferCode
    reference: UUID
    line_id: UUID | None = None


def open_account(*, kind: AccountKind, holder: str, counterparty: str = "", currency: str) -> int:
    """The account's id; it is made if it is missing. Bounded kinds start at 0 with the floor 0."""
    found = execute(sql.FIND_ACCOUNT, (kind, holder, counterparty, currency)) or execute(
        sql.OPEN_ACCOUNT, (kind, holder, counterparty, currency, kind in BOUNDED)
    )
    # A twin that committed between the two statements is visible to a third.
    found = found or execute(sql.FIND_ACCOUNT, (kind, holder, counterparty, currency))
    return int(found[0][0])


def post(*, transfers: Sequence[NewTransfer], now: datetime) -> None:
    """Add transfers, then change the balances of the bounded accounts among them.

    Call it last in the caller's transaction. Raises `BelowFloor`: the caller must let it roll everything back.
    """
    with atomic():
        change_balances(insert(transfers=transfers, now=now))


def insert(*, transfers: Sequence[NewTransfer], now: datetime) -> dict[int, int]:
    """Add transfers in one statement and return the changes that the bounded accounts among them still need.

    For a caller that has more to do before it hands the sum of all changes to `change_balances`.
    """
    if not transfers:
        return {}
    rows = execute(
        sql.POST,
        (
            now,
            [one.debit_id for one in transfers],
            [one.credit_id for one in transfers],
            [one.amount for one in transfers],
            [one.currency for one in transfers],
            [one.code.value for one in transfers],
            [one.reference for one in transfers],
            [one.line_id for one in transfers],
        ),
    )
    return {account_id: int(change) for account_id, change in rows}


def change_balances(changes: Mapping[int, int]) -> None:
    """Change stored balances (account id -> minor units), all or none; raises `BelowFloor`.

    Several accounts are locked in id order first: four random accounts in no order deadlock (books.md, *tried*).
    """
    moved = {account_id: change for account_id, change in sorted(changes.items()) if change}
    if not moved:
        return
    ids = list(moved)
    if len(ids) > 1:
        execute(sql.LOCK_ACCOUNTS, (ids,))
    if changed(sql.TOUCH, (ids, list(moved.values()))) != len(ids):
        raise BelowFloor


def merged(*changes: Mapping[int, int]) -> dict[int, int]:
    """The sum of several changes per account."""
    total: dict[int, int] = {}
    for one in changes:
        for account_id, change in one.items():
            total[account_id] = total.get(account_id, 0) + change
    return total


def reverse(*, transfer_id: int, reason: str, now: datetime) -> int:
    """Take one whole transfer back and return the mirror's id. Raises `NotFound`, `AlreadyReversed`, `BelowFloor`."""
    with atomic():
        mirrors = execute(sql.REVERSE, (TransferCode.REVERSAL, now, transfer_id))
        if not mirrors:
            raise NotFound("transfer")
        mirror_id, debit_id, credit_id, amount = mirrors[0]
        try:
            execute(sql.RECORD_REVERSAL, (transfer_id, mirror_id, reason))
        except peewee.IntegrityError as error:
            if constraint(error) != "reversal_pkey":
                raise
            raise AlreadyReversed from None
        bounded = {account_id for (account_id,) in execute(sql.BOUNDED_AMONG, ([debit_id, credit_id],))}
        change_balances({key: value for key, value in {debit_id: -amount, credit_id: amount}.items() if key in bounded})
        return int(mirror_id)


def balance(*, account_id: int) -> int:
    """An account's balance in minor units, from the last checkpoint and the transfers after it."""
    return int(execute(sql.BALANCE, {"account": account_id})[0][0])


def stored_balance(*, kind: AccountKind, holder: str, counterparty: str, currency: str) -> int:
    """A bounded account's balance as stored; 0 when it was never opened."""
    rows = execute(sql.STORED_BALANCE, (kind, holder, counterparty, currency))
    return int(rows[0][0]) if rows else 0
