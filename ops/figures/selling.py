"""What the tables say about orders, money, stock and chats as they are now; no question reads a big table.

Each counts at most 10,000 rows behind a partial index that holds only what is open, or the rows of the last hour behind
an index that is ordered by time (ids are UUIDv7), or a table that is small by itself.
"""

from __future__ import annotations

from ops.figures.asked import Asked, Question

ORDERS = (
    Question(
        """
SELECT count(*), greatest(0, extract(epoch FROM now() - min(deadline)))
FROM (SELECT deadline FROM shop_order WHERE state = 'awaiting_payment' ORDER BY deadline LIMIT 10000) o
""",
        (
            Asked("keystall_orders_awaiting_payment", "Orders that wait for money (index shop_order_unpaid)."),
            Asked("keystall_orders_overdue_seconds", "How long the oldest of them is past its deadline."),
        ),
    ),
    Question(
        """
SELECT state, count(*) FROM (
    SELECT state FROM shop_order WHERE id >= (
        lpad(to_hex((extract(epoch FROM now() - interval '1 hour') * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
    ORDER BY id LIMIT 10000) o
GROUP BY state
""",
        (Asked("keystall_orders_last_hour", "Orders of the last hour by their state now (primary key)."),),
        ("state",),
    ),
    Question(
        """
SELECT count(*) FILTER (WHERE state = 'ready'), count(*) FILTER (WHERE state = 'sending'),
       count(*) FILTER (WHERE state = 'unknown'), greatest(0, extract(epoch FROM now() - min(created_at)))
FROM (SELECT state, created_at FROM delivery WHERE state IN ('ready', 'sending', 'unknown')
      ORDER BY lease_until LIMIT 10000) d
""",
        (
            Asked("keystall_deliveries_ready", "Paid lines that nobody delivers yet (index delivery_open)."),
            Asked("keystall_deliveries_sending", "Paid lines that are being delivered."),
            Asked("keystall_deliveries_unknown", "Deliveries whose end is not known: they are sent again."),
            Asked("keystall_delivery_oldest_seconds", "How long ago the oldest line was paid that is not delivered."),
        ),
    ),
    Question(
        """
SELECT count(*), greatest(0, extract(epoch FROM now() - min(o.paid_at)))
FROM (SELECT order_id FROM order_line WHERE gate = 'review' LIMIT 10000) l JOIN shop_order o ON o.id = l.order_id
WHERE o.state = 'paid'
""",
        (
            Asked("keystall_lines_in_review", "Paid lines that wait for a person (index order_line_review)."),
            Asked("keystall_lines_in_review_oldest_seconds", "How long the oldest of them has been paid."),
        ),
    ),
    Question(
        """
SELECT count(*), greatest(0, extract(epoch FROM now() - min(o.paid_at)))
FROM (SELECT line_id FROM delivery WHERE state = 'waiting' ORDER BY created_at LIMIT 10000) d
JOIN order_line l ON l.id = d.line_id JOIN shop_order o ON o.id = l.order_id
WHERE l.gate = 'task' AND o.state = 'paid'
""",
        (
            Asked("keystall_tasks_waiting", "Paid top-ups that wait for a person (index delivery_waiting)."),
            Asked("keystall_tasks_waiting_oldest_seconds", "How long ago the oldest of them was paid."),
        ),
    ),
    Question(
        """
SELECT coalesce(gate_reason, 'unknown'), count(*)
FROM (SELECT gate_reason FROM order_line WHERE gate = 'review' LIMIT 10000) l
GROUP BY 1 ORDER BY 2 DESC LIMIT 20
""",
        (Asked("keystall_vault_refused_lines", "Lines in review by what the vault said."),),
        ("reason",),
    ),
)

MONEY = (
    Question(
        """
SELECT count(*) FILTER (WHERE state = 'requested'), count(*) FILTER (WHERE state = 'sent'),
       count(*) FILTER (WHERE state = 'unknown'), count(*) FILTER (WHERE created_at < now() - interval '1 hour'),
       greatest(0, extract(epoch FROM now() - min(created_at)))
FROM (SELECT state, created_at FROM refund WHERE state IN ('requested', 'sent', 'unknown')
      ORDER BY lease_until LIMIT 10000) r
""",
        (
            Asked("keystall_refunds_requested", "Refunds that nobody has sent yet (index refund_open)."),
            Asked("keystall_refunds_sent", "Refunds whose gateway has not answered for good."),
            Asked("keystall_refunds_unknown", "Refunds whose end is not known: gateways are asked."),
            Asked("keystall_refunds_stuck", "Refunds without a certain end for more than an hour."),
            Asked("keystall_refund_oldest_seconds", "How old the oldest open refund is."),
        ),
    ),
    Question(
        """
SELECT count(*), count(*) FILTER (WHERE decide_by < now() - interval '1 hour'),
       greatest(0, extract(epoch FROM now() - min(received_at)))
FROM (SELECT decide_by, received_at FROM payment_event WHERE booked_to = 'suspense' AND resolved_at IS NULL
      LIMIT 10000) e
""",
        (
            Asked("keystall_suspense_open", "Cases: money that came and fits no order (index payment_event_open)."),
            Asked("keystall_suspense_undecided", "Of these, what should have been decided an hour ago."),
            Asked("keystall_suspense_oldest_seconds", "How long the oldest of it has been here."),
        ),
    ),
    Question(
        """
SELECT count(*) FROM (SELECT 1 FROM payment WHERE poll_at < now() - interval '5 minutes' LIMIT 10000) p
""",
        (Asked("keystall_payments_unasked", "Payments whose gateway should have been asked (index payment_poll)."),),
    ),
    Question(
        """
SELECT count(*), greatest(0, extract(epoch FROM now() - min(requested_at)))
FROM (SELECT requested_at FROM payout WHERE state IN ('requested', 'approved', 'sent')
      ORDER BY requested_at LIMIT 10000) p
""",
        (
            Asked("keystall_payouts_open", "Payouts that were asked for and have no end yet (index payout_open)."),
            Asked("keystall_payouts_oldest_seconds", "How long ago the oldest of them was asked for."),
        ),
    ),
)

