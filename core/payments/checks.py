"""The invariants that join payments, orders and books: each question returns one number, the violations."""

from __future__ import annotations

from core.ledger.parts import Form, Over, Part, guarded, whole
from core.payments.payout_checks import PARTS as PAYOUTS

_SAID = """
    SELECT e.gateway_account_id, e.currency, e.reconciled_at,
           CASE e.kind WHEN 'paid' THEN e.amount_minor ELSE -e.amount_minor END AS amount
    FROM payment_event e
    UNION ALL
    SELECT e.gateway_account_id, r.currency, r.reconciled_at, -r.amount_minor
    FROM refund r JOIN payment_event e ON e.id = r.event_id WHERE r.state = 'succeeded' AND NOT r.to_wallet
"""
"""What gateways said came in (or went back, below 0), and whether the outside confirmed it."""

_GATEWAY_WORLDS = """
    SELECT id FROM account WHERE kind = 'world' AND holder IN (SELECT 'source:' || gateway FROM gateway_account)
"""

_MOVED_BY = """
    coalesce((SELECT sum(CASE WHEN t.{up}_id = {account} THEN t.amount ELSE -t.amount END) FROM transfer t
              WHERE t.reference {references} AND {account} IN (t.debit_id, t.credit_id)), 0)
"""

MONEY_SUMS = (
    # Per currency the sum of all accounts is 0.
    Part(
        "INV-M2",
        Over.BOOKS,
        """
        SELECT count(*) FROM (SELECT 1 FROM account JOIN {balances} AS balances USING (id)
                              GROUP BY currency HAVING sum(balances.balance) <> 0) AS unbalanced
        """,
    ),
    # A clearing account is what is not reconciled yet.
    Part(
        "INV-M2",
        Over.BOOKS,
        f"""
        SELECT count(*) FROM account a LEFT JOIN {{balances}} AS balances USING (id)
        LEFT JOIN (SELECT gateway_account_id AS id, currency, sum(amount) AS waiting FROM ({_SAID}) AS said
                   WHERE reconciled_at IS NULL GROUP BY 1, 2) AS c
               ON a.holder = 'gateway:' || c.id AND a.currency = c.currency
        WHERE a.kind = 'clearing' AND coalesce(balances.balance, 0) <> -coalesce(c.waiting, 0)
        """,  # noqa: S608 - constants of this module only
    ),
    # `world` of a kind of gateway is minus what was reconciled.
    Part(
        "INV-M2",
        Over.BOOKS,
        f"""
        SELECT count(*) FROM account a LEFT JOIN {{balances}} AS balances USING (id)
        LEFT JOIN (SELECT 'source:' || g.gateway AS holder, 'party:' || g.merchant_id AS counterparty, said.currency,
                          sum(said.amount) AS confirmed
                   FROM gateway_account g JOIN ({_SAID}) AS said ON said.gateway_account_id = g.id
                   WHERE said.reconciled_at IS NOT NULL GROUP BY 1, 2, 3) AS w USING (holder, counterparty, currency)
        WHERE a.id IN ({_GATEWAY_WORLDS}) AND coalesce(balances.balance, 0) <> -coalesce(w.confirmed, 0)
        """,  # noqa: S608 - constants of this module only
        Form.WHOLE,
    ),
    # Exchange accounts took in and gave out what frozen rates say of money that found its order or wallet, or of the
    # part that a refund gave a wallet.
    Part(
        "INV-M2",
        Over.BOOKS,
        """
        SELECT count(*) FROM (
            SELECT holder, currency, balances.balance AS net
            FROM account LEFT JOIN {balances} AS balances USING (id) WHERE kind = 'exchange') AS a
        FULL JOIN (
            SELECT 'party:' || merchant_id AS holder, side.currency, sum(change) AS exchanged
            FROM (SELECT g.merchant_id, e.currency, p.worth_currency, p.worth_minor, p.amount_minor AS asked,
                         coalesce(r.amount, CASE WHEN coalesce(e.resolution, e.booked_to) IN ('order', 'wallet')
                                                 THEN e.amount_minor ELSE 0 END) AS amount
                  FROM payment_event e JOIN gateway_account g ON g.id = e.gateway_account_id
                  JOIN payment p ON p.id = e.payment_id AND p.currency = e.currency
                  LEFT JOIN (SELECT event_id, sum(amount_minor)::bigint AS amount FROM refund
                             WHERE to_wallet AND state = 'succeeded' GROUP BY event_id) r ON r.event_id = e.id
                  WHERE e.kind = 'paid' AND p.worth_minor IS NOT NULL) AS found
            CROSS JOIN LATERAL (VALUES (found.currency, found.amount::numeric), (
                found.worth_currency, -div(found.worth_minor::numeric * found.amount, found.asked))
            ) AS side (currency, change)
            GROUP BY merchant_id, side.currency) AS met USING (holder, currency)
        WHERE coalesce(a.net, 0) <> coalesce(met.exchanged, 0)
        """,
        Form.WHOLE,
    ),
    # What a collector received, less what went back, is its own share and everything others may claim from it; where
    # cards were bought out of it, what they cost is outside.
    Part(
        "INV-M10",
        Over.BOOKS,
        f"""
        SELECT count(*) FROM (
            SELECT 'party:' || g.merchant_id AS counterparty, said.currency, sum(said.amount) AS received
            FROM gateway_account g JOIN ({_SAID}) AS said ON said.gateway_account_id = g.id GROUP BY 1, 2) AS r
        FULL JOIN (
            SELECT counterparty, currency, sum(balances.balance) AS claims
            FROM account a JOIN {{balances}} AS balances USING (id)
            WHERE counterparty <> '' AND kind <> 'clearing' AND a.id NOT IN ({_GATEWAY_WORLDS})
            GROUP BY counterparty, currency) AS c USING (counterparty, currency)
        WHERE coalesce(received, 0) <> coalesce(claims, 0)
        """,  # noqa: S608 - constants of this module only
        Form.WHOLE,
    ),
    # The same from balances alone: with INV-M2 holding, clearing and world are minus what was received.
    Part(
        "INV-M10",
        Over.BOOKS,
        """
        SELECT count(*) FROM (
            SELECT 1 FROM account JOIN {balances} AS balances USING (id) WHERE counterparty <> ''
            GROUP BY counterparty, currency HAVING sum(balances.balance) <> 0) AS torn
        """,
        Form.BOUNDED,
    ),
)
"""What is asked once, of balances."""

