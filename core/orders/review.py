"""Paid lines that wait for a person: what they wait for, and letting them go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.actor import Actor
from core.audit.service import append
from core.db import execute, in_transaction
from core.errors import Conflict
from core.ids import Prefix, public
from core.orders import sql
from core.orders.rules import OrderState
from core.orders.staffed import lock_as
from core.work import Work, enqueue


@dataclass(frozen=True, slots=True)
class LineInReview:
    """A paid line behind a closed gate; `missing` of its cards were set aside because they do not open."""

    order_id: UUID
    position: int
    code: str
    quantity: int
    reason: str
    paid_at: datetime
    merchant: str
    missing: int


class NothingToRelease(Conflict):
    """No line of the order waits for a person."""


class CardsAreBroken(Conflict):
    """Cards of the line were set aside; releasing it would deliver fewer than were paid."""


class WentOut(Conflict):
    """The order's cards went out before the database was restored: released, it would be delivered twice."""


WENT_OUT_BEFORE = "went_out_before"  # the vault writes it (core/custody/restored/epochs.py)


def lines_in_review() -> list[LineInReview]:
    """Every paid line that waits for a person, oldest first: a figure for operators."""
    return [
        LineInReview(order_id, position, code, quantity, reason or "", paid_at, merchant, max(0, missing))
        for order_id, position, code, quantity, reason, paid_at, merchant, missing in execute(sql.IN_REVIEW)
    ]


def release_order(*, actor: Actor, order_id: UUID, now: datetime) -> int:
    """Let the lines of a paid order that wait for a person be delivered; returns how many.

    Whoever serves the order does it, or the platform's operators: the vault checks everything again. Raises `NotFound`,
    `NotAllowed`, `NothingToRelease`, `WentOut`, `CardsAreBroken`.
    """

    def work() -> int:
        order = lock_as(actor, order_id, releases=True)
        waiting = [line for line in lines_in_review() if line.order_id == order_id]
        if order.state is not OrderState.PAID or not waiting:
            raise NothingToRelease(state=order.state.value)
        if gone := sum(line.reason == WENT_OUT_BEFORE for line in waiting):
            raise WentOut(lines=gone)
        broken = sum(line.missing for line in waiting)
        if broken:
            raise CardsAreBroken(missing=broken)
        ready = execute(sql.RELEASE, {"order": order_id, "now": now})[0][0] or []
        for delivery_id in ready:
            enqueue(Work.DELIVER, delivery_id)
        append(
            actor=actor,
            action="order.released",
            object_kind="order",
            object_id=public(Prefix.ORDER, order_id),
            detail={"reasons": ", ".join(sorted({line.reason for line in waiting}))},
            party_id=order.merchant_id,
            now=now,
        )
        return len(ready)

    return in_transaction(work)
