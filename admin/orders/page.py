"""One order: its head, its lines, what happened, and what can be done about it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from markupsafe import Markup
from werkzeug.wrappers import Response

from admin.declared import for_roles
from admin.drawing import draw
from admin.orders import sayings
from admin.orders.facts import OrderFacts, order_facts
from admin.orders.moments import called, moments
from admin.panel import signed_in, words
from admin.scoped import SELLING
from admin.shown import pill
from core.ids import Prefix, public
from core.money import Money
from core.parties.rules import PLATFORM_ROLES, Role

pages = Blueprint("order", __name__, url_prefix="/orders")
READERS = PLATFORM_ROLES | {Role.OWNER, Role.SUPPORT, Role.FINANCE}
SERVERS = (Role.OWNER, Role.SUPPORT, Role.PLATFORM_OWNER)
RELEASERS = (*SERVERS, Role.PLATFORM_OPERATOR)
DECIDERS = (*SERVERS, Role.FINANCE)


@pages.get("/<number>", endpoint="order")
@for_roles(*READERS, kinds=SELLING)
def order_page(number: str) -> Response:
    """Everything of one order."""
    facts = order_facts(number)
    order = facts.order
    return draw(
        "orders/order.html.jinja",
        facts=facts,
        order=order,
        number=facts.number,
        shopper=public(Prefix.SHOPPER, order["shopper_id"]),
        told=moments(facts),
        offered=offered(facts),
        cases=[one for one in facts.events if one["booked_to"] == "suspense" and one["resolved_at"] is None],
        sums={name: money_of(order, name) for name in ("total", "paid", "refunded")},
        money=lambda minor: words().money(Money(minor, order["currency"])),
        pill=pill,
        line_pill=line_pill,
        called=called,
        said=sayings,
        me=signed_in().staff_id,
    )


def line_pill(state: str) -> Markup:
    """A line's gate or delivery as people read it."""
    sentence, colour = sayings.LINE_STATES.get(state, (state, ""))
    return Markup('<span class="pill {}">{}</span>').format(colour, words().say(sentence))


def offered(facts: OrderFacts) -> set[str]:
    """What can be done about it now, whoever may do it; each use case judges again."""
    order, lines = facts.order, facts.lines
    acts: set[str] = set()
    if order["state"] == "awaiting_payment":
        acts.add("cancel")
    if order["state"] in {"paid", "closed"} and any(line["gate"] != "cancelled" for line in lines):
        acts.add("refund")
    if order["state"] == "paid":
        acts |= {"release" for line in lines if line["gate"] == "review"}
        acts |= {"hurry" for line in lines if line["gate"] == "none" and line["delivery"] in {"ready", "unknown"}}
        acts |= {"task" for line in lines if line["gate"] == "task"}
    acts |= {"again" for line in lines if line["delivery"] == "delivered"}
    return acts


def money_of(order: dict[str, Any], name: str) -> str:
    """One of an order's sums in words."""
    return words().money(Money(order[f"{name}_minor"], order["currency"]))
