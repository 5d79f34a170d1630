"""A paid line whose cards must not be handed over any more: others take their place, or its money goes back.

A batch was recalled between payment and delivery (fault 65), or a card ended in that time (fault 66). Nobody has seen
the cards: what was opened once stays with its shopper.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import partial

import structlog

from core.db import in_transaction
from core.ids import Prefix, public
from core.messages.alerts import AlertKind, raise_alert
from core.orders.lines import unfit_cards
from core.orders.rules import OrderState
from core.orders.service import Sending, lock_order
from core.payments.lines import is_exchanged, refund_line
from core.stock.replacing import NothingAlike, replace_unfit
from core.stock.service import usable_on

log = structlog.get_logger()


class Mended(StrEnum):
    """What became of a line whose cards were looked at again."""

    FIT = "fit"  # nothing was wrong with them
    REPLACED = "replaced"  # others are claimed in their place
    REFUNDED = "refunded"  # none was left: its money goes back
    BEYOND = "beyond"  # some were opened, or it was paid in another currency: a person decides


def mend(*, sending: Sending, now: datetime) -> Mended:
    """Replace the cards of a taken delivery that are not to be handed over, or refund its line; tells the operator."""
    done, problem = in_transaction(partial(_mend, sending, now))
    if done is not Mended.FIT:
        log.warning("delivery.mended", delivery=str(sending.delivery_id), problem=problem, done=done.value)
    return done


def _mend(sending: Sending, now: datetime) -> tuple[Mended, str]:
    order = lock_order(order_id=sending.order_id)
    today = usable_on(now=now, zone=sending.zone, minimum_life_days=0)
    found = unfit_cards(line_id=sending.line_id, today=today)
    problem = "batch_recalled" if found.is_recalled else "cards_expired"
    if not found.cards or order.state is not OrderState.PAID:
        return Mended.FIT, problem
    needed = usable_on(now=now, zone=sending.zone, minimum_life_days=found.minimum_life_days)
    try:
        replace_unfit(line_id=sending.line_id, today=today, usable_on=needed)
        return Mended.REPLACED, problem
    except NothingAlike:
        if found.is_opened or is_exchanged(order_id=order.id):
            return Mended.BEYOND, problem
    if refund_line(order=order, sending=sending, problem=problem, now=now):
        subject = public(Prefix.ORDER, order.id)
        raise_alert(kind=AlertKind.LINE_REFUNDED, subject=subject, detail={"problem": problem}, now=now)
    return Mended.REFUNDED, problem
