"""What the store needs from outside, as small protocols; `ops/wiring.py` hands in the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from core.money import Money
from core.secret import Secret


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


class KeySource(Protocol):
    """Where the vault's private keys come from, several versions side by side; which is in use says the public key.

    Each method raises ConfigError for what cannot be read, or not be changed from here, and OSError.
    """

    def private_keys(self) -> Mapping[str, Secret]:
        """Every private key by where it lies, for sentences."""
        ...

    def public_key(self) -> bytes:
        """The public key in use."""
        ...

    def add(self, version: str, private: Secret) -> None:
        """Keep one more version; it is safe when this returns."""
        ...

    def publish(self, public: bytes, private: Secret) -> None:
        """From now on this version is the one in use; may be repeated."""
        ...

    def remove(self, version: str) -> None:
        """Forget a version that is not in use."""
        ...


class Counter(Protocol):
    """Counts that may be lost: throttles and rates."""

    def hit(self, name: str, *, seconds: int) -> int:
        """Count one and return how many in the last `seconds`."""
        ...


class Counts(Protocol):
    """Reads what a `Counter` counted."""

    def seen(self, name: str, *, seconds: int) -> int:
        """How many were counted in the current period of `seconds`."""
        ...


class SendOutcome(StrEnum):
    """What became of a message on its way to a person."""

    SENT = "sent"  # the platform took it
    LATER = "later"  # not now: a flood limit or an outage, nothing was sent
    BLOCKED = "blocked"  # this person takes nothing from us here: blocked the bot, left, closed the account
    NO_QUOTA = "no_quota"  # the platform lets us say nothing now; the person has to ask
    REFUSED = "refused"  # certainly not taken, and never will be: a defect of the message or the account
    UNKNOWN = "unknown"  # no certain answer: the same is sent again


@dataclass(frozen=True, slots=True)
class SendAnswer:
    """How one attempt ended. `external_ref` is the platform's number of the message, `problem` a code for staff.

    `retry_after` is in seconds and counts with LATER only. Neither field ever holds a part of the message.
    """

    outcome: SendOutcome
    external_ref: str | None = None
    retry_after: float = 0.0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PlainCard:
    """A card opened for the one chat that its order's seal names; it is sent and forgotten."""

    token: str
    mask: str
    fields: Mapping[str, Secret]  # secret, and number, pin, expires where the card has them


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message for one chat: whom it is for, what it says, and the cards that go with it."""

    conversation_id: UUID
    merchant_id: int
    shopper_id: UUID
    identity_id: UUID
    locale: str
    chat_address: str
    kind: str  # core.messages.MessageKind
    body: Mapping[str, Any]
    cards: tuple[PlainCard, ...] = field(default=(), repr=False)


class Courier(Protocol):
    """Hands messages over to a chat platform; used by the worker, outside any transaction."""

    def hand_over(self, parcel: Parcel, /) -> SendAnswer:
        """Draw and send one message to `parcel.chat_address`, only there.

        Never raises for what a platform says, only for a defect of ours.
        """
        ...


class Identifier(Protocol):
    """Asks a chat platform who it is that it sent to us; used by the worker, which has the app secrets."""

    def identify(self, account_id: int, code: Secret, /) -> str | None:
        """The platform's number of the person (openid) behind a code; None where it does not say. Never raises."""
        ...


class SupplyOutcome(StrEnum):
    """What a supplier says of one of our requests. `unknown` is never treated as `no`."""

    DELIVERED = "delivered"  # it is done, and these are its keys
    ACCEPTED = "accepted"  # taken; the keys come later
    REJECTED = "rejected"  # certainly not bought, and never will be
    ABSENT = "absent"  # it knows of no such request: a no only once nothing can be on its way any more
    UNKNOWN = "unknown"  # no certain answer


@dataclass(frozen=True, slots=True)
class SuppliedKey:
    """One key as a supplier wrote it: empty, twice, or known from elsewhere; the vault finds that out."""

    secret: Secret = field(repr=False)
    number: Secret = field(repr=False)


@dataclass(frozen=True, slots=True)
class SupplyAnswer:
    """An answer about one request. `problem` is a code of ours for staff; nothing of the supplier's own words."""

    outcome: SupplyOutcome
    keys: tuple[SuppliedKey, ...] = field(default=(), repr=False)
    external_ref: str | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is bought: `most` is the dearest price a piece that we accept; the supplier refuses a dearer one."""

    request_id: UUID
    product: str
    quantity: int
    most: Money


@dataclass(frozen=True, slots=True)
class SupplierStock:
    """What a supplier says it has, and its price a piece now (minor units)."""

    stock: int
    price_minor: int


class Supplier(Protocol):
    """One account at a supplier's system; used by the worker, outside any transaction; no answer makes it raise."""

    def buy(self, wish: Wish, /) -> SupplyAnswer:
        """Ask for keys, once for each `request_id`."""
        ...

    def query(self, request_id: UUID, /) -> SupplyAnswer:
        """What became of a request; changes nothing there."""
        ...

    def stock(self, product: str, currency: str, /) -> SupplierStock | None:
        """What it has; None when it does not say."""
        ...
