"""How many paid lines wait for a person: money that stands still must be seen without anybody asking for a list."""

from __future__ import annotations

COUNT = """
SELECT count(*), min(o.paid_at) FROM order_line l JOIN shop_order o ON o.id = l.order_id
WHERE l.gate = 'review' AND o.state = 'paid'
"""
"""The lines that `review` lists, and since when the oldest was paid."""
