"""What the panel asks the vault about money that leaves: each act with a code of who acts, judged there."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from core.secret import Secret
from core.vault.asking import Asking


class PayoutAct(StrEnum):
    """What a person asks for with a code."""

    BANK = "bank"  # say where the party's money is sent
    REQUEST = "request"  # ask for a payout
    APPROVE = "approve"  # let it go
    SEND = "send"  # give the order to the bank now
    CONFIRM = "confirm"  # the bank paid
    FAIL = "fail"  # declined, or the bank's certain no
    REVEAL = "reveal"  # show where it goes, in full


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts for which party, and the code that their authenticator shows now."""

    staff_id: UUID
    party_id: int
    code: str = field(repr=False)


class PayoutRequests(Asking):
    """The part of `core.vault.client.VaultClient` that is about payouts."""

    def act_on_payout(self, person: Person, act: PayoutAct, said: dict[str, str], /) -> dict[str, Secret]:
        """Have one act done in this person's name; what it gives (REVEAL: `name`, `bank`, `number`; BANK: `mask`).

        Raises `VaultAway`, `VaultRefused`: SECOND_REFUSED or TOO_OFTEN for the code, ACT_REFUSED with the refusal's
        name as its text and its parameters.
        """
        who = {"staff": str(person.staff_id), "party": person.party_id, "code": person.code}
        answer = self._ask({"op": "payout", "act": act.value, "said": said} | who)
        return {name: Secret(value) for name, value in (answer.get("shown") or {}).items()}
