"""A batch is locked, put on sale again or recalled: by whom, after which sales, and with what in the audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.actor import Actor, ActorKind
from core.audit.service import append
from core.db import atomic, changed, execute
from core.errors import NotAllowed, NotFound
from core.parties.rules import Role, may_operate
from core.stock import sql
from core.stock.rules import BATCH_TRANSITIONS, BatchIsNot, BatchState, LockedByOthers

KEEPERS = frozenset({Role.OWNER, Role.STOCK, Role.CATALOG})
"""Whoever of a batch's owner has one of these roles takes it off sale."""


@dataclass(frozen=True, slots=True)
class _LockedBatch:
    """A batch that nobody else changes; `locked_by` is the party that took it off sale, None for the store itself."""

    no: int
    owner_id: int
    state: BatchState
    locked_by: int | None


def _locked_batch(batch_id: UUID, actor: Actor) -> _LockedBatch:
    rows = execute("SELECT no, owner_id FROM batch WHERE id = %s", (batch_id,))
    if not rows or not (may_operate(actor) or _is_own_staff(actor, rows[0][1])):
        raise NotFound("batch")
    no, owner = rows[0]
    if not may_operate(actor) and not KEEPERS & actor.roles:
        raise NotAllowed
    execute(sql.LOCK_BATCH, (no,))
    state, locked_by = execute("SELECT state, locked_by FROM batch WHERE no = %s FOR UPDATE", (no,))[0]
    return _LockedBatch(no, owner, BatchState(state), locked_by)


def _is_own_staff(actor: Actor, owner_id: int) -> bool:
    return actor.kind is ActorKind.STAFF and actor.party_id == owner_id


def batch_state(*, actor: Actor, batch_id: UUID) -> BatchState:
    """A batch's state, locked for a change until the transaction ends.

    Raises `NotFound`, also for a foreign one, `NotAllowed` for its owner's staff without a role for stock.
    """
    return _locked_batch(batch_id, actor).state


def move_batch(*, actor: Actor, batch_id: UUID, to: BatchState, reason: str, now: datetime) -> None:
    """Lock, unlock or recall a batch: waits for running holds; none begins after the commit (INV-S8).

    Raises `NotFound` for a missing or foreign batch, `NotAllowed`, `BatchIsNot` when its state does not allow the step,
    `LockedByOthers` when its owner would unlock what the platform or the store has locked.
    """
    with atomic():
        found = _locked_batch(batch_id, actor)
        if to not in BATCH_TRANSITIONS[found.state]:
            raise BatchIsNot(state=found.state.value, wanted=to.value)
        is_unlocked = found.state is BatchState.LOCKED and to is BatchState.SELLING
        if is_unlocked and not may_operate(actor) and found.locked_by != actor.party_id:
            raise LockedByOthers
        locked_by = actor.party_id if to is BatchState.LOCKED else None
        changed(
            "UPDATE batch SET state = %s, reason = %s, locked_by = %s WHERE no = %s",
            (to.value, reason, locked_by, found.no),
        )
        append(
            actor=actor,
            action=f"batch.{to.value}",
            object_kind="batch",
            object_id=batch_id,
            detail={"from": found.state.value},
            party_id=found.owner_id,
            now=now,
        )
