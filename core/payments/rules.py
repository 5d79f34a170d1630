"""The life of payments and refunds as data, and what becomes of an authentic notice: its order, or suspense."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.errors import Conflict, NotAllowed
from core.money import Money

CHOICE = timedelta(hours=24)
"""How long a shopper may choose what becomes of late money; then it goes back to its source (faults.md 31)."""

LEASE = timedelta(seconds=60)
"""How long a refund belongs to the worker that took it before a sweep gives it to another."""


class Rail(StrEnum):
    """How an order is paid."""

    GATEWAY = "gateway"  # at a gateway account of the merchant, with wallet money beside it or not
    WALLET = "wallet"  # from the shopper's wallet alone
    FREE = "free"  # a total of 0


class PaymentState(StrEnum):
    """Where a payment is."""

    CREATED = "created"  # ours only; the gateway has not heard of it
    PENDING = "pending"  # the gateway waits for the shopper
    SUCCEEDED = "succeeded"  # the money is in
    FAILED = "failed"  # it will never come
    EXPIRED = "expired"  # not paid in time; it may still come
    REVIEW = "review"  # money came that does not fit
    PART_REFUNDED = "part_refunded"  # some of it went back
    REFUNDED = "refunded"  # all of it went back


PAYMENT_TRANSITIONS: dict[PaymentState, frozenset[PaymentState]] = {
    PaymentState.CREATED: frozenset(
        {PaymentState.PENDING, PaymentState.SUCCEEDED, PaymentState.FAILED, PaymentState.EXPIRED, PaymentState.REVIEW}
    ),
    PaymentState.PENDING: frozenset(
        {PaymentState.SUCCEEDED, PaymentState.FAILED, PaymentState.EXPIRED, PaymentState.REVIEW}
    ),
    PaymentState.EXPIRED: frozenset({PaymentState.SUCCEEDED, PaymentState.REVIEW}),  # late money
    PaymentState.REVIEW: frozenset({PaymentState.SUCCEEDED, PaymentState.FAILED}),
    PaymentState.SUCCEEDED: frozenset({PaymentState.PART_REFUNDED, PaymentState.REFUNDED}),
    PaymentState.PART_REFUNDED: frozenset({PaymentState.REFUNDED}),
    PaymentState.REFUNDED: frozenset(),
    PaymentState.FAILED: frozenset(),
}

MAY_SUCCEED = tuple(state for state, after in PAYMENT_TRANSITIONS.items() if PaymentState.SUCCEEDED in after)
MAY_REVIEW = tuple(state for state, after in PAYMENT_TRANSITIONS.items() if PaymentState.REVIEW in after)
CAPTURED = frozenset({PaymentState.SUCCEEDED, PaymentState.PART_REFUNDED, PaymentState.REFUNDED})


class RefundState(StrEnum):
    """Where a refund is."""

    REQUESTED = "requested"  # decided
    SENT = "sent"  # the gateway may have heard of it
    SUCCEEDED = "succeeded"  # the money is back
    FAILED = "failed"  # the gateway certainly refused
    UNKNOWN = "unknown"  # no certain answer: asked again under the same id, which has one effect


REFUND_TRANSITIONS: dict[RefundState, frozenset[RefundState]] = {
    RefundState.REQUESTED: frozenset({RefundState.SENT}),
    RefundState.SENT: frozenset({RefundState.SUCCEEDED, RefundState.FAILED, RefundState.UNKNOWN}),
    RefundState.UNKNOWN: frozenset({RefundState.SUCCEEDED, RefundState.FAILED}),
    RefundState.SUCCEEDED: frozenset(),
    RefundState.FAILED: frozenset(),
}


class SuspenseReason(StrEnum):
    """Why authentic money was not booked to an order."""

    UNKNOWN_PAYMENT = "unknown_payment"  # it names no payment that we can see (yet)
    OTHER_ACCOUNT = "other_account"  # the payment belongs to another gateway account or merchant
    OTHER_CURRENCY = "other_currency"  # the same number in another currency
    OTHER_AMOUNT = "other_amount"  # more or less than was asked
    LATE = "late"  # the order ended and its cards are gone: the shopper chooses
    ALREADY_PAID = "already_paid"  # the order was paid by other money: this goes back
    ORDER_RETURNED = "order_returned"  # the order's money went back before: this goes back too
    ALREADY_REFUNDED = "already_refunded"  # its own refund came first
    LINE_REFUNDED = "line_refunded"  # it paid for goods that could be neither delivered nor replaced
    REFUNDED_OUTSIDE = "refunded_outside"  # the gateway gave money back without being asked by us


GOES_BACK = frozenset({SuspenseReason.ALREADY_PAID, SuspenseReason.ORDER_RETURNED})
"""Nobody is asked: this money is refunded to its source at once (faults.md 32)."""


class BookedTo(StrEnum):
    """Where an event's money was booked first."""

    ORDER = "order"  # it paid what it was for
    WALLET = "wallet"  # a top-up
    SUSPENSE = "suspense"  # nothing was waiting for it; `SuspenseReason` says why


