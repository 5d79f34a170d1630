"""Letting a party in, suspending it, letting it go on: what it offers is in the chains, leaves them, and comes back."""

from __future__ import annotations

from datetime import datetime

from core.actor import Actor
from core.conversations.brought_files import take_back_imports
from core.db import changed, in_transaction
from core.parties.rules import PartyState
from core.parties.standing import DECIDED, change_state, checked_reason, require_operate, set_fee
from core.supply.service import rebuild_sources_of


def approve_party(*, actor: Actor, party_id: int, fee_basis_points: int | None = None, now: datetime) -> None:
    """Let a party in that applied: its people sign in, and offers that were made with it meanwhile count.

    The platform's operators do; a fee only its owner. Raises `NotAllowed`, `NotFound`, `Invalid` (fee), `PartyMoved`
    where somebody else decided.
    """
    require_operate(actor)

    def work() -> None:
        change_state(
            actor=actor,
            party_id=party_id,
            from_=PartyState.APPLIED,
            to=PartyState.ACTIVE,
            action="party.approved",
            now=now,
        )
        changed(DECIDED, (now, actor.id, None, party_id))
        if fee_basis_points is not None:
            set_fee(actor=actor, party_id=party_id, fee_basis_points=fee_basis_points, now=now)
        rebuild_sources_of(party_id=party_id)

    in_transaction(work)


def suspend_party(*, actor: Actor, party_id: int, reason: str, now: datetime) -> None:
    """Stop a party at once: nothing of it is sold to anybody, nobody of it signs in, it is paid nothing.

    A merchant's shop asks for no money any more; money that is on its way is booked, and what was paid is delivered.
    What others ordered of a supplier's goods goes on. Imports under way are taken back; its money stays where it is.
    The platform's operators do. Raises `NotAllowed`, `NotFound`, `Invalid` (reason, the platform itself), `PartyMoved`.
    """
    require_operate(actor)
    said = checked_reason(reason)

    def work() -> None:
        change_state(
            actor=actor, party_id=party_id, to=PartyState.SUSPENDED, action="party.suspended", reason=said, now=now
        )
        rebuild_sources_of(party_id=party_id)
        take_back_imports(party_id=party_id, now=now)

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
