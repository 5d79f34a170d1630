"""The life of cards and batches, and what the stock room refuses, as plain values."""

from __future__ import annotations

from enum import StrEnum

from core.errors import Conflict, Refusal, RefusalCode


class CardState(StrEnum):
    """Where one card is."""

    FREE = "free"  # on sale when its batch is
    HELD = "held"  # kept for an unpaid order
    CLAIMED = "claimed"  # given to a paid order, not yet handed over
    DELIVERED = "delivered"  # handed to its shopper
    QUARANTINED = "quarantined"  # broken seal, or contested: never sold until someone decides
    WITHDRAWN = "withdrawn"  # taken back unsold by its supplier
    VOID = "void"  # never to be used again


CARD_TRANSITIONS: dict[CardState, frozenset[CardState]] = {
    CardState.FREE: frozenset({CardState.HELD, CardState.QUARANTINED, CardState.WITHDRAWN}),
    # a hold that ends gives the card back; payment claims it
    CardState.HELD: frozenset({CardState.CLAIMED, CardState.FREE, CardState.QUARANTINED}),
    # back to free only if the vault never opened it (a trigger sees to that)
    CardState.CLAIMED: frozenset({CardState.DELIVERED, CardState.FREE, CardState.QUARANTINED}),
    CardState.DELIVERED: frozenset({CardState.VOID}),
    CardState.QUARANTINED: frozenset({CardState.FREE, CardState.VOID}),
    CardState.WITHDRAWN: frozenset(),
    CardState.VOID: frozenset(),
}


class BatchState(StrEnum):
    """Where one batch is; only `selling` sells."""

    IMPORTING = "importing"  # cards arrive, none is on sale
    SELLING = "selling"  # on sale
    LOCKED = "locked"  # sells nothing until it is unlocked
    RECALLED = "recalled"  # found bad: sells nothing ever again
    ABANDONED = "abandoned"  # an import that was given up


BATCH_TRANSITIONS: dict[BatchState, frozenset[BatchState]] = {
    BatchState.IMPORTING: frozenset({BatchState.SELLING, BatchState.ABANDONED}),
    BatchState.SELLING: frozenset({BatchState.LOCKED, BatchState.RECALLED}),
    BatchState.LOCKED: frozenset({BatchState.SELLING, BatchState.RECALLED}),
    BatchState.RECALLED: frozenset(),
    BatchState.ABANDONED: frozenset(),
}


class Terms(StrEnum):
    """How a batch came to its owner."""

    OWN = "own"  # own stock without any supplier
    OWNED = "owned"  # bought out at a unit cost
    CONSIGNED = "consigned"  # stays the supplier's; owed when sold


class StockEventKind(StrEnum):
    """What the stock room notices for a higher one."""

    CONTESTED = "contested"  # another party already uploaded the same card
    BROKEN_SEAL = "broken_seal"  # a card or batch key did not open


class OutOfStock(Refusal):
    """Fewer are left than were asked for; `left` is a coarse figure (0-100)."""

    code = RefusalCode.SOLD_OUT


class HeldByOthers(Refusal):
    """Enough exist, but unpaid orders of others hold them: worth another try in a few minutes."""

    code = RefusalCode.SOLD_OUT


class LockedByOthers(Conflict):
    """The platform or the store itself has locked the batch: its owner does not put it on sale again."""


class BatchIsNot(Refusal):
    """The batch is in a state in which this cannot be done to it."""

    code = RefusalCode.CONFLICT
