"""The rules of payouts on plain numbers: life of a payout, what becomes payable when, who must not be one person."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID


class PayoutState(StrEnum):
    """Where a payout stands."""

    REQUESTED = "requested"  # asked for; no money has moved
    APPROVED = "approved"  # its money is in transit: it can be neither spent nor asked for again
    SENT = "sent"  # somebody gives the order to the bank: said before it is given, so that no two do
    SUCCEEDED = "succeeded"  # the bank confirmed it: the money is outside
    FAILED = "failed"  # declined, or a certain no of the bank: the money is available again


PAYOUT_TRANSITIONS: dict[PayoutState, frozenset[PayoutState]] = {
    PayoutState.REQUESTED: frozenset({PayoutState.APPROVED, PayoutState.FAILED}),
    PayoutState.APPROVED: frozenset({PayoutState.SENT, PayoutState.FAILED}),
    PayoutState.SENT: frozenset({PayoutState.SUCCEEDED, PayoutState.FAILED}),
    PayoutState.SUCCEEDED: frozenset(),
    PayoutState.FAILED: frozenset(),
}

OPEN = frozenset({PayoutState.REQUESTED, PayoutState.APPROVED, PayoutState.SENT})
IN_TRANSIT = frozenset({PayoutState.APPROVED, PayoutState.SENT})


class PayoutKind(StrEnum):
    """Whose cash a payout is."""

    SHARE = "share"  # what another party collected for this one
    OWN = "own"  # a collector takes its own share out of what its own gateways paid it


class SplitOf(StrEnum):
    """Why people are refused; each is a sentence at the command line."""

    SAME_PERSON = "same_person"  # who asked for it would approve it
    CHANGED_BANK = "changed_bank"  # one of the two changed the bank details in the last 7 days
    NEW_PERSON = "new_person"  # one of the two has had a say over this money, or the login, for less than 24 h
    FRESH_BANK = "fresh_bank"  # a one-person party changed its bank details less than 24 h ago


DEFAULT_SETTLE_DAYS = 7
"""How long a sale waits for its refund before it can be paid out, where a contract says nothing else."""

CHANGED_LATELY = timedelta(days=7)
"""Whoever changed the bank details within this time neither asks for nor approves a payout (books.md)."""

ONE_PERSON_DELAY = timedelta(hours=24)
"""A party of one person has nobody else: after a change of its bank details nothing is paid for so long (books.md).

As long lasts what owners change about people: whoever came less than this ago is not yet somebody else, and whoever
went is not yet gone; else one person would be two after a minute, or one of three the only one.
"""

WAITS_TOO_LONG = timedelta(days=3)
"""A payout without an end for so long is shown to a person: banks take one to three days."""

SPLITTING = frozenset({"wechatpay", "alipay", "stripe"})
"""Gateways that can split a payment by themselves: only there may the platform collect for a merchant (books.md)."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a claim stands, in minor units. `young` is what came into pending within the settle period; `owed` <= 0;
    `room` is what the debtor's gateways have settled and was not made available to anybody."""

    pending: int
    young: int
    available: int
    owed: int
    room: int


@dataclass(frozen=True, slots=True)
class Moves:
    """What brings a claim up to date: amounts of at least 0, made in this order."""

    taken_back: int  # available -> pending: refunds were more than what was pending
    becomes_owed: int  # owed -> pending: what is missing still
    repaid_available: int  # available -> owed
    repaid_pending: int  # pending -> owed
    matured: int  # pending -> available

    @property
    def any(self) -> bool:
        """Whether there is anything to book."""
        return bool(
            self.taken_back or self.becomes_owed or self.repaid_available or self.repaid_pending or self.matured
        )


def moves(now: Standing) -> Moves:
    """What a party owes beyond its money is taken in the order pending, available, owed; later sales repay owed first;
    what is older than the settle period becomes available, never more than the gateways have settled (books.md).

    What left pending is counted against its oldest sales, so that a young sale is never released in place of a
    refunded old one.
    """
    missing = max(-now.pending, 0)
    taken_back = min(now.available, missing)
    becomes_owed = missing - taken_back
    available, pending = now.available - taken_back, max(now.pending, 0)
    debt = becomes_owed - now.owed
    repaid_available = min(available, debt)
    repaid_pending = min(pending, debt - repaid_available)
    still_owed = debt - repaid_available - repaid_pending
    room = now.room + taken_back + repaid_available
    old = pending - repaid_pending - now.young
    matured = 0 if still_owed else max(min(old, room), 0)
    return Moves(taken_back, becomes_owed, repaid_available, repaid_pending, matured)


def refusal_of_people(
    *,
    maker: UUID,
    approver: UUID,
    changes: Iterable[tuple[UUID, datetime]],
    only_person: UUID | None,
    newcomers: Set[UUID] = frozenset(),
    now: datetime,
) -> SplitOf | None:
    """Approver, maker and whoever changed the bank details in the last 7 days are different people; the only person of
    a party waits 24 h after a change instead (books.md). The exception is for that one, not for the platform's owners
    who act for the party. `changes` are (person, time) of the party's bank details; `newcomers` count as
    nobody yet."""
    changed = list(changes)
    if newcomers & {maker, approver}:
        return SplitOf.NEW_PERSON
    if only_person is not None and any(at > now - ONE_PERSON_DELAY for _, at in changed):
        return SplitOf.FRESH_BANK
    if maker == approver != only_person:
        return SplitOf.SAME_PERSON
    lately = {person for person, at in changed if at > now - CHANGED_LATELY} - {only_person}
    return SplitOf.CHANGED_BANK if lately & {maker, approver} else None


def masked(number: str) -> str:
    """An account number for prints: its last four characters at most, and never more than a third of it."""
    shown = min(4, len(number) // 3)
    return "****" + (number[-shown:] if shown else "")
