"""What the store needs from outside, as small protocols; `ops/wiring.py` hands in the real ones."""

from __future__ import annotations

from dataclasses import dataclass, field
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


class VaultAnswer(StrEnum):
    """What the vault did with a request to open a delivery."""

    OPENED = "opened"  # sealed answers are there
    IN_REVIEW = "in_review"  # the opening budget is used up, or the evidence needs a person
    REFUSED = "refused"  # seal, evidence or cards do not fit: nothing is opened, an alert is written
    BROKEN = "broken"  # a card or its batch key did not open and is quarantined


@dataclass(frozen=True, slots=True)
class OpenedDelivery:
    """A delivery's cards as (id, mask), and the secrets sealed to each live session of its conversation.

    `reason` is a code for the log and the staff, never a secret.
    """

    answer: VaultAnswer
    cards: tuple[tuple[UUID, str], ...] = ()
    sealed: dict[UUID, bytes] = field(default_factory=dict)
    reason: str = ""


class VaultAway(Exception):
    """The vault process does not answer, or holds no key: work waits and goes out once it is back."""


class Vault(Protocol):
    """The one way to a secret, for the worker only."""

    def open_delivery(self, delivery_id: UUID, *, purpose: str) -> OpenedDelivery:
        """Open a paid line's cards, sealed to the shopper's sessions; `purpose` is sale or reread. `VaultAway`."""
        ...
