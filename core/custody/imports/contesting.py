"""What becomes of contested cards: two parties brought the same secret, and the platform says whose it is.

The later copy waits in quarantine, and no uploader learns of the other. Given to the earlier party, it becomes void.
Given to the later one, the copy that is on sale goes first: its batch is locked against holds and claims for that
moment, so that no card is sold and given away at once. What an unpaid order holds waits; what was sold stays sold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from core.actor import OPERATOR, Actor
from core.audit.service import append
from core.db import changed, execute, in_transaction
from core.ids import new_id
from core.stock.contested import GivenTo
from core.stock.sql import LOCK_BATCH

CARDS = 1000  # decided in one commit

# One decision at a time about one batch.
_TURN = "SELECT pg_advisory_xact_lock(7141, %s)"
_BATCH = "SELECT no FROM batch WHERE id = %s"
_BEGUN = """
SELECT id FROM contested_decision
WHERE batch_no = %s AND card_id IS NOT DISTINCT FROM %s AND given_to = %s AND finished_at IS NULL
"""
_BEGIN = """
INSERT INTO contested_decision (id, batch_no, card_id, given_to, reason, decided_at)
VALUES (%s, %s, %s, %s, %s, %s)
"""
_MOVE = "UPDATE contested_decision SET decided = decided + %s WHERE id = %s"
_END = "UPDATE contested_decision SET finished_at = %s WHERE id = %s RETURNING decided"

_NEXT = """
SELECT e.card_id FROM stock_event e
WHERE e.kind = 'contested' AND e.handled_at IS NULL AND e.batch_no = %(batch_no)s
  AND (%(card)s::uuid IS NULL OR e.card_id = %(card)s) AND (%(after)s::uuid IS NULL OR e.card_id > %(after)s)
