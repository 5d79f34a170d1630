"""A batch is found bad: nothing more of it is sold or opened, and everybody who got or waits for its cards is named.

What is claimed but was opened by nobody is looked at again by its delivery (`core.fulfilment.mending`): other cards
take its place, or its money goes back. What was delivered stays delivered; its buyers are listed for whoever writes to
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.actor import Actor
from core.db import execute, in_transaction
from core.errors import Invalid
from core.stock.rules import BatchState
from core.stock.service import batch_state, move_batch
from core.work import Work, enqueue_missing

LONGEST_REASON = 500

AFFECTED = """
SELECT o.id, m.code, l.listing_code, i.channel, o.conversation_id, o.placed_at,
       count(*) FILTER (WHERE c.state = 'held'), count(*) FILTER (WHERE c.state = 'claimed' AND c.opened_at IS NULL),
       count(*) FILTER (WHERE c.opened_at IS NOT NULL)
FROM batch b JOIN card c ON c.batch_no = b.no JOIN order_line l ON l.id = c.line_id
JOIN shop_order o ON o.id = l.order_id JOIN party m ON m.id = o.merchant_id JOIN identity i ON i.id = o.identity_id
WHERE b.id = %s AND c.state IN ('held', 'claimed', 'delivered')
GROUP BY o.id, m.code, l.listing_code, l.position, i.channel, o.conversation_id, o.placed_at
ORDER BY o.placed_at, o.id, l.position
"""
WAITING = """
SELECT DISTINCT d.id FROM batch b JOIN card c ON c.batch_no = b.no JOIN delivery d ON d.line_id = c.line_id
WHERE b.id = %s AND c.state = 'claimed' AND c.opened_at IS NULL AND d.state IN ('ready', 'sending', 'unknown')
"""


@dataclass(frozen=True, slots=True)
class Affected:
    """A line with cards of the batch: `held` for an unpaid order, `waiting` paid and unopened, `opened` for a buyer."""

    order_id: UUID
    merchant: str
    code: str
    channel: str
    conversation_id: UUID
    placed_at: datetime
    held: int
    waiting: int
    opened: int


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a recall did: `is_new` unless the batch was recalled before, and every line with cards of it."""

    is_new: bool
    affected: tuple[Affected, ...]


def recall_batch(*, actor: Actor, batch_id: UUID, reason: str, now: datetime) -> Recalled:
    """Recall a batch for ever, and have the paid lines that wait for its cards looked at. Repeating it lists again.

    The batch's owner and the platform do; it waits for sales under way, and none takes a card after it (INV-S8). Raises
    `NotFound` for a missing or foreign batch, `Invalid` without a reason, `BatchIsNot` for one that is being imported.
    """
    if not 0 < len(reason.strip()) <= LONGEST_REASON:
        raise Invalid(what="reason")

    def work() -> Recalled:
        is_new = batch_state(actor=actor, batch_id=batch_id) is not BatchState.RECALLED
        if is_new:
            move_batch(actor=actor, batch_id=batch_id, to=BatchState.RECALLED, reason=reason.strip(), now=now)
        enqueue_missing(Work.DELIVER, [row[0] for row in execute(WAITING, (batch_id,))])
        return Recalled(is_new, tuple(Affected(*row) for row in execute(AFFECTED, (batch_id,))))

    return in_transaction(work, repeatable=True)
