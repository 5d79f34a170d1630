"""A batch is found bad: nothing more of it is sold or opened, and everybody who got or waits for its cards is named.

What is claimed but was opened by nobody is looked at again by its delivery (`core.fulfilment.mending`): other cards
take its place, or its money goes back. What was delivered stays delivered; its buyers are listed for whoever writes to
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.actor import Actor, ActorKind
from core.db import execute, in_transaction
from core.errors import Invalid, NotAllowed, NotFound
from core.parties.rules import PLATFORM_ROLES, PartyKind, Role, may_change, may_operate, may_see
from core.stock.moving import batch_state, move_batch
from core.stock.rules import BatchState
from core.work import Work, enqueue_missing

LONGEST_REASON = 500

AFFECTED = """
SELECT o.id, m.code, l.listing_code, i.channel, o.conversation_id, o.placed_at,
       count(*) FILTER (WHERE c.state = 'held'), count(*) FILTER (WHERE c.state = 'claimed' AND c.opened_at IS NULL),
       count(*) FILTER (WHERE c.opened_at IS NOT NULL)
FROM (SELECT DISTINCT c.line_id, c.batch_no FROM card c WHERE c.batch_no = (SELECT no FROM batch WHERE id = %(batch)s)
      AND c.state IN ('held', 'claimed', 'delivered') ORDER BY c.line_id LIMIT %(most)s) s
JOIN card c ON c.line_id = s.line_id AND c.batch_no = s.batch_no AND c.state IN ('held', 'claimed', 'delivered')
JOIN order_line l ON l.id = s.line_id
JOIN shop_order o ON o.id = l.order_id JOIN party m ON m.id = o.merchant_id JOIN identity i ON i.id = o.identity_id
GROUP BY o.id, m.code, l.listing_code, l.position, i.channel, o.conversation_id, o.placed_at
ORDER BY o.placed_at, o.id, l.position
"""
"""Of at most so many lines, the first ones (their ids are made as time goes)."""

OUTLOOK = """
WITH c AS MATERIALIZED (SELECT line_id, state, opened_at FROM card
    WHERE batch_no = (SELECT no FROM batch WHERE id = %s) AND state IN ('held', 'claimed', 'delivered'))
SELECT count(DISTINCT l.order_id), count(*) FILTER (WHERE c.state = 'held'),
       count(*) FILTER (WHERE c.state = 'claimed' AND c.opened_at IS NULL),
       count(*) FILTER (WHERE c.opened_at IS NOT NULL)
FROM c JOIN order_line l ON l.id = c.line_id
"""
OWNER = "SELECT b.owner_id, p.kind FROM batch b JOIN party p ON p.id = b.owner_id WHERE b.id = %s"
WAITING = """
SELECT DISTINCT d.id FROM card c JOIN delivery d ON d.line_id = c.line_id
WHERE c.batch_no = (SELECT no FROM batch WHERE id = %s) AND c.state = 'claimed' AND c.opened_at IS NULL
  AND d.state IN ('ready', 'sending', 'unknown')
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


@dataclass(frozen=True, slots=True)
class Outlook:
    """Whom a recall concerns: orders, and their cards as in `Affected`."""

    orders: int
    held: int
    waiting: int
    opened: int


def recall_outlook(*, actor: Actor, batch_id: UUID) -> Outlook:
    """How many a recall of this batch concerns, for its owner and the platform. Raises `NotFound`."""
    _owner_kind(actor, batch_id)
    return Outlook(*execute(OUTLOOK, (batch_id,))[0])


def batch_buyers(*, actor: Actor, batch_id: UUID, most: int) -> tuple[Affected, ...]:
    """Who has or waits for cards of a batch, the first orders first, for the merchant that owns it and the platform.

    A supplier is told of no buyer but its own hop's (INV-T3). Raises `NotFound`, `NotAllowed`.
    """
    kind = _owner_kind(actor, batch_id)
    if not actor.roles & PLATFORM_ROLES and kind != PartyKind.MERCHANT:
        raise NotAllowed
    return tuple(Affected(*row) for row in execute(AFFECTED, {"batch": batch_id, "most": most}))


def _owner_kind(actor: Actor, batch_id: UUID) -> str:
    rows = execute(OWNER, (batch_id,))
    if not rows or not may_see(actor, rows[0][0]):
        raise NotFound("batch")
    return str(rows[0][1])


def recall_batch(*, actor: Actor, batch_id: UUID, reason: str, now: datetime) -> Recalled:
    """Recall a batch for ever, and have the paid lines that wait for its cards looked at. Repeating it lists again.

    The batch's owner and the platform do; it waits for sales under way, and none takes a card after it (INV-S8). Raises
    `NotFound` for a missing or foreign batch, `NotAllowed` for staff of its party who do not own it, `Invalid` without
    a reason, `BatchIsNot` for one that is being imported.
    """
    if not 0 < len(reason.strip()) <= LONGEST_REASON or "\0" in reason:
        raise Invalid(what="reason")
    if actor.kind is ActorKind.STAFF and not may_operate(actor):
        _owner_kind(actor, batch_id)
        if not may_change(actor, actor.party_id or 0, Role.OWNER):
            raise NotAllowed

    def work() -> Recalled:
        is_new = batch_state(actor=actor, batch_id=batch_id) is not BatchState.RECALLED
        if is_new:
            move_batch(actor=actor, batch_id=batch_id, to=BatchState.RECALLED, reason=reason.strip(), now=now)
        enqueue_missing(Work.DELIVER, [row[0] for row in execute(WAITING, (batch_id,))])
        return Recalled(is_new, tuple(Affected(*row) for row in execute(AFFECTED, {"batch": batch_id, "most": None})))

    return in_transaction(work, repeatable=True)
