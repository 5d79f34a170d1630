"""Which platform a parcel goes to: the courier of its address, and a wait for one that none serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.ports import Courier, Parcel, SendAnswer, SendOutcome

NO_COURIER_FOR = 300.0
"""Seconds until a message is looked at again whose channel nobody serves."""


@dataclass(frozen=True)
class Couriers:
    """The couriers of this process by the channel that begins an address (`telegram:3:12345`)."""

    by_channel: Mapping[str, Courier]

    def hand_over(self, parcel: Parcel, /) -> SendAnswer:
        """Hand the parcel to the courier of its channel."""
        courier = self.by_channel.get(parcel.chat_address.partition(":")[0])
        if courier is None:
            return SendAnswer(SendOutcome.LATER, retry_after=NO_COURIER_FOR, problem="no_courier")
        return courier.hand_over(parcel)
