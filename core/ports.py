"""What the store needs from outside, as small protocols; `ops/wiring.py` hands in the real ones."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from core.money import Money


class Outcome(StrEnum):
    """The three results of a call to the outside. `unknown` is never treated as `no`."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Notice:
    """What a gateway's notice says once it proved authentic (amounts in minor units)."""

    external_id: str  # the gateway's transaction number
    kind: str  # paid | refunded
    payment_id: UUID | None  # our number in it, None when it names none of ours
    amount: Money
    account: str  # the gateway account that the notice names


@dataclass(frozen=True, slots=True)
class RawNotice:
    """A notice as it arrived: kept byte for byte as payment evidence."""

    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Started:
    """An intent at a gateway: where the shopper pays."""

    external_ref: str
    url: str | None


class Unauthentic(Exception):
    """A notice that the gateway did not sign, or signed for another account, or too long ago."""


class NoticeVerifier(Protocol):
    """The half of a gateway that the web process may hold: it can check, it cannot act."""

    def verify(self, raw: RawNotice, *, opaque_id: str) -> Notice:
        """Raises `Unauthentic`."""
        ...


class Gateway(Protocol):
    """The half of a gateway that the worker holds: it acts with the merchant's credentials."""

    def start(self, payment_id: UUID, amount: Money) -> Started: ...

    def query(self, payment_id: UUID) -> tuple[Outcome, RawNotice | None]:
        """YES with the signed evidence of a payment, NO when certainly unpaid, UNKNOWN otherwise."""
        ...

    def refund(self, refund_id: UUID, payment_id: UUID, external_id: str, amount: Money) -> Outcome:
        """Idempotent on `refund_id`."""
        ...


class Counter(Protocol):
    """Counts that may be lost: throttles and rates."""

    def hit(self, name: str, *, seconds: int) -> int:
        """Count one and return how many in the last `seconds`."""
        ...
