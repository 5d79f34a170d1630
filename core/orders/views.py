"""Orders as their shopper sees them; the same answer for a missing and a foreign one."""

from __future__ import annotations

import hashlib
from itertools import groupby
from typing import Any
from uuid import UUID

from core.actor import Actor
from core.db import execute
from core.errors import NotFound
from core.money import Money
from core.orders import sql
from core.orders.rules import DeliveryState, LineGate, OrderState, status_of
from core.orders.values import LineView, OrderView


def orders_of(*, actor: Actor, limit: int = 10) -> list[OrderView]:
    """The shopper's latest orders, newest first."""
    return _views(execute(sql.ORDERS_OF_SHOPPER, {"shopper": actor.id, "limit": limit}))


def order_view(*, actor: Actor, order_id: UUID) -> OrderView:
    """One order of this shopper. Raises `NotFound` for a missing or foreign one."""
    views = _views(execute(sql.ORDER_OF_SHOPPER, {"order": order_id, "shopper": actor.id}))
    if not views:
        raise NotFound("order")
    return views[0]


def placed_by(*, actor: Actor, submission_id: str) -> OrderView | None:
    """The order that a submission of this shopper made; None while it has made none."""
    rows = execute(sql.ORDER_OF_SUBMISSION, (actor.party_id, f"shopper:{actor.id}", submission_id))
    return order_view(actor=actor, order_id=rows[0][0]) if rows else None


def order_by_token(*, token: str) -> OrderView:
    """The order behind /pay/<token>. Raises `NotFound`."""
    views = _views(execute(sql.ORDER_BY_TOKEN, {"hash": hashlib.sha256(token.encode()).digest()}))
    if not views:
        raise NotFound("order")
    return views[0]


def _views(rows: list[tuple[Any, ...]]) -> list[OrderView]:
    return [_view(list(group)) for _, group in groupby(rows, key=lambda row: row[0])]


def _view(rows: list[tuple[Any, ...]]) -> OrderView:
    first = rows[0]
    lines = tuple(
        LineView(
            line_id=row[12],
            listing_id=row[13],
            code=row[14],
            names=row[15],
            quantity=row[16],
            list_price_minor=row[17],
            total_minor=row[18],
            delivery_id=row[20],
            delivery_state=DeliveryState(row[21]) if row[21] else None,
            gate=LineGate(row[19]),
            is_plan=row[22],
        )
        for row in rows
    )
    return OrderView(
        id=first[0],
        merchant_id=first[1],
        shopper_id=first[2],
        conversation_id=first[3],
        status=status_of(
            state=OrderState(first[4]),
            gates=[LineGate(row[19]) for row in rows],
            deliveries=[line.delivery_state for line in lines if line.delivery_state],
            refunded=first[7] > 0 and first[8] >= first[7],
        ),
        total=Money(first[5], first[6]),
        paid_minor=first[7],
        refunded_minor=first[8],
        placed_at=first[9],
        deadline=first[10],
        paid_at=first[11],
        lines=lines,
    )
