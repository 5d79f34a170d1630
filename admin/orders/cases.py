"""Money that came twice, late or otherwise than asked: what waits for a decision, and the decision."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import RadioField
from wtforms.validators import InputRequired

from admin.acting import ActForm, actor, done, trying
from admin.asked import ask, ask_one
from admin.declared import for_roles
from admin.drawing import draw
from admin.orders import sayings
from admin.orders.moments import called, money
from admin.orders.page import DECIDERS, READERS
from admin.panel import request_time, signed_in, words
from admin.reading import reading
from admin.scoped import SELLING
from admin.shown import gateway
from bot.texts import mark
from core.ids import Prefix, public
from core.payments.cases import DECIDABLE, decide_exchange, decide_refund
from core.payments.rules import Resolution

pages = Blueprint("cases", __name__, url_prefix="/orders/cases")

OPEN = """
SELECT * FROM panel_payment_event WHERE booked_to = 'suspense' AND resolved_at IS NULL
ORDER BY received_at LIMIT 200
"""
ONE = "SELECT * FROM panel_payment_event WHERE id = %(event)s AND booked_to = 'suspense'"


class DecisionForm(ActForm):
    """Where money goes that fits no order."""

    way = RadioField(choices=[Resolution.REFUND.value, Resolution.WALLET.value], validators=[InputRequired()])


@pages.get("", endpoint="cases")
@for_roles(*READERS, kinds=SELLING)
def cases_page() -> Response:
    """Everything that waits, oldest first."""
    with reading(signed_in()):
        found = ask(OPEN)
    return draw(
        "orders/cases.html.jinja",
        found=found,
        called=called,
        said=sayings,
        money=money,
        order_number=_number,
        gateway=gateway,
    )


@pages.route("/<uuid:event>", methods=["GET", "POST"], endpoint="case")
@for_roles(*DECIDERS, kinds=SELLING)
def case_page(event: UUID) -> Response:
    """One of them, and what becomes of it."""
    case, form = a_case(event), DecisionForm()
    if form.is_sent():
        is_wallet = form.way.data == Resolution.WALLET.value
        with trying(form):
            act = decide_exchange if is_wallet else decide_refund
            given = act(actor=actor(), event_id=event, now=request_time())
        if not form.problem:
            said = mark("{amount} is in the wallet.") if is_wallet else mark("{amount} goes back to its source.")
            return done(_after(case), said, amount=words().money(given))
    return draw(
        "orders/case.html.jinja",
        status=form.status,
        form=form,
        case=case,
        amount=money(case),
        number=_number(case),
        is_decidable=case["reason"] in set(DECIDABLE) and case["is_own_account"] and case["kind"] == "paid",
        called=called,
        said=sayings,
    )


def a_case(event: UUID) -> dict[str, Any]:
    """Money in suspense of the party that somebody acts for. Raises NotFound."""
    with reading(signed_in()):
        found = ask_one(ONE, event=event)
    if found is None:
        raise NotFound()
    return found


def _number(case: dict[str, Any]) -> str:
    return public(Prefix.ORDER, case["order_id"]) if case["order_id"] else ""


def _after(case: dict[str, Any]) -> str:
    number = _number(case)
    return url_for("order.order", number=number) if number else url_for("cases.cases")
