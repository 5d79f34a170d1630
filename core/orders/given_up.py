"""A paid line that a person gives up: not delivered, its cards go back; delivered, they stay with the shopper.

Money and shares follow in the same transaction (`core.fulfilment.giving_back`).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.actor import Actor
from core.db import execute
from core.ids import Prefix, public
from core.orders.locking import LockedOrder

TURN = "SELECT 1 FROM delivery WHERE line_id = %(line)s FOR NO KEY UPDATE"
"""An opening holds the same lock: what it opened is seen by the statement after this one."""

_AUDIT = """a AS (
    INSERT INTO audit_entry (at, actor_kind, actor_id, party_id, action, object_kind, object_id, detail)
    SELECT %(now)s, %(actor_kind)s, %(actor_id)s, %(merchant)s, 'line.given_back', 'order', %(public)s,
           jsonb_build_object('line', l.id, 'amount_minor', l.total_minor, 'delivered', %(delivered)s::boolean) FROM l
)"""

NOT_DELIVERED = f"""
WITH d AS (
    UPDATE delivery SET state = 'failed', lease_until = NULL, last_problem = %(problem)s
    WHERE line_id = %(line)s AND state IN ('waiting', 'ready', 'unknown') AND NOT EXISTS (
        SELECT 1 FROM card x WHERE x.line_id = delivery.line_id AND x.opened_at IS NOT NULL)
    RETURNING id, line_id
), l AS (
    UPDATE order_line SET gate = 'cancelled', gate_reason = %(problem)s FROM d
    WHERE order_line.id = d.line_id AND order_line.gate NOT IN ('cancelled', 'supply')
    RETURNING order_line.id, order_line.order_id, order_line.total_minor, d.id AS delivery_id
), c AS (
    UPDATE card SET state = 'free', line_id = NULL, pos = nextval('card_pos')
    WHERE line_id = ANY (ARRAY(SELECT id FROM l)) AND state = 'claimed' AND opened_at IS NULL
), o AS (
    UPDATE shop_order SET refunded_minor = refunded_minor + l.total_minor,
        state = CASE WHEN waiting.left_over THEN state ELSE 'closed' END,
        ended_at = CASE WHEN waiting.left_over THEN ended_at ELSE %(now)s END
    FROM l, (SELECT EXISTS (SELECT 1 FROM delivery x WHERE x.order_id = %(order)s AND x.line_id <> %(line)s
                            AND x.state NOT IN ('delivered', 'failed')) AS left_over) waiting
    WHERE shop_order.id = l.order_id AND shop_order.state = 'paid'
), {_AUDIT}
SELECT total_minor FROM l
"""  # noqa: S608 - constants of this module only
"""Its unopened cards go to the tail of the shelf, the order closes with its last line."""

DELIVERED = f"""
WITH l AS (
    UPDATE order_line SET gate = 'cancelled', gate_reason = %(problem)s
    WHERE id = %(line)s AND order_id = %(order)s AND plan_id IS NULL AND gate = 'none' AND EXISTS (
        SELECT 1 FROM delivery d WHERE d.line_id = order_line.id AND d.state = 'delivered')
    RETURNING id, order_id, total_minor
), o AS (
    UPDATE shop_order SET refunded_minor = refunded_minor + l.total_minor FROM l WHERE shop_order.id = l.order_id
), {_AUDIT}
SELECT total_minor FROM l
"""  # noqa: S608 - constants of this module only


def give_up_line(
    *, actor: Actor, order: LockedOrder, line_id: UUID, is_delivered: bool, problem: str, now: datetime
) -> int | None:
    """End a paid line of a locked order; returns what was paid for it in minor units.

    None where it has moved on: it is just being delivered, was opened meanwhile, or was given up before.
    """
    which = {
        "order": order.id,
        "line": line_id,
        "merchant": order.merchant_id,
        "public": public(Prefix.ORDER, order.id),
    }
    said = {"problem": problem, "now": now, "delivered": is_delivered}
    execute(TURN, which)
    named = which | said | {"actor_kind": actor.kind.value, "actor_id": actor.id}
    rows = execute(DELIVERED if is_delivered else NOT_DELIVERED, named)
    return int(rows[0][0]) if rows else None
