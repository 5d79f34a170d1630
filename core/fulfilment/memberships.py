"""How a paid membership reaches its shopper: nothing is opened; its period is given, once, and told in the chat.

And how it is taken back: a person decides, and the money goes the way it came.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from core.actor import Actor, ActorKind
from core.db import execute, in_transaction
from core.errors import Conflict, NotAllowed
from core.ids import Prefix, public
from core.members.memberships import Given, MembershipTooLong, give_period, take_back_period
from core.messages.alerts import AlertKind, raise_alert
from core.messages.service import MessageKind, tell
from core.orders.lines import cancel_given
from core.orders.service import LockedOrder, Sending, finish_sending, hold_for_review, lock_order
from core.payments.lines import is_exchanged, refund_line, return_paid, went_back_outside

log = structlog.get_logger()

TOO_LONG = "membership_too_long"
"""The problem of a line that would make somebody a member for longer than is sold: paid at the same time as others."""

TAKEN_BACK = "membership_taken_back"
"""Why a line that was given is cancelled."""

GIVEN = "SELECT l.id FROM order_line l JOIN membership_period p ON p.line_id = l.id WHERE l.order_id = %s ORDER BY 1"


class NothingGiven(Conflict):
    """No membership of this order was given, or all of it was taken back before."""


class NotForUs(Conflict):
    """The money cannot go back by us; `why`: went_back (the gateway did it), exchanged (paid in another currency)."""


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What went: lines whose period ended, and what goes back for them (minor units)."""

    lines: int
    amount_minor: int
    currency: str


def give_membership(*, sending: Sending, now: datetime) -> bool:
    """Give the period of a taken delivery and finish it, in one transaction; True when this call did.

    A worker that is killed has done all of it or nothing, and the sweep finds what was not done. What would reach too
    far, since more was paid meanwhile than is sold, is paid back.
    """
    try:
        return in_transaction(lambda: _give(sending, now), repeatable=True)
    except MembershipTooLong:
        log.warning("delivery.refused", delivery=str(sending.delivery_id), problem=TOO_LONG)
        in_transaction(lambda: _give_back(sending, now))
        return False


def _give(sending: Sending, now: datetime) -> bool:
    if not finish_sending(sending=sending, now=now):
        return False
    given = give_period(line_id=sending.line_id, zone=sending.zone, now=now)
    body = {
        "order": public(Prefix.ORDER, sending.order_id),
        "plan": given.names,
        "since": given.running.since.isoformat(),
        "until": given.running.until.isoformat(),
    }
    tell(conversation_id=sending.conversation_id, kind=MessageKind.MEMBERSHIP, body=body, now=now)
    return True


def _give_back(sending: Sending, now: datetime) -> None:
    """The line's money goes back; where another currency paid it, a person decides."""
    order = lock_order(order_id=sending.order_id)
    subject, kind = public(Prefix.ORDER, order.id), AlertKind.LINE_REFUNDED
    if is_exchanged(order_id=order.id):
        hold_for_review(sending=sending, problem=TOO_LONG, now=now)
        tell(conversation_id=sending.conversation_id, kind=MessageKind.IN_REVIEW, body={"order": subject}, now=now)
        kind = AlertKind.DELIVERY_HELD
    elif not refund_line(order=order, sending=sending, problem=TOO_LONG, now=now):
        return
    raise_alert(kind=kind, subject=subject, detail={"problem": TOO_LONG}, now=now)


def tell_taken_back(order: LockedOrder, left: Given, now: datetime) -> None:
    """Nobody finds out by a closed door that a membership is shorter now."""
    body: dict[str, Any] = {"order": public(Prefix.ORDER, order.id), "plan": left.names}
    if left.running.until > now:
        body["until"] = left.running.until.isoformat()
    tell(conversation_id=order.conversation_id, kind=MessageKind.MEMBERSHIP_TAKEN_BACK, body=body, now=now)


def take_back(*, actor: Actor, order_id: UUID, returns: bool, now: datetime) -> TakenBack:
    """End what an order gave of memberships; with `returns` its money goes back the way it came, in one transaction.

    Without, the money is with the shopper already: a gateway gave it back by itself. An operator does. Raises
    `NotFound`, `NotAllowed`, `NothingGiven`, `NotForUs`; a refusal changes nothing.
    """
    if actor.kind is not ActorKind.OPERATOR:
        raise NotAllowed(what="membership")

    def work() -> TakenBack:
        order = lock_order(order_id=order_id)
        if returns and is_exchanged(order_id=order_id):
            raise NotForUs(why="exchanged")
        if returns and went_back_outside(order_id=order_id):
            raise NotForUs(why="went_back")
        ended: dict[UUID, int] = {}
        for (line_id,) in execute(GIVEN, (order_id,)):
            paid = cancel_given(actor=actor, order=order, line_id=line_id, problem=TAKEN_BACK, returns=returns, now=now)
            if paid is not None and (left := take_back_period(line_id=line_id, now=now)):
                ended[line_id] = paid
                tell_taken_back(order, left, now)
        if not ended:
            raise NothingGiven()
        for line_id, paid in ended.items():
            if paid:
                return_paid(order=order, line_id=line_id, paid=paid, now=now)
        return TakenBack(len(ended), sum(ended.values()), order.total.currency)

    return in_transaction(work, repeatable=True)
