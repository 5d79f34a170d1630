"""Money back for one paid line that was not delivered: to its source as far as that brought it, else to the wallet."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from core.db import changed, execute
from core.ids import Prefix, new_id, public
from core.ledger import service as ledger
from core.ledger.rules import TransferCode
from core.messages.service import MessageKind, tell
from core.money import Money
from core.orders.lines import cancel_line, undo_shares
from core.orders.service import LockedOrder, Sending
from core.payments.desk import suspense_account, wallet_account
from core.payments.rules import RefundState, SuspenseReason
from core.work import Work, enqueue

PAID_BY = """
SELECT p.id, p.rail, e.id, e.gateway_account_id, p.worth_minor IS NOT NULL,
       p.amount_minor - coalesce((SELECT sum(r.amount_minor) FROM refund r
                                  WHERE r.payment_id = p.id AND r.event_id IS NOT DISTINCT FROM e.id
                                    AND r.state <> 'failed'), 0)::bigint
FROM payment p LEFT JOIN payment_event e ON e.payment_id = p.id AND e.kind = 'paid' AND e.order_id = p.order_id
    AND coalesce(e.resolution, e.booked_to) = 'order'
WHERE p.order_id = %s AND p.state IN ('succeeded', 'part_refunded') AND (p.rail = 'wallet' OR e.id IS NOT NULL)
"""
"""What paid an order, and how much of it did not go back yet (minor units).

Money that came a second time for the same payment went its own way: it is no part of this.
"""

INSERT = """
INSERT INTO refund (id, merchant_id, order_id, payment_id, event_id, line_id, to_wallet, amount_minor, currency, state,
    reason, created_at, ended_at)
VALUES (%(id)s, %(merchant)s, %(order)s, %(payment)s, %(event)s, %(line)s, %(to_wallet)s, %(amount)s, %(currency)s,
    %(state)s, %(reason)s, %(now)s, %(ended)s)
"""

WENT_BACK = """
SELECT EXISTS (
    SELECT 1 FROM payment p WHERE p.order_id = %s AND p.refunded_minor > coalesce((
        SELECT sum(r.amount_minor) FROM refund r LEFT JOIN payment_event e ON e.id = r.event_id
        WHERE r.payment_id = p.id AND r.state = 'succeeded' AND (e.id IS NULL OR e.external_id = p.external_ref)), 0))
"""
"""Whether a gateway gave money of an order back by itself, which none of our refunds asked it for."""

WALLET_PAYMENT = """
UPDATE payment SET refunded_minor = refunded_minor + %(amount)s,
    state = CASE WHEN refunded_minor + %(amount)s = amount_minor THEN 'refunded' ELSE 'part_refunded' END
WHERE id = %(payment)s AND rail = 'wallet'
"""


def is_exchanged(*, order_id: UUID) -> bool:
    """Whether money in another currency paid the order: its parts have no price of their own there."""
    return any(row[4] for row in execute(PAID_BY, (order_id,)))


def sources_of(*, order_id: UUID) -> int | None:
    """How much of an order's money a gateway could still give back (minor units); None where none brought any."""
    return next((int(row[5]) for row in execute(PAID_BY, (order_id,)) if row[1] == "gateway"), None)


def went_back_outside(*, order_id: UUID) -> bool:
    """Whether a gateway gave money of an order back by itself: it must not go back twice."""
    return bool(execute(WENT_BACK, (order_id,))[0][0])


def refund_line(*, order: LockedOrder, sending: Sending, problem: str, now: datetime) -> bool:
    """End a line of which nothing was opened and give back what was paid for it; False as `cancel_line`'s None.

    In one transaction with the order's lock: cards, shares, trade accounts, and the refund, which the worker sends to
    the gateway that brought the money; what the wallet brought is in it at once.
    """
    paid = cancel_line(order=order, sending=sending, problem=problem, now=now)
    if paid is None:
        return False
    return_paid(order=order, line_id=sending.line_id, paid=paid, now=now)
    return True


def return_paid(*, order: LockedOrder, line_id: UUID, paid: int, now: datetime) -> None:
    """Give back what was paid for a line that has ended (minor units): shares, trade accounts, and the money itself.

    In the transaction that ended it, under the order's lock, and last in it.
    """
    sources = execute(PAID_BY, (order.id,))
    gateway = next((row for row in sources if row[1] == "gateway"), None)
    to_source = min(paid, gateway[5]) if gateway else 0
    to_wallet = paid - to_source
    refund_id, currency = new_id(), order.total.currency
    wallet_id = wallet_account(order.shopper_id, order.merchant_id, currency) if to_wallet else 0
    into_id = suspense_account(gateway[3], order.merchant_id, currency) if gateway and to_source else wallet_id
    row = {"merchant": order.merchant_id, "order": order.id, "line": line_id, "currency": currency}
    row |= {"reason": SuspenseReason.LINE_REFUNDED.value, "now": now}
    changes: dict[int, int] = {}
    if paid:
        changes = undo_shares(order=order, line_id=line_id, into_id=into_id, reference=refund_id, now=now)
    if gateway and to_source:
        _ask_back(row, gateway, refund_id, to_source)
    if to_wallet:
        wallet_payment = next((one[0] for one in sources if one[1] == "wallet"), None)
        moved = _into_wallet(order, row, wallet_payment, wallet_id, into_id, Money(to_wallet, currency), now)
        changes = ledger.merged(changes, moved)
    ledger.change_balances(changes)


def _ask_back(row: dict[str, Any], gateway: tuple[Any, ...], refund_id: UUID, amount: int) -> None:
    asked = {"id": refund_id, "payment": gateway[0], "event": gateway[2], "to_wallet": False, "amount": amount}
    execute(INSERT, row | asked | {"state": RefundState.REQUESTED.value, "ended": None})
    enqueue(Work.REFUND, refund_id)


def _into_wallet(
    order: LockedOrder,
    row: dict[str, Any],
    payment_id: UUID | None,
    wallet_id: int,
    from_id: int,
    money: Money,
    now: datetime,
) -> dict[int, int]:
    """The wallet's part; where everything came back into suspense, from there. Returns changes still to be made."""
    refund_id = new_id()
    given = {"id": refund_id, "payment": payment_id, "event": None, "to_wallet": True, "amount": money.minor}
    execute(INSERT, row | given | {"state": RefundState.SUCCEEDED.value, "ended": now})
    if payment_id is not None:
        changed(WALLET_PAYMENT, {"amount": money.minor, "payment": payment_id})
    body = {
        "order": public(Prefix.ORDER, order.id),
        "amount_minor": money.minor,
        "currency": money.currency,
        "to_wallet": True,
    }
    tell(conversation_id=order.conversation_id, kind=MessageKind.REFUNDED, body=body, now=now)
    if from_id == wallet_id:
        return {}
    moved = ledger.NewTransfer(from_id, wallet_id, money.minor, money.currency, TransferCode.REFUND, refund_id)
    return ledger.insert(transfers=[moved], now=now)