class Resolution(StrEnum):
    """What became of suspense money."""

    ORDER = "order"  # it found its order
    WALLET = "wallet"  # 换货: the shopper buys something else with it
    REFUND = "refund"  # back to its source


@dataclass(frozen=True, slots=True)
class Awaited:
    """What a payment is waiting for: this amount at this gateway account.

    `exchanged` is what it pays in the order's or wallet's currency where that is another, by the rate frozen with it.
    """

    gateway_account_id: int | None
    amount: Money
    exchanged: Money | None = None

    @property
    def worth(self) -> Money:
        """What the whole amount pays."""
        return self.exchanged or self.amount


def worth_of(money: Money, awaited: Awaited) -> Money:
    """What a part of a payment's money is worth, down to whole minor units; the whole is exactly what it pays.

    Money in a currency that the payment did not ask for is worth itself: nothing says another rate.
    """
    if awaited.exchanged is None or money.currency != awaited.amount.currency:
        return money
    return Money(awaited.exchanged.minor * money.minor // awaited.amount.minor, awaited.exchanged.currency)


def unexpected(
    *, account_fits: bool, gateway_account_id: int, amount: Money, awaited: Awaited | None
) -> SuspenseReason | None:
    """Why a notice that proved authentic at `gateway_account_id` is not what a payment waits for; None when it is.

    `account_fits`: the notice names the account that it was signed for. The order's own state is judged under its lock.
    """
    if awaited is None:
        return SuspenseReason.UNKNOWN_PAYMENT
    if not account_fits or awaited.gateway_account_id != gateway_account_id:
        return SuspenseReason.OTHER_ACCOUNT
    if amount.currency != awaited.amount.currency:
        return SuspenseReason.OTHER_CURRENCY
    if amount.minor != awaited.amount.minor:
        return SuspenseReason.OTHER_AMOUNT
    return None


def next_poll(*, created_at: datetime, expires_at: datetime, now: datetime) -> datetime | None:
    """When a gateway is asked again about a payment: soon at first, hourly later, until a day after its deadline."""
    if now >= expires_at + CHOICE:
        return None
    age = now - created_at
    return now + min(max(age / 2, timedelta(seconds=20)), timedelta(hours=1))


class OrderNotPayable(Conflict):
    """The order is paid, or its time is over; `state` says which."""


class NotForSale(NotAllowed):
    """This gateway account is not one of the merchant's enabled ones in the order's currency, or the merchant is
    suspended: nobody is asked to pay it."""


class NotEnough(Conflict):
    """The wallet does not hold what the order costs."""


class AlreadyDecided(Conflict):
    """What becomes of this money was decided before."""


class NeedsPayment(Conflict):
    """Only an order with a total of 0 is settled without money."""
