"""Suspending a party and letting it go on: what it offers leaves every chain, and comes back."""

from __future__ import annotations

from datetime import datetime

from core.actor import Actor
from core.db import in_transaction
from core.parties.rules import PartyState
from core.parties.standing import change_state, checked_reason, require_operate
from core.supply.service import rebuild_sources_of


def suspend_party(*, actor: Actor, party_id: int, reason: str, now: datetime) -> None:
    """Stop a party at once: nothing of it is sold to anybody, nobody of it signs in, it is paid nothing.

    Open orders go on: what is held can be paid, what was paid is delivered; its money stays where it is. The
    platform's operators do. Raises `NotAllowed`, `NotFound`, `Invalid` (reason, the platform itself), `PartyMoved`.
    """
    require_operate(actor)
    said = checked_reason(reason)

    def work() -> None:
        change_state(
            actor=actor, party_id=party_id, to=PartyState.SUSPENDED, action="party.suspended", reason=said, now=now
        )
        rebuild_sources_of(party_id=party_id)

    in_transaction(work)


def reopen_party(*, actor: Actor, party_id: int, now: datetime) -> None:
    """A suspended party goes on as before: its goods are in the chains again, its people sign in anew.

    The platform's operators do. Raises `NotAllowed`, `NotFound`, `PartyMoved` unless it is suspended.
    """
    require_operate(actor)

    def work() -> None:
        change_state(
            actor=actor,
            party_id=party_id,
            from_=PartyState.SUSPENDED,
            to=PartyState.ACTIVE,
            action="party.reopened",
            now=now,
        )
        rebuild_sources_of(party_id=party_id)

    in_transaction(work)
