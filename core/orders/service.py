"""The door of the orders room: every use case of an order's life."""

from __future__ import annotations

from core.orders.deliveries import Sending, begin_sending, finish_sending, hold_for_review, hold_undelivered, put_back
from core.orders.ending import cancel_order, end_refunded, expire_due
from core.orders.locking import LockedOrder, lock_order
from core.orders.place import place_order
from core.orders.review import LineInReview, lines_in_review, release_order
from core.orders.settle import mark_returned, settle_order
from core.orders.tokens import pay_token
from core.orders.values import LineView, OrderKeys, OrderPolicy, OrderView, PlacedOrder, Settled, WantedLine
from core.orders.views import order_by_token, order_view, orders_of, placed_by

__all__ = [
    "LineInReview",
    "LineView",
    "LockedOrder",
    "OrderKeys",
    "OrderPolicy",
    "OrderView",
    "PlacedOrder",
    "Sending",
    "Settled",
    "WantedLine",
    "begin_sending",
    "cancel_order",
    "end_refunded",
    "expire_due",
    "finish_sending",
    "hold_for_review",
    "hold_undelivered",
    "lines_in_review",
    "lock_order",
    "mark_returned",
    "order_by_token",
    "order_view",
    "orders_of",
    "pay_token",
    "place_order",
    "placed_by",
    "put_back",
    "release_order",
    "settle_order",
]
