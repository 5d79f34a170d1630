"""Money that fits no order, decided by a merchant's people: back to its source, or into its shopper's wallet.

Late money is its shopper's to decide within a day; whoever decides for the shopper says that the shopper asked for it.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.actor import Actor
from core.db import changed, in_transaction
from core.errors import Conflict, NotAllowed, NotFound
from core.money import Money
from core.orders.service import LockedOrder, lock_order
from core.orders.staffed import may_move_money
from core.parties.rules import may_see
from core.payments import sql, suspense
from core.payments.event import SuspenseEvent, find_event
from core.payments.refunds import give_to_wallet
from core.payments.rules import AlreadyDecided, Resolution, SuspenseReason

DECIDABLE = frozenset({SuspenseReason.LATE, SuspenseReason.OTHER_AMOUNT, SuspenseReason.OTHER_CURRENCY})
"""Money of a payment that we know, at the account that it was asked at: where it belongs is certain."""


class NotToDecide(Conflict):
    """Where this money belongs is not certain: the platform asks the gateway; `reason` is why it waits."""


def decide_refund(*, actor: Actor, event_id: UUID, now: datetime) -> Money:
    """退款: a case's money goes back to its source; the worker sends it. Returns how much.

    Raises `NotFound`, `NotAllowed`, `AlreadyDecided`, `NotToDecide`.
    """

    def work() -> Money:
        event, _ = _case(actor, event_id)
        is_first = suspense.give_back(
            event.id,
            merchant_id=event.merchant_id,
            order_id=event.order_id,
            payment_id=event.payment_id,
            amount=event.amount,
            reason=event.reason,
            actor=actor,
            now=now,
        )
        if not is_first:
            raise AlreadyDecided
        return event.amount

    return in_transaction(work)


def decide_exchange(*, actor: Actor, event_id: UUID, now: datetime) -> Money:
    """换货: a case's money becomes its shopper's wallet money, since the shopper asked for it; returns what that got.

    Raises `NotFound`, `NotAllowed`, `AlreadyDecided`, `NotToDecide`.
    """

    def work() -> Money:
        event, order = _case(actor, event_id)
        if event.shopper_id is None:
            raise NotToDecide(reason=event.reason.value)
        if changed(sql.RESOLVE, (now, Resolution.WALLET, [event_id])) != 1:
            raise AlreadyDecided
        return give_to_wallet(
            actor=actor, event=event, money=event.amount, order=order, shopper_id=event.shopper_id, now=now
        )

    return in_transaction(work)


def _case(actor: Actor, event_id: UUID) -> tuple[SuspenseEvent, LockedOrder | None]:
    event = find_event(event_id=event_id)
    if not may_move_money(actor, event.merchant_id):
        if may_see(actor, event.merchant_id):
            raise NotAllowed(what="case")
        raise NotFound("payment_event")
    if event.is_resolved:
        raise AlreadyDecided
    asked_at = event.awaited.gateway_account_id if event.awaited else None
    if event.reason not in DECIDABLE or asked_at != event.gateway_account_id:
        raise NotToDecide(reason=event.reason.value)
    return event, lock_order(order_id=event.order_id) if event.order_id else None
