"""Deliveries that nobody works on any more: the queue row was lost with its worker, or a try has to be repeated."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.db import execute, in_transaction
from core.work import Work, enqueue_missing

GRACE = timedelta(seconds=5)
"""A delivery made so lately is still on its way through the queue."""

LOST = """
SELECT id FROM delivery
WHERE (state IN ('sending', 'unknown') AND lease_until <= %(now)s) OR (state = 'ready' AND lease_until <= %(before)s)
ORDER BY lease_until LIMIT %(limit)s
"""


def enqueue_lost_deliveries(*, now: datetime, limit: int = 200) -> int:
    """Queue every delivery whose lease has ended, unless it waits there already; returns how many (INV-O7, INV-O9).

    Changes no delivery: taking one is a conditional update, so that two rows for the same delivery do no harm.
    """

    def work() -> int:
        rows = execute(LOST, {"now": now, "before": now - GRACE, "limit": limit})
        return enqueue_missing(Work.DELIVER, [row[0] for row in rows])

    return in_transaction(work, repeatable=True)
