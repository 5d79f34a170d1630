"""How a paid membership reaches its shopper: nothing is opened; its period is given, once, and told in the chat."""

from __future__ import annotations

from datetime import datetime

import structlog

from core.db import in_transaction
from core.ids import Prefix, public
from core.members.memberships import MembershipTooLong, give_period
from core.messages.alerts import AlertKind, raise_alert
from core.messages.service import MessageKind, tell
from core.orders.service import Sending, finish_sending, hold_for_review, lock_order
from core.payments.lines import is_exchanged, refund_line

log = structlog.get_logger()

TOO_LONG = "membership_too_long"
"""The problem of a line that would make somebody a member for longer than is sold: paid at the same time as others."""


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
