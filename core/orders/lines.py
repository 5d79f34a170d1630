"""A paid line that cannot be delivered ends: its cards go back, its shares and trade accounts are undone (INV-M6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from core.actor import Actor
from core.db import execute
from core.ids import Prefix, public
from core.ledger import service as ledger
from core.ledger.rules import TransferCode
from core.orders import trading
from core.orders.deliveries import Sending
from core.orders.locking import LockedOrder

LOOK = """
SELECT count(*) FILTER (WHERE c.opened_at IS NULL AND c.state = 'claimed'
                          AND (b.state = 'recalled' OR c.expires_on < %(today)s)),
       count(*) FILTER (WHERE c.opened_at IS NOT NULL),
       bool_or(b.state = 'recalled'), (SELECT minimum_life_days FROM sku WHERE id = l.sku_id)
FROM order_line l JOIN card c ON c.line_id = l.id JOIN batch b ON b.no = c.batch_no
WHERE l.id = %(line)s GROUP BY l.sku_id
"""

TURN = "SELECT 1 FROM delivery WHERE id = %(delivery)s FOR NO KEY UPDATE"
"""An opening holds the same lock: what it opened is seen by the statement after this one."""

CANCEL = """
WITH d AS (
    UPDATE delivery SET state = 'failed', lease_until = NULL, last_problem = %(problem)s
    WHERE id = %(delivery)s AND state = 'sending' AND attempts = %(attempts)s AND NOT EXISTS (
        SELECT 1 FROM card x WHERE x.line_id = delivery.line_id AND x.opened_at IS NOT NULL)
    RETURNING line_id, order_id
), l AS (
    UPDATE order_line SET gate = 'cancelled', gate_reason = %(problem)s FROM d WHERE order_line.id = d.line_id
    RETURNING order_line.id, order_line.order_id, order_line.total_minor
), c AS (
    UPDATE card SET state = 'free', line_id = NULL, pos = nextval('card_pos')
    WHERE line_id = ANY (ARRAY(SELECT id FROM l)) AND state = 'claimed' AND opened_at IS NULL
), o AS (
    UPDATE shop_order SET refunded_minor = refunded_minor + l.total_minor,
        state = CASE WHEN waiting.left_over THEN state ELSE 'closed' END,
        ended_at = CASE WHEN waiting.left_over THEN ended_at ELSE %(now)s END
    FROM l, (SELECT EXISTS (SELECT 1 FROM delivery x WHERE x.order_id = %(order)s AND x.id <> %(delivery)s
                            AND x.state NOT IN ('delivered', 'failed')) AS left_over) waiting
    WHERE shop_order.id = l.order_id AND shop_order.state = 'paid'
), a AS (
    INSERT INTO audit_entry (at, actor_kind, party_id, action, object_kind, object_id, detail)
    SELECT %(now)s, 'system', %(merchant)s, 'line.refunded', 'order', %(public)s,
           jsonb_build_object('reason', %(problem)s::text, 'amount_minor', l.total_minor) FROM l
)
SELECT total_minor FROM l
"""
"""The line is not delivered any more: its unopened cards go to the tail, the order closes with its last line."""

CANCEL_GIVEN = """
WITH l AS (
    UPDATE order_line SET gate = 'cancelled', gate_reason = %(problem)s
    WHERE id = %(line)s AND order_id = %(order)s AND plan_id IS NOT NULL AND gate <> 'cancelled' AND EXISTS (
        SELECT 1 FROM delivery d WHERE d.line_id = order_line.id AND d.state = 'delivered')
    RETURNING order_id, CASE WHEN %(returns)s THEN total_minor ELSE 0 END AS amount
), o AS (
    UPDATE shop_order SET refunded_minor = refunded_minor + l.amount FROM l WHERE shop_order.id = l.order_id
), a AS (
    INSERT INTO audit_entry (at, actor_kind, actor_id, party_id, action, object_kind, object_id, detail)
    SELECT %(now)s, %(actor_kind)s, %(actor_id)s, %(merchant)s, 'membership.taken_back', 'order', %(public)s,
           jsonb_build_object('reason', %(problem)s::text, 'amount_minor', l.amount) FROM l
)
SELECT amount FROM l
"""
"""A membership that was given ends: it alone can be taken back, since nobody has anything of it but the time."""

SHARES = """
SELECT s.account_id, sum(s.amount_minor)::bigint FROM line_share s JOIN hold h ON h.id = s.hold_id
WHERE s.line_id = %s AND h.state = 'captured' GROUP BY s.account_id HAVING sum(s.amount_minor) <> 0 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Unfit:
    """Claimed cards of a line that must not be handed over, and whether some of its cards were opened already."""

    cards: int
    is_opened: bool
    is_recalled: bool
    minimum_life_days: int


def unfit_cards(*, line_id: UUID, today: date) -> Unfit:
    """What of a paid line cannot be handed over today (a day in the store's zone)."""
    rows = execute(LOOK, {"line": line_id, "today": today})
    cards, opened, is_recalled, life = rows[0] if rows else (0, 0, False, 0)
    return Unfit(cards, opened > 0, bool(is_recalled), life)


def cancel_line(*, order: LockedOrder, sending: Sending, problem: str, now: datetime) -> int | None:
    """End a line of a locked, paid order of which nothing was opened; returns what was paid for it in minor units.

    None when another sender has the delivery, or the vault opened a card of it meanwhile. The caller gives the money
    back in the same transaction (`undo_shares`, then `core.payments`).
    """
    which = {"delivery": sending.delivery_id, "attempts": sending.attempts, "order": order.id}
    said = {"problem": problem, "now": now, "merchant": order.merchant_id, "public": public(Prefix.ORDER, order.id)}
    execute(TURN, which)
    rows = execute(CANCEL, which | said)
    return int(rows[0][0]) if rows else None


def cancel_given(
    *, actor: Actor, order: LockedOrder, line_id: UUID, problem: str, returns: bool, now: datetime
) -> int | None:
    """End a membership's line that was delivered; returns what is to go back for it in minor units.

    That is 0 where the money went back already (not `returns`); None where the line was not given, or ended before.
    """
    which = {"order": order.id, "line": line_id, "merchant": order.merchant_id, "actor_id": actor.id}
    said = {"problem": problem, "returns": returns, "now": now, "actor_kind": actor.kind.value}
    rows = execute(CANCEL_GIVEN, which | said | {"public": public(Prefix.ORDER, order.id)})
    return int(rows[0][0]) if rows else None


def undo_shares(*, order: LockedOrder, line_id: UUID, into_id: int, reference: UUID, now: datetime) -> dict[int, int]:
    """Bring everybody's share of a line back into one account, and its hops' cost back to their trade accounts.

    Each party gives back exactly what it got of this line. Returns the changes that bounded accounts still need, for
    the end of the caller's transaction.
    """
    currency = order.total.currency
    back = [
        ledger.NewTransfer(
            account_id if amount > 0 else into_id,
            into_id if amount > 0 else account_id,
            abs(amount),
            currency,
            TransferCode.REFUND,
            reference,
            line_id,
        )
        for account_id, amount in execute(SHARES, (line_id,))
    ]
    changes = ledger.insert(transfers=back, now=now)
    trading.give_back(line_id=line_id, reference=reference, merchant_id=order.merchant_id, currency=currency, now=now)
    return changes