STOCK = (
    Question(
        """
SELECT count(*) FILTER (WHERE free = 0), count(*) FILTER (WHERE free BETWEEN 1 AND 9) FROM (
    SELECT s.sku_id, coalesce(sum(m.free_count), 0) AS free
    FROM (SELECT DISTINCT sku_id FROM listing WHERE on_sale ORDER BY sku_id LIMIT 10000) s
    LEFT JOIN batch b ON b.sku_id = s.sku_id AND b.state = 'selling' LEFT JOIN batch_mark m ON m.batch_no = b.no
    GROUP BY s.sku_id) f
""",
        (
            Asked(
                "keystall_stock_out", "SKUs on sale without a free card, as the sweep counted (index batch_selling)."
            ),
            Asked("keystall_stock_low", "SKUs on sale with 1 to 9 free cards."),
        ),
    ),
    Question(
        """
SELECT k.code, f.free FROM (
    SELECT s.sku_id, coalesce(sum(m.free_count), 0) AS free
    FROM (SELECT DISTINCT sku_id FROM listing WHERE on_sale ORDER BY sku_id LIMIT 10000) s
    LEFT JOIN batch b ON b.sku_id = s.sku_id AND b.state = 'selling' LEFT JOIN batch_mark m ON m.batch_no = b.no
    GROUP BY s.sku_id ORDER BY 2, 1 LIMIT 20) f JOIN sku k ON k.id = f.sku_id
""",
        (Asked("keystall_sku_free", "Free cards of the 20 SKUs on sale that have the fewest."),),
        ("sku",),
    ),
    Question(
        "SELECT state, count(*) FROM (SELECT state FROM batch ORDER BY no DESC LIMIT 10000) b GROUP BY state",
        (Asked("keystall_batches", "The newest batches by state (their number's index)."),),
        ("state",),
    ),
)

CHATS = (
    Question(
        """
SELECT split_part(scope, ':', 1), count(*) FROM (SELECT scope FROM send_pause WHERE until > now() LIMIT 1000) p
GROUP BY 1
""",
        (Asked("keystall_chats_paused", "Bots and chats that a platform told us to leave alone for a while (flood)."),),
        ("channel",),
    ),
    Question(
        """
SELECT way, outcome, count(*) FROM (SELECT way, outcome FROM send_attempt WHERE at > now() - interval '10 minutes'
                                    ORDER BY at LIMIT 10000) a
GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 60
""",
        (Asked("keystall_sends_last_10_minutes", "Attempts to send by way and outcome (index send_attempt_at)."),),
        ("way", "outcome"),
    ),
    Question(
        """
SELECT count(*) FROM (SELECT outcome FROM send_attempt WHERE at > now() - interval '1 hour' AND way = 'wechat'
                      ORDER BY at LIMIT 10000) a WHERE outcome = 'no_quota'
""",
        (
            Asked(
                "keystall_wechat_quota_refusals_last_hour", "Messages that WeChat refused since the quota was used up."
            ),
        ),
    ),
    Question(
        """
SELECT kind, count(*) FROM (SELECT kind FROM alert WHERE first_at > now() - interval '1 hour' LIMIT 1000) a GROUP BY 1
""",
        (Asked("keystall_alerts_last_hour", "Things that a person must see, by kind (index alert_first)."),),
        ("kind",),
    ),
    Question(
        """
SELECT count(*), greatest(0, extract(epoch FROM now() - min(first_at)))
FROM (SELECT first_at FROM alert WHERE told_at IS NULL LIMIT 1000) a
""",
        (
            Asked("keystall_alerts_untold", "Alerts that nobody was told (index alert_open)."),
            Asked("keystall_alerts_untold_oldest_seconds", "How long the oldest of them has waited."),
        ),
    ),
)
