"""The invariants of trade accounts as questions to a live database: each returns one number, the violations."""

from __future__ import annotations

from core.ledger.parts import Over, Part, guarded

PARTS = (
    # What unpaid orders set aside on a trade account is what their open holds say, and a hold ends with its cards'.
    Part(
        "INV-M5",
        Over.BOOKS,
        """
        SELECT count(*) FROM account a
        LEFT JOIN (SELECT account_id, sum(amount) AS open FROM trade_hold WHERE state = 'open' GROUP BY 1) AS t
               ON t.account_id = a.id
        WHERE a.kind = 'trade' AND a.aside <> coalesce(t.open, 0)
        """,
    ),
    Part(
        "INV-M5",
        Over.ORDERS,
        """
        SELECT count(*) FROM {lines} AS l JOIN hold h ON h.line_id = l.id JOIN trade_hold t ON t.hold_id = h.id
        WHERE t.state <> h.state OR (t.state = 'open' AND t.captured + t.released <> 0)
           OR (t.state <> 'open' AND t.captured + t.released <> t.amount)
        """,
    ),
    guarded("INV-M5", constraints=("trade_hold_settled_once", "account_aside"), triggers=("trade_hold_once",)),
    # No trade account is below minus its limit, what is set aside counted in, as stored and as its transfers say.
    Part(
        "INV-M11",
        Over.BOOKS,
        """
        SELECT count(*) FROM account LEFT JOIN {balances} AS balances USING (id)
        WHERE kind = 'trade' AND (account.balance - aside < floor OR coalesce(balances.balance, 0) - aside < floor)
        """,
    ),
    guarded("INV-M11", constraints=("account_floor", "account_credit")),
    # Of a captured line every party along the chain has sold what it bought and its own share: no goods of another
    # party went out whose cost was not captured, hop by hop …
    Part(
        "INV-M12",
        Over.ORDERS,
        """
        SELECT count(*) FROM {lines} AS l JOIN hold h ON h.line_id = l.id AND h.state = 'captured'
        CROSS JOIN LATERAL (
            SELECT party FROM (
                SELECT s.party_id AS party, s.amount_minor AS amount FROM line_share s
                WHERE s.hold_id = h.id AND s.role = 'upstream'
                UNION ALL
                SELECT f.seller_id, -t.captured FROM trade_hold t JOIN offer f ON f.id = t.offer_id
                WHERE t.hold_id = h.id
                UNION ALL
                SELECT f.buyer_id, t.captured FROM trade_hold t JOIN offer f ON f.id = t.offer_id
                WHERE t.hold_id = h.id AND f.buyer_id <> l.merchant_id) AS moved
            GROUP BY party HAVING sum(amount) <> 0) AS torn
        """,
    ),
    # … which its transfers say too, and what went back of it …
    Part(
        "INV-M12",
        Over.ORDERS,
        """
        SELECT count(*) FROM {lines} AS l
        CROSS JOIN LATERAL (SELECT account_id, sum(captured) AS used, sum(returned) AS back
                            FROM trade_hold WHERE line_id = l.id GROUP BY account_id) AS t
        WHERE t.used <> coalesce((SELECT sum(x.amount) FROM transfer x
                                  WHERE x.line_id = l.id AND x.code = 'traded' AND x.debit_id = t.account_id), 0)
           OR t.back <> coalesce((SELECT sum(x.amount) FROM transfer x
                                  WHERE x.line_id = l.id AND x.code = 'trade_returned'
                                    AND x.credit_id = t.account_id), 0)
        """,
    ),
    # … and whoever's card it is has been paid so, unless what it asks for its cards of the line rounds to nothing: at
    # most half of the currency's smallest unit (give or take an hour of clocks, as for INV-T2).
    Part(
        "INV-M12",
        Over.ORDERS,
        """
        SELECT count(*) FROM {lines} AS l JOIN card c ON c.line_id = l.id AND c.owner_id <> l.merchant_id
        JOIN shop_order o ON o.id = l.order_id JOIN currency m ON m.code = o.currency
        WHERE c.state IN ('claimed', 'delivered')
          AND NOT EXISTS (SELECT 1 FROM trade_hold t JOIN offer f ON f.id = t.offer_id
                          WHERE t.line_id = l.id AND t.state = 'captured' AND f.seller_id = c.owner_id)
          AND NOT EXISTS (SELECT 1 FROM offer f JOIN hold h ON h.line_id = l.id AND h.state = 'captured'
                          WHERE f.seller_id = c.owner_id AND f.sku_id = c.sku_id
                            AND f.valid_from <= h.created_at + interval '65 minutes'
                            AND (f.valid_to IS NULL OR f.valid_to > h.created_at - interval '65 minutes')
                            AND 2 * f.price_micro * (
                                SELECT count(*) FROM card x WHERE x.line_id = l.id AND x.owner_id = c.owner_id
                                AND x.state IN ('claimed', 'delivered')) <= power(10, 6 - m.exponent))
        """,
    ),
)
"""What is asked of accounts between parties; the statements of `core.ledger.checks` count them in as well."""
