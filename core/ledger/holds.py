"""Money set aside for an order that is not paid yet: settled exactly once, captured or released (INV-M5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from core.db import execute
from core.ids import new_id
from core.ledger import service, sql
from core.ledger.rules import TransferCode


class HoldState(StrEnum):
    """Where held money stands."""

    OPEN = "open"  # set aside
    CAPTURED = "captured"  # used for its order
    RELEASED = "released"  # given back: the order was cancelled
    EXPIRED = "expired"  # given back: the deadline passed


HOLD_TRANSITIONS: dict[HoldState, frozenset[HoldState]] = {
    HoldState.OPEN: frozenset({HoldState.CAPTURED, HoldState.RELEASED, HoldState.EXPIRED}),
    HoldState.CAPTURED: frozenset(),
    HoldState.RELEASED: frozenset(),
    HoldState.EXPIRED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Held:
    """Money of an order in the bounded account `held_in_id`, in minor units."""

    held_in_id: int
    amount: int


def hold_money(
    *, account_id: int, held_in_id: int, order_id: UUID, amount: int, currency: str, now: datetime
) -> dict[int, int]:
    """Set money aside; returns the balance changes that the caller still has to make, last in its transaction."""
    execute(sql.HOLD, (new_id(), account_id, held_in_id, order_id, amount, now))
    moved = service.NewTransfer(account_id, held_in_id, amount, currency, TransferCode.HOLD, order_id)
    return service.insert(transfers=[moved], now=now)


def find_open(*, order_id: UUID) -> Held | None:
    """The money set aside for an order, if any."""
    rows = execute(sql.OPEN_HOLD, (order_id,))
    return Held(rows[0][1], rows[0][2]) if rows else None


def capture(*, order_id: UUID, now: datetime) -> Held | None:
    """Mark the order's held money as used; None when none was open. The caller posts where it went."""
    rows = execute(sql.CAPTURE_HOLD, (now, order_id))
    return Held(*rows[0]) if rows else None


def release(*, order_ids: Sequence[UUID], expired: bool = False, now: datetime) -> int:
    """Give the held money of ended orders back, once; returns how many had any that was still open.

    Call it last in the transaction that cancels or expires the orders.
    """
    state = HoldState.EXPIRED if expired else HoldState.RELEASED
    rows = execute(sql.RELEASE_HOLD, (state, now, list(order_ids)))
    back = [
        service.NewTransfer(held_in_id, account_id, amount, currency, TransferCode.RELEASE, order_id)
        for order_id, account_id, held_in_id, amount, currency in rows
    ]
    service.post(transfers=back, now=now)
    return len(rows)
