"""The states of orders and the figures of stock in the words that shoppers read."""

from __future__ import annotations

from collections.abc import Mapping

from bot.texts import Texts, mark
from core.orders.rules import OrderState, OrderStatus

LOW = 10
"""Below this a stock figure is told exactly: "only 3 left"."""

STATUS_WORDS: Mapping[str, str] = {
    OrderStatus.AWAITING_PAYMENT: mark("waiting for payment"),
    OrderStatus.IN_REVIEW: mark("being checked by the shop"),
    OrderStatus.PAID: mark("paid, on its way"),
    OrderStatus.DELIVERED: mark("delivered"),
    OrderStatus.PART_DELIVERED: mark("partly delivered"),
    OrderStatus.REFUNDED: mark("refunded"),
    OrderStatus.EXPIRED: mark("expired unpaid"),
    OrderStatus.CANCELLED: mark("cancelled"),
    OrderState.RETURNED: mark("refunded"),
    OrderState.CLOSED: mark("delivered"),
}
"""By the value of an order's status or state."""


STATUS_TITLES: Mapping[OrderStatus, str] = {
    OrderStatus.AWAITING_PAYMENT: mark("Order waiting for payment"),
    OrderStatus.IN_REVIEW: mark("The shop is checking your order"),
    OrderStatus.PAID: mark("Paid, your cards are on their way"),
    OrderStatus.DELIVERED: mark("Order delivered"),
    OrderStatus.PART_DELIVERED: mark("Order partly delivered"),
    OrderStatus.REFUNDED: mark("Order refunded"),
    OrderStatus.EXPIRED: mark("Order expired unpaid"),
    OrderStatus.CANCELLED: mark("Order cancelled"),
}
"""The first line of an order's receipt."""


def status_words(texts: Texts, status: str | int) -> str:
    """An order's status or state in words."""
    return texts.say(STATUS_WORDS[str(status)])


def stock_badge(texts: Texts, available: int) -> str:
    """Plenty, only a few, or none."""
    if available <= 0:
        return texts.say("Sold out")
    return texts.say("Only {count} left", count=available) if available < LOW else texts.say("In stock")
