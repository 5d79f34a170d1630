"""The invariants that join payments, orders and books: each query returns one number, the violations."""

from __future__ import annotations

CHECKS: dict[str, str] = {
    # Per currency the sum of all accounts is 0; a clearing account is what is not reconciled yet; `world` of a kind of
    # gateway is minus what was reconciled. Exchange accounts took in and gave out what frozen rates say of money that
    # found its order or wallet, or of the part that a refund gave a wallet.
    "INV-M2": """
        WITH moved AS (
            SELECT debit_id AS id, -amount AS change FROM transfer UNION ALL SELECT credit_id, amount FROM transfer
        ), balances AS (SELECT id, sum(change) AS net FROM moved GROUP BY id),
        said AS (
            SELECT e.gateway_account_id, e.currency, e.reconciled_at,
                   CASE e.kind WHEN 'paid' THEN e.amount_minor ELSE -e.amount_minor END AS amount
            FROM payment_event e
            UNION ALL
            SELECT e.gateway_account_id, r.currency, r.reconciled_at, -r.amount_minor
            FROM refund r JOIN payment_event e ON e.id = r.event_id
            WHERE r.state = 'succeeded' AND NOT r.to_wallet
        ), clearing AS (
            SELECT g.id, s.currency, sum(s.amount) FILTER (WHERE s.reconciled_at IS NULL) AS waiting
            FROM gateway_account g JOIN said s ON s.gateway_account_id = g.id GROUP BY g.id, s.currency
        ), world AS (
            SELECT 'source:' || g.gateway AS holder, 'party:' || g.merchant_id AS counterparty, s.currency,
                   sum(s.amount) FILTER (WHERE s.reconciled_at IS NOT NULL) AS confirmed
            FROM gateway_account g JOIN said s ON s.gateway_account_id = g.id
            GROUP BY g.gateway, g.merchant_id, s.currency
        ), found AS (
            SELECT g.merchant_id, e.currency, p.worth_currency, p.worth_minor, p.amount_minor AS asked,
                   coalesce(r.amount, CASE WHEN coalesce(e.resolution, e.booked_to) IN ('order', 'wallet')
                                           THEN e.amount_minor ELSE 0 END) AS amount
            FROM payment_event e JOIN gateway_account g ON g.id = e.gateway_account_id
            JOIN payment p ON p.id = e.payment_id AND p.currency = e.currency
            LEFT JOIN (SELECT event_id, sum(amount_minor)::bigint AS amount FROM refund
                       WHERE to_wallet AND state = 'succeeded' GROUP BY event_id) r ON r.event_id = e.id
            WHERE e.kind = 'paid' AND p.worth_minor IS NOT NULL
        ), met AS (
            SELECT 'party:' || merchant_id AS holder, currency, sum(change) AS exchanged
            FROM (SELECT merchant_id, currency, amount AS change FROM found
                  UNION ALL
                  SELECT merchant_id, worth_currency, -div(worth_minor::numeric * amount, asked) FROM found) AS sides
            GROUP BY merchant_id, currency
        )
        SELECT (SELECT count(*) FROM (SELECT 1 FROM account JOIN balances USING (id)
                                      GROUP BY currency HAVING sum(net) <> 0) AS unbalanced)
             + (SELECT count(*) FROM account a LEFT JOIN balances USING (id)
                LEFT JOIN clearing c ON a.holder = 'gateway:' || c.id AND a.currency = c.currency
                WHERE a.kind = 'clearing' AND coalesce(net, 0) <> -coalesce(c.waiting, 0))
             + (SELECT count(*) FROM account a LEFT JOIN balances USING (id)
                LEFT JOIN world w USING (holder, counterparty, currency)
                WHERE a.kind = 'world' AND a.holder IN (SELECT 'source:' || gateway FROM gateway_account)
                  AND coalesce(net, 0) <> -coalesce(w.confirmed, 0))
             + (SELECT count(*) FROM (SELECT holder, currency, net FROM account LEFT JOIN balances USING (id)
                                      WHERE kind = 'exchange') AS a
                FULL JOIN met USING (holder, currency)
                WHERE coalesce(a.net, 0) <> coalesce(met.exchanged, 0))
    """,
    # Each line of a paid order: the net of all shares is what was paid for it, and each party got what was frozen.
    "INV-M7": """
        WITH got AS (
            SELECT line_id, account_id, sum(change) AS amount
            FROM (SELECT line_id, credit_id AS account_id, amount AS change FROM transfer WHERE code = 'sale'
                  UNION ALL SELECT line_id, debit_id, -amount FROM transfer WHERE code = 'sale') AS moved
            GROUP BY line_id, account_id
        ), frozen AS (
            SELECT s.line_id, s.account_id, sum(s.amount_minor) AS amount
            FROM line_share s JOIN hold h ON h.id = s.hold_id WHERE h.state = 'captured'
            GROUP BY s.line_id, s.account_id
        )
        SELECT (SELECT count(*) FROM frozen LEFT JOIN got USING (line_id, account_id)
                WHERE frozen.amount <> coalesce(got.amount, 0))
             + (SELECT count(*) FROM order_line l JOIN shop_order o ON o.id = l.order_id
                WHERE o.state IN ('paid', 'closed')
                  AND l.total_minor <> coalesce((SELECT sum(amount) FROM frozen WHERE line_id = l.id), 0))
             + (SELECT count(*) FROM got JOIN order_line l ON l.id = got.line_id JOIN shop_order o ON o.id = l.order_id
                WHERE o.state NOT IN ('paid', 'closed'))
    """,
    # What went back of a payment or an event is at most what it brought.
    "INV-M8": """
        SELECT (SELECT count(*) FROM payment WHERE refunded_minor > amount_minor
                   OR (state NOT IN ('part_refunded', 'refunded') AND refunded_minor > 0))
             + (SELECT count(*) FROM (
                    SELECT 1 FROM refund r JOIN payment_event e ON e.id = r.event_id WHERE r.state <> 'failed'
                    GROUP BY e.id, e.amount_minor HAVING sum(r.amount_minor) > e.amount_minor) AS more)
             + (SELECT count(*) FROM shop_order WHERE refunded_minor > paid_minor)
    """,
    # Every event's money left (or came back to) its clearing account exactly once: for its order, or by its own id.
    "INV-M13": """
        SELECT count(*) FROM payment_event e
        JOIN gateway_account g ON g.id = e.gateway_account_id
        LEFT JOIN account a ON a.kind = 'clearing' AND a.holder = 'gateway:' || g.id AND a.currency = e.currency
            AND a.counterparty = 'party:' || g.merchant_id
        WHERE CASE e.kind WHEN 'paid' THEN e.amount_minor ELSE -e.amount_minor END <> coalesce((
            SELECT sum(CASE WHEN t.debit_id = a.id THEN t.amount ELSE -t.amount END) FROM transfer t
            WHERE t.reference = CASE e.booked_to WHEN 'order' THEN e.order_id ELSE e.id END
              AND a.id IN (t.debit_id, t.credit_id) AND t.code <> 'reconciled'), 0)
    """,
}
"""What `verify` asks about payments; what concerns the books alone stands in `core.ledger.checks`."""
