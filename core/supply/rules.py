"""The life of a request to a supplier, and when its goods are sold or paused, as plain values."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from core.ports import SupplyAnswer, SupplyOutcome


class Connector(StrEnum):
    """The systems of suppliers that we speak with."""

    KASUSHOU = "kasushou"  # 卡速售 and the many sites that run its software


class SupplierRequestState(StrEnum):
    """Where one request to a supplier is."""

    CREATED = "created"  # written down, nothing was sent
    SENT = "sent"  # on its way, or cut off there: only asked about from now on, never sent again
    ACCEPTED = "accepted"  # the supplier works on it
    DELIVERED = "delivered"  # it said done; what came is sealed, and the vault counts it
    REJECTED = "rejected"  # certainly not bought: the money goes back
    UNKNOWN = "unknown"  # nobody knows: neither money back nor a second purchase (INV-O4)


SUPPLIER_REQUEST_TRANSITIONS: dict[SupplierRequestState, frozenset[SupplierRequestState]] = {
    SupplierRequestState.CREATED: frozenset({SupplierRequestState.SENT}),
    SupplierRequestState.SENT: frozenset(
        {
            SupplierRequestState.ACCEPTED,
            SupplierRequestState.DELIVERED,
            SupplierRequestState.REJECTED,
            SupplierRequestState.UNKNOWN,
        }
    ),
    SupplierRequestState.ACCEPTED: frozenset(
        {SupplierRequestState.DELIVERED, SupplierRequestState.REJECTED, SupplierRequestState.UNKNOWN}
    ),
    # by a query or a person only
    SupplierRequestState.UNKNOWN: frozenset({SupplierRequestState.DELIVERED, SupplierRequestState.REJECTED}),
    SupplierRequestState.DELIVERED: frozenset(),
    SupplierRequestState.REJECTED: frozenset(),
}

MOST_AT_ONCE = 10
"""So many cards of a supplier one line may have: each is a line of its own, paid back alone if it does not come."""

IN_FLIGHT = timedelta(minutes=10)
"""After this nothing that we sent can reach a supplier any more: what it does not know then was never bought."""

EMPTY_PATIENCE = timedelta(minutes=2)
"""A supplier that says done, but does not show as many keys as were bought, is asked again for so long after the call:
many fill the keys in a little later."""

FAILURES_ALLOWED = 3
"""So many questions or purchases in a row may fail before the goods are paused."""

COOLING = timedelta(minutes=10)
"""How long goods are paused at least before what the supplier says of its stock is believed again."""

TOLD_AFTER = {SupplierRequestState.UNKNOWN: 6, SupplierRequestState.ACCEPTED: 8}
"""After so many questions without an end (some minutes; a quarter of an hour where it is worked on) a person hears."""

TOLD_EVERY = 36
"""And again with every so manieth question (six hours)."""

NEXT_QUESTION = (3, 5, 10, 20, 60, 300, 600)
"""Seconds until a request that is not at its end is asked about again, by how often that was done."""


def state_after(
    state: SupplierRequestState, answer: SupplyAnswer, *, wanted: int, sent_at: datetime, now: datetime
) -> SupplierRequestState:
    """What an answer makes of a request for `wanted` keys. No certain answer never becomes a no (INV-O4)."""
    outcome = answer.outcome
    if outcome is SupplyOutcome.DELIVERED:
        shown = sum(bool(key.secret) for key in answer.keys)
        is_early = shown < wanted and now - sent_at < EMPTY_PATIENCE
        return _waiting(state) if is_early else SupplierRequestState.DELIVERED
    if outcome is SupplyOutcome.ACCEPTED:
        return _waiting(state)
    was_accepted = state is SupplierRequestState.ACCEPTED  # then `no such order` says that its system forgets
    is_absent = outcome is SupplyOutcome.ABSENT and not was_accepted and now - sent_at >= IN_FLIGHT
    if outcome is SupplyOutcome.REJECTED or is_absent:
        return SupplierRequestState.REJECTED
    return state if was_accepted else SupplierRequestState.UNKNOWN


def is_told(state: SupplierRequestState, attempts: int) -> bool:
    """Whether the operator hears now of a request that does not come to its end."""
    return state in TOLD_AFTER and (attempts == TOLD_AFTER[state] or attempts % TOLD_EVERY == 0)


def _waiting(state: SupplierRequestState) -> SupplierRequestState:
    return SupplierRequestState.ACCEPTED if state is SupplierRequestState.SENT else state


def question_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts."""
    return timedelta(seconds=NEXT_QUESTION[min(attempts, len(NEXT_QUESTION)) - 1])
