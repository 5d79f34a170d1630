"""What the platform wishes about contested cards: written down and sealed by the panel, carried out by the vault."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from core.actor import Actor, ActorKind
from core.audit import service as audit
from core.db import changed, execute, in_transaction
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.ids import new_id
from core.parties.rules import may_operate
from core.secret import Secret
from core.stock.contested import GivenTo
from core.vault.client import VaultCode, VaultRefused
from core.vault.import_requests import Wished
from core.vault.looks import SealedWish, wish_seal
from core.work import Work, enqueue, enqueue_missing

LONGEST_REASON = 500
AGAIN_AFTER = timedelta(seconds=60)

OWNER = "SELECT owner_id FROM batch WHERE id = %s"
TURN = "SELECT pg_advisory_xact_lock(7194, hashtext(%s))"
OPEN = "SELECT 1 FROM contested_wish WHERE batch_id = %s AND state = 'asked'"
WRITE = """
INSERT INTO contested_wish (id, staff_id, batch_id, given_to, reason, asked_at, seal)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
CONTESTED = """
SELECT 1 FROM stock_event e JOIN batch b ON b.no = e.batch_no
WHERE b.id = %s AND e.kind = 'contested' AND e.handled_at IS NULL LIMIT 1
"""
END = """
UPDATE contested_wish SET state = %s, decided = %s, held = %s, sold = %s, ended_at = %s
WHERE id = %s AND state = 'asked'
"""
LEFT = "SELECT id FROM contested_wish WHERE state = 'asked' AND asked_at < %s ORDER BY asked_at LIMIT %s"


class NothingContested(Conflict):
    """No card of this batch waits for a decision."""


class DecisionUnderWay(Conflict):
    """A decision about this batch is being carried out."""


class WishingVault(Protocol):
    """The vault, as far as this room asks it."""

    def carry_out_wish(self, wish: UUID, /) -> Wished: ...


def wish_decision(
    *, actor: Actor, batch_id: UUID, given_to: GivenTo, reason: str, seal_key: Secret, now: datetime
) -> UUID:
    """Decide whose the contested cards of a batch (the later copies) are; the vault carries it out in a moment.

    The platform's owner and operators do. Raises `NotAllowed`, `NotFound`, `Invalid` (reason), `NothingContested`,
    `DecisionUnderWay`; nothing changes then.
    """
    said = reason.strip()
    if actor.kind is not ActorKind.STAFF or actor.id is None or not may_operate(actor):
        raise NotAllowed
    if not 0 < len(said) <= LONGEST_REASON or "\0" in said:
        raise Invalid(what="reason")
    wish = SealedWish(new_id(), actor.id, batch_id, given_to.value, said, now)

    def work() -> UUID:
        execute(TURN, (str(batch_id),))
        rows = execute(OWNER, (batch_id,))
        if not rows:
            raise NotFound("batch")
        if execute(OPEN, (batch_id,)):
            raise DecisionUnderWay
        if not execute(CONTESTED, (batch_id,)):
            raise NothingContested
        what = (wish.id, wish.staff_id, batch_id, wish.given_to, said, now)
        execute(WRITE, (*what, wish_seal(seal_key, wish)))
        enqueue(Work.DECIDE, wish.id)
        audit.append(
            actor=actor,
            action="contested.wished",
            object_kind="batch",
            object_id=batch_id,
            detail={"given_to": wish.given_to},
            party_id=actor.party_id or 0,  # the platform's: nobody else hears of another's copy
            now=now,
        )
        return wish.id

    return in_transaction(work)


def carry_out_wish(*, wish_id: UUID, vault: WishingVault, now: datetime) -> bool:
    """Have the vault carry a decision out, and keep what became of it; what passes is raised, and asked again."""
    try:
        done = vault.carry_out_wish(wish_id)
    except VaultRefused as refused:
        if refused.vault_code is not VaultCode.CONTEST_REFUSED:
            raise
        return bool(in_transaction(lambda: changed(END, ("refused", None, None, None, now, wish_id))))
    values = ("done", done.decided, done.held, done.sold, now, wish_id)
    return bool(in_transaction(lambda: changed(END, values)))


def wishes_due(*, now: datetime, limit: int = 100) -> int:
    """For the sweep: ask the worker again for decisions that nobody has seen to; returns how many."""
    return enqueue_missing(Work.DECIDE, [one for (one,) in execute(LEFT, (now - AGAIN_AFTER, limit))])
