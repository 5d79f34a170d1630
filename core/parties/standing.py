"""Who takes part: making parties, not letting one in, their fee, and the one way their state changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from core.actor import Actor
from core.audit import service as audit
from core.db import atomic, changed, execute
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.parties.rules import PARTY_TRANSITIONS, PartyKind, PartyState, Role, may_operate
from core.parties.service import create_party, create_staff, require_platform
from core.secret import Secret
from core.titles import Names, checked_text

LONGEST_REASON = 500
"""Signs of why somebody was not let in, suspended or closed."""

HIGHEST_FEE = 10_000
"""Basis points: the whole price."""

NOW = "SELECT kind, status, fee_basis_points FROM party WHERE id = %s FOR NO KEY UPDATE"
MOVE = "UPDATE party SET status = %s WHERE id = %s AND status = %s"
SET_FEE = "UPDATE party SET fee_basis_points = %s WHERE id = %s"
FREE_CODE = "UPDATE party SET code = 'rejected-' || id WHERE id = %s"
DECIDED = "UPDATE party_application SET decided_at = %s, decided_by = %s, reason = %s WHERE party_id = %s"
END_SESSIONS = "UPDATE staff_session SET ended_at = %s WHERE party_id = %s AND ended_at IS NULL"


class PartyMoved(Conflict):
    """The party is in another state by now; `state` says which."""


@dataclass(frozen=True, slots=True)
class FirstOwner:
    """Who signs in first for a party; the password is one that the platform chose and the person must change."""

    email: str
    name: str
    password: Secret = field(repr=False)


def make_party(
    *, actor: Actor, kind: PartyKind, code: str, names: Names, fee_basis_points: int, owner: FirstOwner, now: datetime
) -> int:
    """Make a party that takes part at once, with its first owner's login; both or nothing. Returns the party's id.

    Only the platform's owner does. Raises `NotAllowed`, `CodeTaken`, `Invalid` (kind, code, name, fee, email,
    password).
    """
    if kind is PartyKind.PLATFORM:
        raise Invalid(what="kind")
    with atomic():
        party_id = create_party(
            actor=actor, kind=kind, code=code, names=names, fee_basis_points=fee_basis_points, now=now
        )
        create_staff(
            actor=actor,
            party_id=party_id,
            email=owner.email,
            name=owner.name,
            password=owner.password,
            roles=frozenset({Role.OWNER}),
            is_first=True,
            now=now,
        )
    return party_id


def reject_party(*, actor: Actor, party_id: int, reason: str, now: datetime) -> None:
    """Do not let a party in; its code is free for another try. The platform's operators do.

    Raises `NotAllowed`, `NotFound`, `Invalid` (reason), `PartyMoved` where somebody else decided.
    """
    require_operate(actor)
    said = checked_reason(reason)
    with atomic():
        change_state(actor=actor, party_id=party_id, from_=PartyState.APPLIED, to=PartyState.LEFT,
                     action="party.rejected", reason=said, now=now)  # fmt: skip
        changed(DECIDED, (now, actor.id, said, party_id))
        changed(FREE_CODE, (party_id,))


def set_fee(*, actor: Actor, party_id: int, fee_basis_points: int, now: datetime) -> None:
    """Another fee for orders placed from now on, in hundredths of a percent; only the platform's owner sets it.

    Orders that were placed keep theirs (INV-O8). Raises `NotAllowed`, `NotFound`, `Invalid`.
    """
    require_platform(actor)
    if not 0 <= fee_basis_points <= HIGHEST_FEE:
        raise Invalid(what="fee")
    with atomic():
        kind, _, before = _locked(party_id)
        if kind is PartyKind.PLATFORM:
            raise Invalid(what="platform")
        changed(SET_FEE, (fee_basis_points, party_id))
        audit.append(
            actor=actor,
            action="party.fee_set",
            object_kind="party",
            object_id=party_id,
            detail={"basis_points": fee_basis_points, "before": before},
            party_id=party_id,
            now=now,
        )


def change_state(
    *,
    actor: Actor,
    party_id: int,
    to: PartyState,
    action: str,
    from_: PartyState | None = None,
    reason: str = "",
    now: datetime,
) -> None:
    """Move a party on, in the caller's transaction, with its entry in the audit; who may was asked before.

    Whoever acts for a party that takes part no more is signed out of it. `from_` is where it must be now (None:
    wherever the move is drawn from). Raises `NotFound`, `Invalid` for the platform itself, `PartyMoved`.
    """
    kind, state, _ = _locked(party_id)
    if kind is PartyKind.PLATFORM:
        raise Invalid(what="platform")
    if (from_ is not None and state is not from_) or to not in PARTY_TRANSITIONS[state]:
        raise PartyMoved(state=state.value)
    if changed(MOVE, (to.value, party_id, state.value)) != 1:
        raise PartyMoved(state=state.value)
    if to in (PartyState.SUSPENDED, PartyState.LEFT):
        changed(END_SESSIONS, (now, party_id))
    audit.append(
        actor=actor,
        action=action,
        object_kind="party",
        object_id=party_id,
        detail={"reason": reason} if reason else None,
        party_id=party_id,
        now=now,
    )


def checked_reason(reason: str) -> str:
    """Why, as others will read it, in lines. Raises `Invalid` for nothing, for more than `LONGEST_REASON`, for NUL."""
    said = checked_text(reason.replace("\r\n", "\n").strip(), what="reason", most=LONGEST_REASON)
    if not said:
        raise Invalid(what="reason")
    return said


def require_operate(actor: Actor) -> None:
    """Raises `NotAllowed` unless the actor does the platform's daily work."""
    if not may_operate(actor):
        raise NotAllowed()


def _locked(party_id: int) -> tuple[PartyKind, PartyState, int]:
    rows = execute(NOW, (party_id,))
    if not rows:
        raise NotFound("party")
    kind, status, fee = rows[0]
    return PartyKind(kind), PartyState(status), int(fee)
