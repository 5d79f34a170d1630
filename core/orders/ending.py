"""Unpaid orders end: by their shopper, or by their deadline; the cards go back once (INV-S5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from core.actor import SYSTEM, Actor
from core.db import execute, in_transaction
from core.errors import NotFound
from core.ids import Prefix, public
from core.ledger import holds, trade
from core.messages.service import MessageKind, tell
from core.orders import sql
from core.orders.locking import LockedOrder
from core.orders.rules import HoldState, OrderIs, OrderState
from core.orders.settle import mark_returned
from core.orders.staffed import lock_as


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
        ended = _end(actor, [order_id], OrderState.CANCELLED, HoldState.RELEASED, now)
        _give_back(ended, now)
        return True

    return in_transaction(work, repeatable=True)


def cancel_unpaid(*, actor: Actor, order_id: UUID, now: datetime) -> bool:
    """Cancel a shopper's unpaid order for the shop, and tell the shopper; True when it was cancelled now.

    Money that is on its way then comes late: it goes back, or buys other goods. Raises `NotFound`, `NotAllowed`,
    `OrderIs`.
    """

    def work() -> bool:
        order = lock_as(actor, order_id)
        if order.state is OrderState.CANCELLED:
            return False
        if order.state is not OrderState.AWAITING_PAYMENT:
            raise OrderIs(state=order.state.value)
        ended = _end(actor, [order_id], OrderState.CANCELLED, HoldState.RELEASED, now)
        body = {"order": public(Prefix.ORDER, order_id)}
        tell(conversation_id=order.conversation_id, kind=MessageKind.ORDER_CANCELLED, body=body, now=now)
        _give_back(ended, now)
        return True

    return in_transaction(work, repeatable=True)


def expire_due(*, now: datetime, limit: int = 100) -> int:
    """Expire unpaid orders whose deadline has passed, at most `limit`; returns how many. Two sweeps never meet."""

    def work() -> int:
        due = [row[0] for row in execute(sql.DUE, {"now": now, "limit": limit})]
        if not due:
            return 0
        ended = _end(SYSTEM, due, OrderState.EXPIRED, HoldState.EXPIRED, now)
        for order_id, conversation_id in ended.orders:
            tell(
                conversation_id=conversation_id,
                kind=MessageKind.ORDER_EXPIRED,
                body={"order": public(Prefix.ORDER, order_id)},
                now=now,
            )
        _give_back(ended, now)
        return len(due)

    return in_transaction(work, repeatable=True)


def end_refunded(*, order: LockedOrder, now: datetime) -> None:
    """A locked order whose payment was given back before it could buy: nothing is sold, it is shown as refunded.

    Raises `CannotSettle` for an order that was paid by other money, or returned before.
    """
    if order.state is OrderState.AWAITING_PAYMENT:
        ended = _end(SYSTEM, [order.id], OrderState.CANCELLED, HoldState.RELEASED, now)
        _give_back(ended, now)
        order = replace(order, state=OrderState.CANCELLED)
    mark_returned(order=order, now=now)


@dataclass(frozen=True, slots=True)
class _Ended:
    """Orders that ended now with their conversations, and what they had set aside on trade accounts (minor units)."""

    state: OrderState
    orders: list[tuple[UUID, UUID]]
    traded: dict[int, int]


def _end(actor: Actor, orders: Sequence[UUID], state: OrderState, hold_state: HoldState, now: datetime) -> _Ended:
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
    traded = (rows[0][2] if rows else None) or {}
    return _Ended(
        state,
        [(order_id, conversation_id) for order_id, conversation_id, _ in rows],
        {int(account_id): int(amount) for account_id, amount in traded.items()},
    )


def _give_back(ended: _Ended, now: datetime) -> None:
    """What was held goes back: shared trade accounts first, then wallets, both last in the transaction."""
    trade.let_go(ended.traded)
    is_expired = ended.state is OrderState.EXPIRED
    holds.release(order_ids=[order_id for order_id, _ in ended.orders], expired=is_expired, now=now)
