"""What people do to their batches: take one off sale and put it back; and how many of its cards are where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.actor import Actor
from core.db import execute, in_transaction
from core.errors import Invalid, NotFound
from core.parties.rules import PLATFORM_ROLES, may_see
from core.stock.moving import batch_state, move_batch
from core.stock.rules import BatchIsNot, BatchState

LONGEST_REASON = 500

BATCH = "SELECT no, owner_id, sku_id, card_count FROM batch WHERE id = %s"
FREE = "SELECT count(*) FROM card WHERE batch_no = %s AND state = 'free'"
ASIDE = """
SELECT count(*) FILTER (WHERE state = 'quarantined'), count(*) FILTER (WHERE state = 'void') FROM card
WHERE batch_no = %s AND contested
"""
HELD = """
SELECT count(*) FROM hold h JOIN card c ON c.line_id = h.line_id AND c.state = 'held' AND c.batch_no = %s
WHERE h.sku_id = %s AND h.state = 'open'
"""


@dataclass(frozen=True, slots=True)
class BatchFigures:
    """Where the cards of a batch are; each is in one figure.

    `contested` and `void` (never to be sold) are told to the platform alone: for the owner they count as `left`, since
    neither party learns of the other's copy. `sold`: given to a paid order.
    """

    left: int
    held: int
    sold: int
    contested: int | None
    void: int | None


def batch_figures(*, actor: Actor, batch_id: UUID) -> BatchFigures:
    """Counts of a batch, for its owner and the platform, without a walk over its cards: what is free, held or kept
    aside has indexes, the rest is sold. Raises `NotFound`, also for a foreign batch.
    """
    rows = execute(BATCH, (batch_id,))
    if not rows or not may_see(actor, rows[0][1]):
        raise NotFound("batch")
    no, _, sku_id, cards = rows[0]
    free, (contested, void) = int(execute(FREE, (no,))[0][0]), execute(ASIDE, (no,))[0]
    held = int(execute(HELD, (no, sku_id))[0][0])
    sold = max(0, cards - free - held - contested - void)
    if actor.roles & PLATFORM_ROLES:
        return BatchFigures(free, held, sold, contested, void)
    return BatchFigures(free + contested + void, held, sold, None, None)


def lock_batch(*, actor: Actor, batch_id: UUID, reason: str, now: datetime) -> None:
    """Take a batch off sale, after sales that are under way: its owner's keepers of stock do, and the platform.

    Raises `NotFound`, `NotAllowed`, `Invalid` (reason), `BatchIsNot`.
    """
    _move(actor, batch_id, BatchState.SELLING, BatchState.LOCKED, reason, now)


def unlock_batch(*, actor: Actor, batch_id: UUID, reason: str, now: datetime) -> None:
    """Put a locked batch on sale again. Raises what `lock_batch` does, and `LockedByOthers`."""
    _move(actor, batch_id, BatchState.LOCKED, BatchState.SELLING, reason, now)


def _move(actor: Actor, batch_id: UUID, was: BatchState, to: BatchState, reason: str, now: datetime) -> None:
    said = reason.strip()
    if not 0 < len(said) <= LONGEST_REASON or "\0" in said:
        raise Invalid(what="reason")

    def work() -> None:
        state = batch_state(actor=actor, batch_id=batch_id)
        if state is not was:  # an import that goes on is never put on sale by hand
            raise BatchIsNot(state=state.value, wanted=to.value)
        move_batch(actor=actor, batch_id=batch_id, to=to, reason=said, now=now)

    in_transaction(work)
