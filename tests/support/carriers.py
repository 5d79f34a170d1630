"""Couriers for tests: one that nobody may use, and one that answers as it is told and keeps what it was given."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.fulfilment.service import Carrier
from core.ports import Parcel, SendAnswer, SendOutcome


class _NobodysCourier:
    """For stores whose shoppers all sit in the web chat."""

    def hand_over(self, parcel: Parcel, /) -> SendAnswer:
        raise AssertionError(f"nothing is carried to {parcel.chat_address}")


NOBODY = Carrier(_NobodysCourier())


@dataclass
class ScriptedCourier:
    """Takes everything, unless the script says otherwise; `parcels` in the order they were taken."""

    script: list[SendAnswer] = field(default_factory=list)
    parcels: list[Parcel] = field(default_factory=list)
    offered: int = 0

    def hand_over(self, parcel: Parcel, /) -> SendAnswer:
        self.offered += 1
        answer = self.script.pop(0) if self.script else SendAnswer(SendOutcome.SENT, f"ref-{self.offered}")
        if answer.outcome in (SendOutcome.SENT, SendOutcome.UNKNOWN):
            self.parcels.append(parcel)
        return answer

    @property
    def kinds(self) -> list[str]:
        """What was taken, by kind."""
        return [parcel.kind for parcel in self.parcels]


@dataclass
class ScriptedWay:
    """Another way that reaches everybody, or nobody."""

    name: str
    answer: SendAnswer | None = field(default_factory=lambda: SendAnswer(SendOutcome.SENT, "way-1"))
    parcels: list[Parcel] = field(default_factory=list)
    is_heard: bool = True

    def tell(self, parcel: Parcel, /) -> SendAnswer | None:
        if self.answer is not None:
            self.parcels.append(parcel)
        return self.answer
