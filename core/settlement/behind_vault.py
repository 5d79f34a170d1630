"""Acts on payouts and bank details where the vault carries them out: for whoever shows a code that counts now.

No password of web writes any of this. The code is taken before the act, once; what the person may do is read here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID, uuid4

from core.actor import Actor, ActorKind
from core.custody.openings.checks import OpeningRefused
from core.db import atomic, execute
from core.errors import Invalid, NotFound, Refusal
from core.money import Money
from core.parties.service import find_party
from core.secret import Secret
from core.settlement.service import (
    approve_payout,
    confirm_payout,
    fail_payout,
    request_payout,
    reveal_bank,
    send_payout,
    set_bank_details,
)
from core.vault.client import VaultCode
from core.vault.payout_requests import PayoutAct
from core.vault.second_factor import digits

WHO = """
SELECT array_agg(r.role) FROM staff_role r JOIN staff s ON s.id = r.staff_id AND s.disabled_at IS NULL
JOIN party p ON p.id = r.party_id AND p.status = 'active'
WHERE r.staff_id = %s AND r.party_id = %s
"""

Judged = Callable[..., OpeningRefused | None]
"""`Judge.judged` of the vault."""


@dataclass(frozen=True, slots=True)
class PayoutDesk:
    """The acts of one vault; `key` seals bank details and is the vault's own."""

    operations: ClassVar = frozenset({"payout"})

    judged: Judged
    key: Secret
    now: Callable[[], datetime]

    def answer(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one request. Raises `OpeningRefused` for a code that does not count."""
        del operation
        try:
            act, staff_id, party_id, said = _asked(request)
            with atomic():
                refusal = self.judged(staff_id, digits(str(request.get("code", ""))), confirms=False)
            if refusal is not None:
                raise refusal
            shown = self._act(act, _person(staff_id, party_id), said)
        except Refusal as no:
            return {"ok": False, "code": VaultCode.ACT_REFUSED.value, "text": no.reason, "params": dict(no.params)}
        return {"shown": shown}

    def _act(self, act: PayoutAct, actor: Actor, said: Mapping[str, str]) -> dict[str, str]:
        now = self.now()
        if act is PayoutAct.BANK:
            return self._bank(actor, said, now)
        if act is PayoutAct.REQUEST:
            _request(actor, said, now)
            return {}
        payout_id = _id(said.get("payout", ""))
        if act is PayoutAct.REVEAL:
            found = reveal_bank(actor=actor, payout_id=payout_id, key=self.key, now=now)
            return {name: value.reveal().decode() for name, value in found.items()}
        if act is PayoutAct.APPROVE:
            approve_payout(actor=actor, payout_id=payout_id, now=now)
        elif act is PayoutAct.SEND:
            send_payout(actor=actor, payout_id=payout_id, now=now)
        elif act is PayoutAct.CONFIRM:
            reference = said.get("reference", "")
            confirm_payout(actor=actor, payout_id=payout_id, bank_reference=reference, now=now)
        else:
            fail_payout(actor=actor, payout_id=payout_id, reason=said.get("reason", ""), now=now)
        return {}

    def _bank(self, actor: Actor, said: Mapping[str, str], now: datetime) -> dict[str, str]:
        kept = set_bank_details(
            actor=actor,
            party_id=_own(actor),
            name=said.get("name", ""),
            bank=said.get("bank", ""),
            number=Secret(said.get("number", "")),
            key=self.key,
            submission_id=str(uuid4()),  # the code is what counts once
            now=now,
        )
        return {"mask": kept.mask}


def _request(actor: Actor, said: Mapping[str, str], now: datetime) -> None:
    minor, period = said.get("minor", ""), said.get("period", "")
    if not (minor.isascii() and minor.isdecimal() and len(minor) < 19):
        raise Invalid(what="amount")
    try:
        day = date.fromisoformat(period)
    except ValueError:
        raise Invalid(what="period") from None
    request_payout(
        actor=actor,
        party_id=_own(actor),
        debtor_id=find_party(code=said.get("debtor", "")).id,
        amount=Money(int(minor), said.get("currency", "")),
        period=day,
        submission_id=str(uuid4()),
        now=now,
    )


def _asked(request: Mapping[str, Any]) -> tuple[PayoutAct, UUID, int, Mapping[str, str]]:
    said, party = request.get("said"), request.get("party")
    if request.get("act") not in set(PayoutAct) or not isinstance(said, dict) or not isinstance(party, int):
        raise Invalid(what="act")
    if not all(isinstance(value, str) for value in said.values()):
        raise Invalid(what="act")
    return PayoutAct(request["act"]), _id(str(request.get("staff"))), party, said


def _person(staff_id: UUID, party_id: int) -> Actor:
    rows = execute(WHO, (staff_id, party_id))
    if not rows or not rows[0][0]:
        raise NotFound("payout")
    return Actor(ActorKind.STAFF, id=staff_id, party_id=party_id, roles=frozenset(rows[0][0]))


def _own(actor: Actor) -> int:
    if actor.party_id is None:
        raise NotFound("party")
    return actor.party_id


def _id(said: str) -> UUID:
    try:
        return UUID(said)
    except ValueError:
        raise NotFound("payout") from None
