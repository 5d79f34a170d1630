"""A shop takes no further orders from a shopper; what was paid is delivered all the same."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from core.actor import Actor
from core.audit import service as audit
from core.db import changed, execute, in_transaction
from core.errors import NotAllowed, NotFound
from core.parties.rules import Role, may_change, may_see

WHOSE = "SELECT merchant_id, blocked_at FROM shopper WHERE id = %s AND merged_into IS NULL FOR NO KEY UPDATE"
BLOCK = "UPDATE shopper SET blocked_at = %s WHERE id = %s"


class BlockReason(StrEnum):
    """Why a shopper is blocked: a code, so that nothing is written down about a person."""

    FRAUD = "fraud"  # paid with somebody else's money, or tried to
    CHARGEBACK = "chargeback"  # had a payment taken back after the cards came
    ABUSE = "abuse"  # insults, threats, floods
    RESALE = "resale"  # buys what is for own use only
    ASKED = "asked"  # wants it so


def block_shopper(*, actor: Actor, shopper_id: UUID, reason: BlockReason, now: datetime) -> bool:
    """Take no further orders from a shopper; True when this call did it. Raises `NotFound`, `NotAllowed`."""
    return _set(actor, shopper_id, "shopper.blocked", {"reason": reason.value}, now, blocked_at=now)


def unblock_shopper(*, actor: Actor, shopper_id: UUID, now: datetime) -> bool:
    """Take orders again; True when this call did it. Raises `NotFound`, `NotAllowed`."""
    return _set(actor, shopper_id, "shopper.unblocked", {}, now, blocked_at=None)


def _set(
    actor: Actor, shopper_id: UUID, action: str, detail: dict[str, str], now: datetime, *, blocked_at: datetime | None
) -> bool:
    def work() -> bool:
        rows = execute(WHOSE, (shopper_id,))
        if not rows or not may_see(actor, rows[0][0]):
            raise NotFound("shopper")
        merchant_id, before = rows[0]
        if not may_change(actor, merchant_id, Role.SUPPORT):
            raise NotAllowed(what="shopper")
        if (before is None) is (blocked_at is None):
            return False
        changed(BLOCK, (blocked_at, shopper_id))
        audit.append(
            actor=actor,
            action=action,
            object_kind="shopper",
            object_id=shopper_id,
            detail=detail,
            party_id=merchant_id,
            now=now,
        )
        return True

    return in_transaction(work)
