"""Everything of one order that its shop may see, in a fixed number of questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from werkzeug.exceptions import NotFound

from admin.asked import ask, ask_one
from admin.panel import signed_in
from admin.reading import reading
from core import errors
from core.ids import Prefix, parse, public

ORDER = """
SELECT o.id, o.merchant_id, p.names AS merchant, o.state, o.currency, o.total_minor, o.paid_minor, o.refunded_minor,
       o.placed_at, o.deadline, o.paid_at, o.ended_at, o.shopper_id, v.channel, v.risk, v.stranger
FROM shop_order o JOIN party p ON p.id = o.merchant_id JOIN panel_order v ON v.id = o.id WHERE o.id = %(order)s
"""
LINES = """
SELECT l.id, l.listing_code, l.listing_id, l.names, l.quantity, l.list_price_minor, l.discount_minor, l.total_minor,
       l.gate, l.gate_reason, d.id AS delivery_id, d.state AS delivery, coalesce(d.attempts, 0) AS attempts,
       d.last_problem, d.created_at, d.delivered_at, t.staff_id, t.holder, t.taken_at, t.opened_at, t.done_at
FROM order_line l LEFT JOIN delivery d ON d.line_id = l.id LEFT JOIN panel_task t ON t.line_id = l.id
WHERE l.order_id = %(order)s ORDER BY l.position
"""
PAYMENTS = "SELECT * FROM panel_payment WHERE order_id = %(order)s ORDER BY created_at LIMIT 100"
EVENTS = """
SELECT * FROM panel_payment_event
WHERE order_id = %(order)s OR payment_id = ANY (%(payments)s::uuid[]) ORDER BY received_at LIMIT 200
"""
REFUNDS = "SELECT * FROM panel_refund WHERE order_id = %(order)s ORDER BY created_at LIMIT 200"
MOVED = "SELECT * FROM panel_transfer WHERE reference = ANY (%(references)s::uuid[]) ORDER BY id LIMIT 300"
ATTEMPTS = "SELECT * FROM panel_send_attempt WHERE order_id = %(order)s ORDER BY id LIMIT 300"
TOLD = """
SELECT id, kind, created_at, state FROM panel_message
WHERE order_id = %(order)s AND about = %(public)s AND created_at >= %(placed)s ORDER BY id LIMIT 300
"""
DEEDS = """
SELECT a.id, a.at, a.actor_kind, a.action, a.detail, s.name AS who
FROM audit_entry a LEFT JOIN panel_person s ON s.id = a.actor_id AND a.actor_kind = 'staff'
WHERE (a.object_kind = 'order' AND a.object_id = ANY (%(order_names)s))
   OR (a.object_kind = 'line' AND a.object_id = ANY (%(lines)s))
   OR (a.object_kind = 'payment_event' AND a.object_id = ANY (%(events)s))
ORDER BY a.id LIMIT 500
"""


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """Rows as the statements above name their columns."""

    order: dict[str, Any]
    lines: Sequence[dict[str, Any]]
    payments: Sequence[dict[str, Any]]
    events: Sequence[dict[str, Any]]
    refunds: Sequence[dict[str, Any]]
    moved: Sequence[dict[str, Any]]
    attempts: Sequence[dict[str, Any]]
    told: Sequence[dict[str, Any]]
    deeds: Sequence[dict[str, Any]]

    @property
    def number(self) -> str:
        """The order's number as people know it."""
        return public(Prefix.ORDER, self.order["id"])


def order_id_of(number: str) -> UUID:
    """The order that an address names. Raises the 404 of a page that is not there."""
    return an_id(Prefix.ORDER, number)


def an_id(prefix: Prefix, number: str) -> UUID:
    """What a public number in an address names. Raises NotFound (404) for what is none."""
    try:
        return parse(prefix, number)
    except errors.NotFound:
        raise NotFound() from None


def an_order(number: str) -> dict[str, Any]:
    """The head of an order of the party that somebody acts for. Raises NotFound, also for a foreign one."""
    order_id = order_id_of(number)
    with reading(signed_in()):
        found = ask_one(ORDER, order=order_id)
    if found is None:
        raise NotFound()
    return found


def order_facts(number: str) -> OrderFacts:
    """All of it. Raises NotFound, also for a foreign order."""
    order_id = order_id_of(number)
    with reading(signed_in()):
        order = ask_one(ORDER, order=order_id)
        if order is None:
            raise NotFound()
        lines = ask(LINES, order=order_id)
        payments = ask(PAYMENTS, order=order_id)
        events = ask(EVENTS, order=order_id, payments=[one["id"] for one in payments])
        refunds = ask(REFUNDS, order=order_id)
        references = [order_id, *(one["id"] for one in events), *(one["id"] for one in refunds)]
        return OrderFacts(
            order,
            lines,
            payments,
            events,
            refunds,
            moved=ask(MOVED, references=references),
            attempts=ask(ATTEMPTS, order=order_id),
            told=ask(TOLD, order=order_id, public=number, placed=order["placed_at"]),
            deeds=ask(
                DEEDS,
                order_names=[number, str(order_id)],
                lines=[str(line["id"]) for line in lines],
                events=[str(one["id"]) for one in events],
            ),
        )
