"""Money back for lines of a paid order, decided by one of the merchant's people: what stands in the way, and the deed.

Everybody's share of a line goes back as it came, the platform's fee among them. What was not delivered goes back on the
shelf; delivered cards stay with the shopper. Cards of a supplier that were delivered are not the merchant's to give
back alone: that is a complaint's work, and until then the platform's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from core.actor import Actor
from core.db import execute, in_transaction
from core.errors import Conflict, Invalid
from core.fulfilment.memberships import NotForUs, tell_taken_back
from core.members.memberships import take_back_period
from core.money import Money
from core.orders.given_up import give_up_line
from core.orders.lines import cancel_given
from core.orders.rules import OrderState
from core.orders.service import LockedOrder
from core.orders.staffed import lock_as
from core.parties.rules import is_platform
from core.payments.lines import is_exchanged, return_paid, sources_of, went_back_outside

GIVEN_BACK = "given_back"
"""Why a line is cancelled that a person gave back."""

LINES = """
SELECT l.id, l.listing_code, l.names, l.quantity, l.total_minor, l.gate, l.gate_reason, l.plan_id IS NOT NULL,
       coalesce(d.state, ''), EXISTS (SELECT 1 FROM card c WHERE c.line_id = l.id AND c.opened_at IS NOT NULL),
       EXISTS (SELECT 1 FROM card c WHERE c.line_id = l.id AND c.owner_id <> l.merchant_id),
       EXISTS (SELECT 1 FROM task t WHERE t.line_id = l.id AND t.staff_id IS NOT NULL AND t.done_at IS NULL),
       coalesce((SELECT sum(s.amount_minor) FROM line_share s JOIN hold h ON h.id = s.hold_id
                 WHERE s.line_id = l.id AND h.state = 'captured' AND s.role = 'platform_fee'), 0)::bigint
FROM order_line l LEFT JOIN delivery d ON d.line_id = l.id WHERE l.order_id = %s ORDER BY l.position
"""


class Obstacle(StrEnum):
    """Why a line cannot be given back now."""

    NOT_PAID = "not_paid"  # nothing was paid, or it went back as a whole
    GIVEN_BACK = "given_back"  # its money went back before
    IN_HAND = "in_hand"  # it is being delivered this minute, or its cards were opened for it
    SUPPLIER = "supplier"  # a supplier was asked for it and has not answered (INV-O4)
    TASK = "task"  # somebody is at it
    WENT_OUT = "went_out"  # its cards went out before the database was restored
    OTHERS_CARDS = "others_cards"  # delivered cards of a supplier


@dataclass(frozen=True, slots=True)
class LineFacts:
    """A line as it is now (amounts in minor units of the order's currency); `fee` is the platform's share of it."""

    id: UUID
    code: str
    names: Mapping[str, str]
    quantity: int
    total_minor: int
    gate: str
    gate_reason: str | None
    is_plan: bool
    delivery: str
    is_opened: bool
    is_others: bool
    is_held: bool
    fee_minor: int

    @property
    def is_delivered(self) -> bool:
        """Whether its shopper has it."""
        return self.delivery == "delivered"


@dataclass(frozen=True, slots=True)
class Prospect:
    """What giving lines back would do: each line with what stands in its way, and where the money of the rest goes."""

    lines: tuple[tuple[LineFacts, Obstacle | None], ...]
    to_source: Money
    to_wallet: Money
    gateway: bool

    @property
    def total(self) -> Money:
        """What goes back altogether."""
        return self.to_source + self.to_wallet


class LineStays(Conflict):
    """A line cannot be given back now; `why` is an `Obstacle`."""


def obstacle(line: LineFacts, state: OrderState, *, by_platform: bool) -> Obstacle | None:
    """What stands in the way of giving a line back; None where nothing does."""
    if line.gate == "cancelled":
        return Obstacle.GIVEN_BACK
    if state not in (OrderState.PAID, OrderState.CLOSED):
        return Obstacle.NOT_PAID
    if line.is_delivered:
        return Obstacle.OTHERS_CARDS if line.is_others and not by_platform else None
    if line.gate == "supply":
        return Obstacle.SUPPLIER
    if line.gate_reason == "went_out_before":
        return Obstacle.WENT_OUT
    if line.is_held:
        return Obstacle.TASK
    return Obstacle.IN_HAND if line.is_opened or line.delivery not in ("waiting", "ready", "unknown") else None


def prospect(*, actor: Actor, order_id: UUID, line_ids: Sequence[UUID] = ()) -> Prospect:
    """What giving these lines back would do (all, where none is named). Changes nothing.

    Raises `NotFound`, `NotAllowed`.
    """
    return in_transaction(lambda: _prospect(lock_as(actor, order_id), actor, line_ids))


def give_back_lines(*, actor: Actor, order_id: UUID, line_ids: Sequence[UUID], now: datetime) -> Money:
    """Give the money of lines back the way it came, all of them or none; returns how much.

    What a gateway brought goes back through it, what the wallet brought into the wallet at once. A membership that was
    given ends. Raises `NotFound`, `NotAllowed`, `LineStays`, `NotForUs` (paid in another currency, or a gateway gave
    money of the order back by itself), `Invalid` (no line).
    """

    def work() -> Money:
        order = lock_as(actor, order_id)
        for_us(order_id)
        chosen = [(line, stays) for line, stays in _judged(order, actor) if line.id in set(line_ids)]
        if not chosen or len(chosen) != len(set(line_ids)):
            raise Invalid(what="lines")
        for _, stays in chosen:
            if stays is not None:
                raise LineStays(why=stays.value)
        paid = {line.id: _end(actor, order, line, now) for line, _ in chosen}
        for line_id, amount in paid.items():
            if amount:
                return_paid(order=order, line_id=line_id, paid=amount, now=now)
        return Money(sum(paid.values()), order.total.currency)

    return in_transaction(work, repeatable=True)


def for_us(order_id: UUID) -> None:
    """Raises `NotForUs` where the money of an order cannot go back by us."""
    if is_exchanged(order_id=order_id):
        raise NotForUs(why="exchanged")
    if went_back_outside(order_id=order_id):
        raise NotForUs(why="went_back")


def _end(actor: Actor, order: LockedOrder, line: LineFacts, now: datetime) -> int:
    if line.is_plan and line.is_delivered:
        amount = cancel_given(actor=actor, order=order, line_id=line.id, problem=GIVEN_BACK, returns=True, now=now)
        if amount is not None and (left := take_back_period(line_id=line.id, now=now)):
            tell_taken_back(order, left, now)
    else:
        amount = give_up_line(
            actor=actor, order=order, line_id=line.id, is_delivered=line.is_delivered, problem=GIVEN_BACK, now=now
        )
    if amount is None:
        raise LineStays(why=Obstacle.IN_HAND.value)
    return amount


def _judged(order: LockedOrder, actor: Actor) -> list[tuple[LineFacts, Obstacle | None]]:
    lines = [LineFacts(*row) for row in execute(LINES, (order.id,))]
    return [(line, obstacle(line, order.state, by_platform=is_platform(actor))) for line in lines]


def _prospect(order: LockedOrder, actor: Actor, line_ids: Sequence[UUID]) -> Prospect:
    judged = [one for one in _judged(order, actor) if not line_ids or one[0].id in set(line_ids)]
    wanted = sum(line.total_minor for line, stays in judged if stays is None)
    left = sources_of(order_id=order.id)
    currency = order.total.currency
    to_source = min(wanted, left or 0)
    return Prospect(tuple(judged), Money(to_source, currency), Money(wanted - to_source, currency), left is not None)
