"""Plain values that go in and out of the orders room."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from core.money import Money
from core.orders.rules import DeliveryState, LineGate, OrderStatus
from core.risk.rules import HoldPolicy
from core.secret import Secret
from core.vault.budgets import free_budget


@dataclass(frozen=True, slots=True)
class OrderPolicy:
    """Settings of the orders room: how long cards are held, the caps on holds, the store's zone.

    No line has more cards than `largest_line`: the vault would not open more at once (its opening budget of an hour);
    one that costs nothing no more than `largest_free_line`.
    """

    hold_for: timedelta = timedelta(minutes=15)
    stranger_hold_for: timedelta = timedelta(minutes=10)
    zone: str = "Asia/Shanghai"
    holds: HoldPolicy = field(default_factory=HoldPolicy)
    largest_line: int = 200

    @property
    def largest_free_line(self) -> int:
        """What the vault opens at once of what nobody pays for."""
        return min(self.largest_line, free_budget(self.largest_line))


@dataclass(frozen=True, slots=True)
class OrderKeys:
    """`seal` makes the order seal that the vault checks; `session` derives the token in /pay/<token>."""

    seal: Secret
    session: Secret


@dataclass(frozen=True, slots=True)
class WantedLine:
    """What a shopper confirmed; `seen_version` is the version of the listing that was shown, None where none was."""

    listing_id: int
    quantity: int
    seen_version: int | None = None


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """The order that a submission made, now or (`repeated`) the first time."""

    order_id: UUID
    total: Money
    deadline: datetime
    repeated: bool


@dataclass(frozen=True, slots=True)
class LineView:
    """One line as its shopper sees it (amounts in minor units of the order's currency)."""

    line_id: UUID
    listing_id: int
    code: str
    names: dict[str, str]
    quantity: int
    list_price_minor: int
    total_minor: int
    delivery_id: UUID | None
    delivery_state: DeliveryState | None
    gate: LineGate = LineGate.NONE
    is_plan: bool = False


@dataclass(frozen=True, slots=True)
class OrderView:
    """One order as its shopper sees it."""

    id: UUID
    merchant_id: int
    shopper_id: UUID
    conversation_id: UUID
    status: OrderStatus
    total: Money
    paid_minor: int
    refunded_minor: int
    placed_at: datetime
    deadline: datetime
    paid_at: datetime | None
    lines: tuple[LineView, ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """A paid order and the deliveries that were made for its lines."""

    order_id: UUID
    delivery_ids: tuple[UUID, ...]
