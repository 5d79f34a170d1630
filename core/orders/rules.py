"""The life of orders, holds and deliveries as data, and what people are shown of it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from core.errors import Conflict, Invalid, Unavailable


class OrderState(StrEnum):
    """Where an order is."""

    AWAITING_PAYMENT = "awaiting_payment"  # cards are held until the deadline
    PAID = "paid"  # money and cards are settled; deliveries are under way
    EXPIRED = "expired"  # the deadline passed, the cards went back
    CANCELLED = "cancelled"  # the shopper gave it up
    RETURNED = "returned"  # late money that could not buy went back
    CLOSED = "closed"  # everything was delivered


ORDER_TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    OrderState.AWAITING_PAYMENT: frozenset({OrderState.PAID, OrderState.EXPIRED, OrderState.CANCELLED}),
    OrderState.EXPIRED: frozenset({OrderState.PAID, OrderState.RETURNED}),  # late money: held again, or sent back
    OrderState.CANCELLED: frozenset({OrderState.PAID, OrderState.RETURNED}),
    OrderState.PAID: frozenset({OrderState.CLOSED}),
    OrderState.RETURNED: frozenset(),
    OrderState.CLOSED: frozenset(),
}


class HoldState(StrEnum):
    """Where a hold is; it is settled exactly once (INV-M5)."""

    OPEN = "open"  # its cards are kept for an unpaid order
    CAPTURED = "captured"  # the order was paid, its cards are claimed
    RELEASED = "released"  # the order was cancelled, its cards went back
    EXPIRED = "expired"  # the deadline passed, its cards went back


HOLD_TRANSITIONS: dict[HoldState, frozenset[HoldState]] = {
    HoldState.OPEN: frozenset({HoldState.CAPTURED, HoldState.RELEASED, HoldState.EXPIRED}),
    HoldState.CAPTURED: frozenset(),
    HoldState.RELEASED: frozenset(),
    HoldState.EXPIRED: frozenset(),
}


class DeliveryState(StrEnum):
    """Where the hand-over of one line is."""

    WAITING = "waiting"  # its gate is closed
    READY = "ready"  # the worker may take it
    SENDING = "sending"  # taken, until its lease ends; set before the vault opens anything
    DELIVERED = "delivered"  # in the shopper's chat
    UNKNOWN = "unknown"  # it may have arrived: sent again with the same content
    FAILED = "failed"  # it cannot be delivered; a person decides


DELIVERY_TRANSITIONS: dict[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.WAITING: frozenset({DeliveryState.READY, DeliveryState.FAILED}),
    DeliveryState.READY: frozenset({DeliveryState.SENDING, DeliveryState.WAITING, DeliveryState.FAILED}),
    DeliveryState.SENDING: frozenset(
        {
            DeliveryState.DELIVERED,
            DeliveryState.UNKNOWN,
            DeliveryState.FAILED,
            DeliveryState.READY,
            DeliveryState.WAITING,
        }
    ),
    DeliveryState.UNKNOWN: frozenset(
        {DeliveryState.SENDING, DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.WAITING}
    ),
    DeliveryState.DELIVERED: frozenset(),
    DeliveryState.FAILED: frozenset(),
}


class LineGate(StrEnum):
    """What must happen before a paid line is delivered."""

    NONE = "none"  # nothing
    REVIEW = "review"  # a person looks at it
    TASK = "task"  # a person does it, then says so
    SUPPLY = "supply"  # a supplier that is asked over the network brings its card
    GROUP = "group"  # a group-buy fills up
    DATE = "date"  # a day comes
    CANCELLED = "cancelled"  # it will not be delivered


class OrderStatus(StrEnum):
    """What people see; derived, never stored."""

    AWAITING_PAYMENT = "awaiting_payment"
    IN_REVIEW = "in_review"
    PAID = "paid"
    DELIVERED = "delivered"
    PART_DELIVERED = "part_delivered"
    REFUNDED = "refunded"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


def status_of(
    *, state: OrderState, gates: Sequence[LineGate], deliveries: Sequence[DeliveryState], refunded: bool
) -> OrderStatus:
    """The status people see, from the order's state, its lines' gates and its deliveries."""
    if state is OrderState.RETURNED or refunded:
        return OrderStatus.REFUNDED
    if state in {OrderState.AWAITING_PAYMENT, OrderState.EXPIRED, OrderState.CANCELLED}:
        return OrderStatus(state.value)
    if LineGate.REVIEW in gates:
        return OrderStatus.IN_REVIEW
    done = [delivery is DeliveryState.DELIVERED for delivery in deliveries]
    if done and all(done):
        return OrderStatus.DELIVERED
    return OrderStatus.PART_DELIVERED if any(done) else OrderStatus.PAID


class QuantityRefused(Invalid):
    """Only whole numbers from 1 to `most` can be ordered."""


class PriceChanged(Conflict):
    """The price is not the one that was confirmed; `code` says of what."""


class NothingIsSold(Unavailable):
    """The vault has no usable key: what was paid now could not be delivered, so no order is taken."""


class OrderIs(Conflict):
    """The order's state does not allow this; `state` says which it is."""


class CannotSettle(Conflict):
    """Money came for an order that cannot be settled: `why` is state, amount or stock. Nothing was changed."""
