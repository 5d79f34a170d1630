"""What time finds again: unanswered payments, money before its order, refunds nobody sends, events to reconcile."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.db import execute, in_transaction
from core.ids import Prefix, public
from core.ledger import service as ledger
from core.ledger.rules import TransferCode
from core.messages.alerts import AlertKind, raise_alert
from core.payments import sql
from core.payments.desk import clearing_account, world_account
from core.payments.rules import LEASE
from core.work import Work, enqueue_missing

ASKING = timedelta(minutes=2)
"""A payment whose question was queued is left alone so long; the handler then says when to ask again."""

STUCK_AFTER = timedelta(hours=1)
"""A refund without a certain end for this long is shown to a person; it is asked again all the same."""

TOLD_AGAIN_AFTER = timedelta(days=1)

SETTLES_AFTER = timedelta(minutes=1)
"""How long an event waits before it is reconciled with what its gateway settled."""


def poll_due(*, now: datetime, limit: int = 100) -> int:
    """Queue a question to the gateway for each payment that is due; returns how many."""

    def work() -> int:
        due = execute(sql.TAKE_POLLS, {"again": now + ASKING, "now": now, "limit": limit})
        enqueue_missing(Work.QUERY_PAYMENT, [payment_id for (payment_id,) in due])
        return len(due)

    return in_transaction(work, repeatable=True)


def refund_due(*, now: datetime, limit: int = 100) -> int:
    """Queue refunds that nobody is sending: the queue row was lost, or the worker that took it; returns how many.

    One that still waits in the queue is not queued again, however far the worker is behind.
    """
    due = execute(sql.DUE_REFUNDS, {"now": now, "before": now - LEASE, "limit": limit})
    return enqueue_missing(Work.REFUND, [refund_id for (refund_id,) in due])


STUCK_REFUNDS = """
SELECT id, created_at FROM refund WHERE state IN ('requested', 'sent', 'unknown') AND created_at < %s
ORDER BY created_at LIMIT %s
"""


def notice_stuck_refunds(*, now: datetime, limit: int = 100) -> int:
    """Have the operator told of refunds whose end nobody knows for an hour, each once a day; returns how many."""

    def work() -> int:
        stuck = execute(STUCK_REFUNDS, (now - STUCK_AFTER, limit))
        for refund_id, since in stuck:
            hours = int((now - since) / timedelta(hours=1))
            raise_alert(
                kind=AlertKind.REFUND_UNKNOWN,
                subject=public(Prefix.REFUND, refund_id),
                detail={"hours": hours},
                now=now,
                quiet=TOLD_AGAIN_AFTER,
            )
        return len(stuck)

    return in_transaction(work)


def reconcile_due(*, now: datetime, limit: int = 500) -> int:
    """Book what the outside settled against `world`: events and refunds leave `clearing`; returns how many.

    The sandbox settles everything at once, by its own word.
    """

    def work() -> int:
        values = {"now": now, "before": now - SETTLES_AFTER, "limit": limit}
        rows = execute(sql.RECONCILE, values)
        transfers = []
        for reference, incoming, account_id, amount, currency, gateway, merchant_id in rows:
            clearing_id = clearing_account(account_id, merchant_id, currency)
            world_id = world_account(gateway, merchant_id, currency)
            debit_id, credit_id = (world_id, clearing_id) if incoming else (clearing_id, world_id)
            code = TransferCode.RECONCILED
            transfers.append(ledger.NewTransfer(debit_id, credit_id, amount, currency, code, reference))
        ledger.post(transfers=transfers, now=now)
        return len(rows)

    return in_transaction(work, repeatable=True)
