"""How many paid lines wait for a person: money that stands still must be seen without anybody asking for a list."""

from __future__ import annotations

import math

import peewee
from playhouse.pool import MaxConnectionsExceeded

from core import db

COUNT = """
SELECT count(*), min(o.paid_at) FROM order_line l JOIN shop_order o ON o.id = l.order_id
WHERE l.gate = 'review' AND o.state = 'paid'
"""
"""The lines that `review` lists, and since when the oldest was paid."""


def lines_in_review() -> float:
    """The figure for /metrics; not a number while the database is away, so that the other figures are still told."""
    try:
        with db.connection():
            return float(db.execute(COUNT)[0][0])
    except (peewee.PeeweeException, MaxConnectionsExceeded):
        return math.nan