ORDER BY e.card_id LIMIT %(cards)s
"""
_VOID_LATER = """
UPDATE card SET state = 'void' WHERE id = ANY (%s::uuid[]) AND contested AND state = 'quarantined'
"""
_HANDLED = """
UPDATE stock_event SET handled_at = %(now)s
WHERE kind = 'contested' AND handled_at IS NULL AND batch_no = %(batch_no)s AND card_id = ANY (%(cards)s::uuid[])
"""
_PAIRS = """
SELECT k.card_id, f.card_id, c.batch_no FROM card_seal k
LEFT JOIN card_seal f ON f.issuer_id = k.issuer_id AND f.fingerprint = k.fingerprint AND NOT f.contested
LEFT JOIN card c ON c.id = f.card_id
WHERE k.card_id = ANY (%s::uuid[]) AND k.contested
"""
"""Each contested card with the copy that may be sold now, whoever's it is, and that copy's batch."""

_EARLIER = """
SELECT id, state, line_id IS NULL AND opened_at IS NULL FROM card WHERE id = ANY (%s::uuid[]) ORDER BY id FOR UPDATE
"""
_QUARANTINE = "UPDATE card SET state = 'quarantined' WHERE id = ANY (%s::uuid[]) AND state = 'free'"
_VOID_EARLIER = """
UPDATE card SET state = 'void', contested = true WHERE id = ANY (%s::uuid[]) AND state = 'quarantined'
"""
_YIELD_PRINT = "UPDATE card_seal SET contested = true WHERE card_id = ANY (%s::uuid[])"
_TAKE_PRINT = "UPDATE card_seal SET contested = false WHERE card_id = ANY (%s::uuid[]) AND contested"
_FREE_LATER = """
UPDATE card SET state = 'free', contested = false, pos = nextval('card_pos')
WHERE id = ANY (%s::uuid[]) AND contested AND state = 'quarantined'
"""


class DecisionRefused(Exception):
    """What was asked for does not fit; the text says what to mend."""


@dataclass(slots=True)
class Decided:
    """How many cards were decided, and how many could not be: held for an unpaid order, or sold already."""

    decided: int = 0
    held: int = 0
    sold: int = 0


def decide(
    *, batch: UUID, card: UUID | None, given_to: GivenTo, reason: str, now: datetime, actor: Actor = OPERATOR
) -> Decided:
    """Decide about the contested cards of a batch (of the later copies), or one of them; goes on after a kill.

    Raises `DecisionRefused` when there is nothing to decide.
    """
    rows = execute(_BATCH, (batch,))
    if not rows:
        raise DecisionRefused("there is no batch of this number")
    batch_no = rows[0][0]
    of = {"batch_no": batch_no, "card": card, "after": None, "cards": CARDS}
    if not execute(_NEXT, of):
        raise DecisionRefused("nothing of it is contested: `contested list` shows what is")
    decision = in_transaction(lambda: _begun(batch_no, card, given_to, reason, now))
    decided = Decided()
    while cards := [row[0] for row in execute(_NEXT, of)]:
        for group in _groups(cards, given_to):
            count, held, sold = _applied(group, of, decision, now)
            decided.decided += count
            decided.held += held
            decided.sold += sold
        of["after"] = cards[-1]
    in_transaction(lambda: _end(decision, batch, given_to, decided, now, actor))
    return decided


@dataclass(frozen=True, slots=True)
class _Group:
    """Cards whose other copies lie in one batch (None: there are none, or they do not matter)."""

    cards: tuple[UUID, ...]
    other_batch: int | None
    given_to: GivenTo


def _groups(cards: Sequence[UUID], given_to: GivenTo) -> list[_Group]:
    if given_to is GivenTo.EARLIER:
        return [_Group(tuple(cards), None, given_to)]
    found: dict[int | None, list[UUID]] = {}
    for later, _, other_batch in execute(_PAIRS, (list(cards),)):
        found.setdefault(other_batch, []).append(later)
    return [_Group(tuple(some), other, given_to) for other, some in found.items()]


def _applied(group: _Group, of: dict[str, Any], decision: UUID, now: datetime) -> tuple[int, int, int]:
    try:
        return in_transaction(lambda: _apply(group, of, decision, now))
    except peewee.IntegrityError:
        raise DecisionRefused("another copy of these cards came in meanwhile: decide once more") from None


def _apply(group: _Group, of: dict[str, Any], decision: UUID, now: datetime) -> tuple[int, int, int]:
    """How many cards were decided, and how many other copies were held or sold."""
    execute(_TURN, (of["batch_no"],))
    cards = list(group.cards)
    held = sold = 0
    if group.given_to is GivenTo.EARLIER:
        changed(_VOID_LATER, (cards,))
    else:
        cards, held, sold = _given_to_later(cards, group.other_batch)
    count = changed(_HANDLED, {"now": now, "batch_no": of["batch_no"], "cards": cards})
    execute(_MOVE, (count, decision))
    return count, held, sold


def _given_to_later(cards: list[UUID], other_batch: int | None) -> tuple[list[UUID], int, int]:
    """The cards that are free now, and how many other copies are held or sold. One batch is locked at a time."""
    if other_batch is not None:
        execute(LOCK_BATCH, (other_batch,))  # no hold, claim or opening of it is under way, none begins
    pairs = [(later, other) for later, other, _ in execute(_PAIRS, (cards,))]
    others = [other for _, other in pairs if other is not None]
    states = {row[0]: (row[1], row[2]) for row in execute(_EARLIER, (others,))}
    movable = [other for other in others if states[other][1] and states[other][0] != "held"]
    held = sum(state == "held" for state, _ in states.values())
    changed(_QUARANTINE, (movable,))
    changed(_VOID_EARLIER, (movable,))
    changed(_YIELD_PRINT, (movable,))
    given = [later for later, other in pairs if other is None or other in set(movable)]
    changed(_TAKE_PRINT, (given,))
    changed(_FREE_LATER, (given,))
    return given, held, len(others) - len(movable) - held


def _begun(batch_no: int, card: UUID | None, given_to: GivenTo, reason: str, now: datetime) -> UUID:
    execute(_TURN, (batch_no,))
    found = execute(_BEGUN, (batch_no, card, given_to.value))
    if found:
        return UUID(str(found[0][0]))
    decision = new_id()
    execute(_BEGIN, (decision, batch_no, card, given_to.value, reason, now))
    return decision


def _end(decision: UUID, batch: UUID, given_to: GivenTo, decided: Decided, now: datetime, actor: Actor) -> None:
    count = execute(_END, (now, decision))[0][0]
    append(
        actor=actor,
        action="contested.decided",
        object_kind="batch",
        object_id=batch,
        detail={"given_to": given_to.value, "cards": count, "held": decided.held, "sold": decided.sold},
        party_id=actor.party_id,  # the platform: neither party learns of the other's copy
        now=now,
    )
