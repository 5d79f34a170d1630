"""How many paid lines wait for a person: money that stands still must be seen without anybody asking for a list."""

from __future__ import annotations

COUNT = """
SELECT count(*), min(o.paid_at) FROM order_line l JOIN shop_order o ON o.id = l.order_id
WHERE l.gate = 'review' AND o.state = 'paid'
"""
"""The lines that `review` lists, and since when the oldest was paid."""

TASKS = """
SELECT count(*), min(o.paid_at)
FROM (SELECT line_id FROM delivery WHERE state = 'waiting' ORDER BY created_at LIMIT 10000) d
JOIN order_line l ON l.id = d.line_id JOIN shop_order o ON o.id = l.order_id
WHERE l.gate = 'task' AND o.state = 'paid'
"""
"""The top-ups by hand that `task list` lists, of the 10,000 lines that have waited longest, and since when (index
delivery_waiting)."""
