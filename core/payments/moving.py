"""What can still change without anybody asking for it, or changed since the last checkpoint: all that `verify` reads.

What is not among these rows ended before that checkpoint. Whoever changes it afterwards, beside every use case, is seen
by the totals that the checkpoint sealed (`core.fulfilment.totals`), or by `verify --full`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from core.db import execute
from core.errors import NotFound
from core.ids import Prefix, first_id, parse
from core.ledger.checkpoints import START, latest
from core.ledger.parts import Over

OVERLAP = timedelta(hours=1)
"""Audit entries and ids minted by processes commit in any order, within minutes: so much is read once more."""

OLDER = """
SELECT last_audit_id, at FROM checkpoint
WHERE at <= (SELECT at FROM checkpoint ORDER BY number DESC LIMIT 1) - %s ORDER BY number DESC LIMIT 1
"""

ORDERS = """
SELECT id FROM shop_order WHERE state = 'awaiting_payment'
UNION SELECT id FROM shop_order WHERE state = 'paid'
UNION SELECT id FROM shop_order WHERE id >= %(young)s
UNION SELECT o.id FROM (SELECT DISTINCT reference FROM transfer WHERE id > %(after)s) AS t
      JOIN shop_order o ON o.id = t.reference
UNION SELECT l.order_id FROM (SELECT DISTINCT line_id FROM transfer WHERE id > %(after)s) AS t
      JOIN order_line l ON l.id = t.line_id
"""
"""Orders that are not at an end, were placed lately, or whose money moved after the last checkpoint."""

NAMED = "SELECT DISTINCT object_id FROM audit_entry WHERE id > %(audit)s AND object_kind = 'order'"
"""What the audit says happened to orders lately; some entries name them by their public id."""

EVENTS = """
SELECT id FROM payment_event WHERE booked_to = 'suspense' AND resolved_at IS NULL
UNION SELECT id FROM payment_event WHERE reconciled_at IS NULL
UNION SELECT id FROM payment_event WHERE id >= %(young)s
UNION SELECT event_id FROM refund WHERE state IN ('requested', 'sent', 'unknown') AND event_id IS NOT NULL
UNION SELECT event_id FROM refund WHERE state = 'succeeded' AND NOT to_wallet AND reconciled_at IS NULL
      AND event_id IS NOT NULL
UNION SELECT e.id FROM (SELECT DISTINCT reference FROM transfer WHERE id > %(after)s) AS t
      JOIN payment_event e ON e.id = t.reference
UNION SELECT r.event_id FROM (SELECT DISTINCT reference FROM transfer WHERE id > %(after)s) AS t
      JOIN refund r ON r.id = t.reference WHERE r.event_id IS NOT NULL
UNION SELECT id FROM payment_event WHERE order_id = ANY (%(orders)s::uuid[])
"""
"""Events that nobody decided about, that the outside did not confirm, that are young, or whose money moved."""

PAYMENTS = """
SELECT id FROM payment WHERE order_id = ANY (%(orders)s::uuid[]) OR id >= %(young)s
UNION SELECT payment_id FROM payment_event WHERE id = ANY (%(events)s::uuid[]) AND payment_id IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Since:
    """The last checkpoint: transfers after `transfer_id` are new, and so is what the audit and young ids show."""

    number: int
    transfer_id: int
    audit_id: int
    young: UUID


def last_checkpoint() -> Since:
    """Since when everything is read: from the first row on where there is no checkpoint."""
    last = latest()
    if last is None:
        return Since(0, START, 0, UUID(int=0))
    older = execute(OLDER, (OVERLAP,))
    audit_id, at = older[0] if older else (0, None)
    return Since(last.number, last.last_transfer_id, int(audit_id), first_id(at - OVERLAP) if at else UUID(int=0))


def moving(since: Since) -> Mapping[Over, list[UUID]]:
    """The ids by which each kind of question is asked."""
    asked: dict[str, object] = {"after": since.transfer_id, "audit": since.audit_id, "young": since.young}
    found = {row[0] for row in execute(ORDERS, asked)} | set(_order_ids(row[0] for row in execute(NAMED, asked)))
    orders = sorted(found)
    events = [row[0] for row in execute(EVENTS, asked | {"orders": orders})]
    payments = [row[0] for row in execute(PAYMENTS, asked | {"orders": orders, "events": events})]
    return {Over.ORDERS: orders, Over.CARDS: orders, Over.EVENTS: events, Over.PAYMENTS: payments}


def _order_ids(names: Iterable[str]) -> Iterable[UUID]:
    for name in names:
        try:
            yield parse(Prefix.ORDER, name) if name.startswith(Prefix.ORDER) else UUID(name)
        except (NotFound, ValueError):
            continue  # names no order, so there is none to look at
