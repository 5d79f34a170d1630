"""Unpaid orders end: by their shopper, or by their deadline; the cards go back once (INV-S5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from core.actor import SYSTEM, Actor
from core.db import execute, in_transaction
from core.errors import NotFound
from core.ids import Prefix, public
from core.ledger import holds
from core.messages.service import MessageKind, tell
from core.orders import sql
from core.orders.locking import LockedOrder
from core.orders.rules import HoldState, OrderIs, OrderState
from core.orders.settle import mark_returned


def cancel_order(*, actor: Actor, order_id: UUID, now: datetime) -> bool:
    """Cancel the shopper's own unpaid order; True when it was cancelled now, False when it was before.

    Raises `NotFound` for a missing or foreign order, `OrderIs` when it is paid or expired.
    """

    def work() -> bool:
        rows = execute(
            "SELECT state FROM shop_order WHERE id = %s AND shopper_id = %s AND merchant_id = %s FOR NO KEY UPDATE",
            (order_id, actor.id, actor.party_id),
        )
        if not rows:
            raise NotFound("order")
        state = OrderState(rows[0][0])
        if state is OrderState.CANCELLED:
            return False
        if state is not OrderState.AWAITING_PAYMENT:
            raise OrderIs(state=state.value)
        _end(actor, [order_id], OrderState.CANCELLED, HoldState.RELEASED, now)
        return True

    return in_transaction(work, repeatable=True)


def expire_due(*, now: datetime, limit: int = 100) -> int:
    """Expire unpaid orders whose deadline has passed, at most `limit`; returns how many. Two sweeps never meet."""

    def work() -> int:
        due = [row[0] for row in execute(sql.DUE, {"now": now, "limit": limit})]
        if not due:
            return 0
        for order_id, conversation_id in _end(SYSTEM, due, OrderState.EXPIRED, HoldState.EXPIRED, now):
            tell(
                conversation_id=conversation_id,
                kind=MessageKind.ORDER_EXPIRED,
                body={"order": public(Prefix.ORDER, order_id)},
                now=now,
            )
        return len(due)

    return in_transaction(work, repeatable=True)


def end_refunded(*, order: LockedOrder, now: datetime) -> None:
    """A locked order whose payment was given back before it could buy: nothing is sold, it is shown as refunded.

    Raises `CannotSettle` for an order that was paid by other money, or returned before.
    """
    if order.state is OrderState.AWAITING_PAYMENT:
        _end(SYSTEM, [order.id], OrderState.CANCELLED, HoldState.RELEASED, now)
        order = replace(order, state=OrderState.CANCELLED)
    mark_returned(order=order, now=now)


def _end(
    actor: Actor, orders: Sequence[UUID], state: OrderState, hold_state: HoldState, now: datetime
) -> list[tuple[UUID, UUID]]:
    rows = execute(
        sql.END_UNPAID,
        {
            "orders": list(orders),
            "state": state.value,
            "hold_state": hold_state.value,
            "now": now,
            "actor_kind": actor.kind.value,
            "actor_id": actor.id,
        },
    )
    ended = [(order_id, conversation_id) for order_id, conversation_id in rows]
    holds.release(order_ids=[order_id for order_id, _ in ended], expired=state is OrderState.EXPIRED, now=now)
    return ended