MONEY_ROWS = (
    # Row by row, what keeps the sums of `world` as they were at the last checkpoint: each confirmed event moved its
    # amount there once, each other none …
    Part(
        "INV-M2",
        Over.EVENTS,
        f"""
        SELECT count(*) FROM {{events}} AS e JOIN gateway_account g ON g.id = e.gateway_account_id
        CROSS JOIN LATERAL (
            SELECT e.id AS reference, CASE WHEN e.reconciled_at IS NULL THEN 0
                                           WHEN e.kind = 'paid' THEN e.amount_minor ELSE -e.amount_minor END AS amount
            UNION ALL
            SELECT r.id, CASE WHEN r.state = 'succeeded' AND NOT r.to_wallet AND r.reconciled_at IS NOT NULL
                              THEN -r.amount_minor ELSE 0 END
            FROM refund r WHERE r.event_id = e.id AND r.state <> 'failed') AS said
        LEFT JOIN account w ON w.kind = 'world' AND w.holder = 'source:' || g.gateway
            AND w.counterparty = 'party:' || g.merchant_id AND w.currency = e.currency
        WHERE said.amount <> {_MOVED_BY.format(up="debit", account="w.id", references="= said.reference")}
        """,  # noqa: S608 - constants of this module only
        Form.BOUNDED,
    ),
    # … and nothing else moved there.
    Part(
        "INV-M2",
        Over.TRANSFERS,
        f"""
        SELECT count(*) FROM {{tail}} AS t
        WHERE (t.debit_id IN ({_GATEWAY_WORLDS}) OR t.credit_id IN ({_GATEWAY_WORLDS}))
          AND NOT (t.code = 'reconciled' AND (
              EXISTS (SELECT 1 FROM payment_event e WHERE e.id = t.reference AND e.reconciled_at IS NOT NULL)
              OR EXISTS (SELECT 1 FROM refund r WHERE r.id = t.reference AND r.reconciled_at IS NOT NULL)))
        """,  # noqa: S608 - constants of this module only
        Form.BOUNDED,
    ),
    # The same of exchange accounts: each event took in and gave out what its frozen rate says …
    Part(
        "INV-M2",
        Over.EVENTS,
        f"""
        SELECT count(*) FROM {{events}} AS e JOIN gateway_account g ON g.id = e.gateway_account_id
        JOIN payment p ON p.id = e.payment_id AND p.currency = e.currency AND p.worth_minor IS NOT NULL
        LEFT JOIN LATERAL (SELECT sum(amount_minor)::bigint AS amount, array_agg(id) AS ids FROM refund
                           WHERE event_id = e.id AND to_wallet AND state = 'succeeded') AS r ON true
        CROSS JOIN LATERAL (
            SELECT coalesce(r.amount, CASE WHEN coalesce(e.resolution, e.booked_to) IN ('order', 'wallet')
                                           THEN e.amount_minor ELSE 0 END) AS amount,
                   ARRAY[e.id] || coalesce(r.ids, '{{{{}}}}')
                   || CASE coalesce(e.resolution, e.booked_to) WHEN 'order' THEN ARRAY[e.order_id] ELSE '{{{{}}}}' END
                   AS named) AS found
        CROSS JOIN LATERAL (VALUES (e.currency, found.amount::numeric), (
            p.worth_currency, -div(p.worth_minor::numeric * found.amount, p.amount_minor))) AS side (currency, change)
        LEFT JOIN account x ON x.kind = 'exchange' AND x.holder = 'party:' || g.merchant_id
            AND x.counterparty = x.holder AND x.currency = side.currency
        WHERE e.kind = 'paid'
          AND side.change <> {_MOVED_BY.format(up="credit", account="x.id", references="= ANY (found.named)")}
        """,  # noqa: S608 - constants of this module only
        Form.BOUNDED,
    ),
    # … and nothing else moved there.
    Part(
        "INV-M2",
        Over.TRANSFERS,
        """
        SELECT count(*) FROM {tail} AS t
        WHERE (t.debit_id IN (SELECT id FROM account WHERE kind = 'exchange')
               OR t.credit_id IN (SELECT id FROM account WHERE kind = 'exchange'))
          AND NOT EXISTS (SELECT 1 FROM payment_event e JOIN payment p ON p.id = e.payment_id
                          WHERE e.id = t.reference AND p.worth_minor IS NOT NULL)
          AND NOT EXISTS (SELECT 1 FROM payment_event e JOIN payment p ON p.id = e.payment_id
                          WHERE e.order_id = t.reference AND p.worth_minor IS NOT NULL)
          AND NOT EXISTS (SELECT 1 FROM refund r JOIN payment p ON p.id = r.payment_id
                          WHERE r.id = t.reference AND p.worth_minor IS NOT NULL)
        """,
        Form.BOUNDED,
    ),
    # Each line of a paid order: the net of all shares is what was paid for it, and each party got what was frozen.
    Part(
        "INV-M7",
        Over.ORDERS,
        """
        SELECT count(*) FROM (
            SELECT s.line_id, s.account_id, sum(s.amount_minor) AS amount
            FROM {lines} AS l JOIN line_share s ON s.line_id = l.id JOIN hold h ON h.id = s.hold_id
            WHERE h.state = 'captured' GROUP BY s.line_id, s.account_id) AS frozen
        WHERE frozen.amount <> coalesce((
            SELECT sum(CASE WHEN t.credit_id = frozen.account_id THEN t.amount ELSE -t.amount END) FROM transfer t
            WHERE t.line_id = frozen.line_id AND t.code = 'sale' AND frozen.account_id IN (t.debit_id, t.credit_id)), 0)
        """,
    ),
    Part(
        "INV-M7",
        Over.ORDERS,
        """
        SELECT count(*) FROM {lines} AS l JOIN shop_order o ON o.id = l.order_id
        WHERE o.state IN ('paid', 'closed') AND l.total_minor <> coalesce((
            SELECT sum(s.amount_minor) FROM line_share s JOIN hold h ON h.id = s.hold_id
            WHERE s.line_id = l.id AND h.state = 'captured'), 0)
        """,
    ),
    Part(
        "INV-M7",
        Over.ORDERS,
        """
        SELECT count(*) FROM {lines} AS l JOIN shop_order o ON o.id = l.order_id
        JOIN transfer t ON t.line_id = l.id AND t.code = 'sale'
        WHERE o.state NOT IN ('paid', 'closed') OR NOT EXISTS (
            SELECT 1 FROM line_share s JOIN hold h ON h.id = s.hold_id
            WHERE s.line_id = l.id AND h.state = 'captured' AND s.account_id IN (t.debit_id, t.credit_id))
        """,
    ),
    # What went back of a payment or an event is at most what it brought.
    Part(
        "INV-M8",
        Over.PAYMENTS,
        """
        SELECT count(*) FROM {payments} AS payment WHERE refunded_minor > amount_minor
           OR (state NOT IN ('part_refunded', 'refunded') AND refunded_minor > 0)
        """,
    ),
    Part(
        "INV-M8",
        Over.EVENTS,
        """
        SELECT count(*) FROM (
            SELECT 1 FROM {events} AS e JOIN refund r ON r.event_id = e.id WHERE r.state <> 'failed'
            GROUP BY e.id, e.amount_minor HAVING sum(r.amount_minor) > e.amount_minor) AS more
        """,
    ),
    Part("INV-M8", Over.ORDERS, "SELECT count(*) FROM {orders} AS o WHERE refunded_minor > paid_minor"),
    guarded("INV-M8", constraints=("payment_refund_bound", "shop_order_refund_bound")),
    # Every event's money left (or came back to) its clearing account exactly once: for its order, or by its own id.
    Part(
        "INV-M13",
        Over.EVENTS,
        """
        SELECT count(*) FROM {events} AS e
        JOIN gateway_account g ON g.id = e.gateway_account_id
        LEFT JOIN account a ON a.kind = 'clearing' AND a.holder = 'gateway:' || g.id AND a.currency = e.currency
            AND a.counterparty = 'party:' || g.merchant_id
        WHERE CASE e.kind WHEN 'paid' THEN e.amount_minor ELSE -e.amount_minor END <> coalesce((
            SELECT sum(CASE WHEN t.debit_id = a.id THEN t.amount ELSE -t.amount END) FROM transfer t
            WHERE t.reference = CASE e.booked_to WHEN 'order' THEN e.order_id ELSE e.id END
              AND a.id IN (t.debit_id, t.credit_id) AND t.code <> 'reconciled'), 0)
        """,
    ),
)
"""What is asked for some rows at a time."""

PARTS = MONEY_SUMS + MONEY_ROWS + PAYOUTS
"""What is asked about payments; what concerns the books alone stands in `core.ledger.checks`."""

CHECKS: dict[str, str] = whole(PARTS)
"""The same over whole tables: what each invariant means."""
