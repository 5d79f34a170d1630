"""Money that came too late: the shopper chooses 退款 or 换货; without an answer it goes back (step 7, faults.md 31)."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from uuid import UUID

from core.actor import Actor
from core.db import changed, execute, in_transaction
from core.money import Money
from core.orders.service import lock_order, order_view
from core.payments import sql, suspense
from core.payments.event import SuspenseEvent, access_event, find_event
from core.payments.refunds import give_to_wallet
from core.payments.rules import AlreadyDecided, Resolution, SuspenseReason


def choose_refund(*, actor: Actor, event_id: UUID, now: datetime) -> None:
    """退款: late money goes back to its source; the worker sends it. Once. Raises `NotFound`, `AlreadyDecided`."""

    def work() -> None:
        event = _undecided(access_event(actor=actor, event_id=event_id))
        _return(event, now)

    in_transaction(work)


def choose_exchange(*, actor: Actor, event_id: UUID, now: datetime) -> Money:
    """换货: late money becomes wallet money, for other goods; returns how much. Once. `NotFound`, `AlreadyDecided`."""

    def work() -> Money:
        event = _undecided(access_event(actor=actor, event_id=event_id))
        if event.order_id is None or event.shopper_id is None:
            raise AlreadyDecided
        order = lock_order(order_id=event.order_id)
        if changed(sql.RESOLVE, (now, Resolution.WALLET, [event_id])) != 1:
            raise AlreadyDecided
        return give_to_wallet(
            actor=actor, event=event, money=event.amount, order=order, shopper_id=event.shopper_id, now=now
        )

    return in_transaction(work)


def undecided(*, actor: Actor, order_id: UUID) -> list[tuple[UUID, Money]]:
    """Late money of the shopper's own order that waits for 退款 or 换货: each event with its amount, oldest first.

    Raises `NotFound`.
    """
    order_view(actor=actor, order_id=order_id)
    rows = execute(sql.UNDECIDED_OF_ORDER, (order_id, SuspenseReason.LATE))
    return [(event_id, Money(minor, currency)) for event_id, minor, currency in rows]


def decide_due(*, now: datetime, limit: int = 100) -> int:
    """Send late money back whose shopper did not choose in 24 h, at most `limit` events; returns how many."""

    due = [event_id for (event_id,) in execute(sql.UNDECIDED, (now, limit))]
    return sum(in_transaction(partial(_send_back, event_id, now), repeatable=True) for event_id in due)


def _send_back(event_id: UUID, now: datetime) -> bool:
    return _give_back(find_event(event_id=event_id), now)


def _undecided(event: SuspenseEvent) -> SuspenseEvent:
    if event.is_resolved or event.reason is not SuspenseReason.LATE:
        raise AlreadyDecided
    return event


def _return(event: SuspenseEvent, now: datetime) -> None:
    if not _give_back(event, now):
        raise AlreadyDecided


def _give_back(event: SuspenseEvent, now: datetime) -> bool:
    return suspense.give_back(
        event.id,
        merchant_id=event.merchant_id,
        order_id=event.order_id,
        payment_id=event.payment_id,
        amount=event.amount,
        reason=event.reason,
        now=now,
    )
