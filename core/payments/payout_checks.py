"""INV-M10's second half as questions to a live database: a payout never exceeds what the gateway has settled.

They stand below the room of payouts, so that checkpoints count them with the other questions of money.
"""

from __future__ import annotations

from core.ledger.parts import Over, Part, guarded

PARTS = (
    # What is on its way to a party's bank is what its approved payouts say …
    Part(
        "INV-M10",
        Over.BOOKS,
        """
        SELECT count(*) FROM (
            SELECT holder, counterparty, currency, balances.balance FROM account
            JOIN {balances} AS balances USING (id) WHERE kind = 'in_transit') AS a
        FULL JOIN (
            SELECT 'party:' || party_id AS holder, 'party:' || debtor_id AS counterparty, currency, sum(amount) AS under
            FROM payout WHERE state IN ('approved', 'sent') GROUP BY 1, 2, 3) AS p
            USING (holder, counterparty, currency)
        WHERE coalesce(balance, 0) <> coalesce(under, 0)
        """,
    ),
    # … and what left for the outside is what banks confirmed.
    Part(
        "INV-M10",
        Over.BOOKS,
        """
        SELECT count(*) FROM (
            SELECT counterparty, currency, balances.balance FROM account
            JOIN {balances} AS balances USING (id) WHERE kind = 'world' AND holder = 'source:payout') AS a
        FULL JOIN (
            SELECT 'party:' || debtor_id AS counterparty, currency, sum(amount) AS paid
            FROM payout WHERE state = 'succeeded' GROUP BY 1, 2) AS p USING (counterparty, currency)
        WHERE coalesce(balance, 0) <> coalesce(paid, 0)
        """,
    ),
    # What a debtor made available, is sending and has paid is what its counters say; they are what was recorded …
    Part(
        "INV-M10",
        Over.BOOKS,
        """
        SELECT count(*) FROM settled_money
        FULL JOIN (
            SELECT debtor_id, currency, sum(amount) AS recorded, sum(amount) FILTER (WHERE NOT is_own) AS for_others
            FROM gateway_settlement WHERE taken_back_at IS NULL GROUP BY 1, 2) AS g USING (debtor_id, currency)
        FULL JOIN (
            SELECT debtor_id, currency, sum(amount) AS made, sum(amount) FILTER (WHERE holder <> counterparty) AS theirs
            FROM (SELECT substr(counterparty, 7)::bigint AS debtor_id, holder, counterparty, currency,
                         balances.balance AS amount
                  FROM account JOIN {balances} AS balances USING (id) WHERE kind IN ('available', 'in_transit')
                  UNION ALL
                  SELECT debtor_id, 'party:' || party_id, 'party:' || debtor_id, currency, amount
                  FROM payout WHERE state = 'succeeded') AS moved
            GROUP BY 1, 2) AS m USING (debtor_id, currency)
        WHERE (coalesce(settled, 0), coalesce(settled_for_others, 0), coalesce(released, 0),
               coalesce(released_to_others, 0))
              IS DISTINCT FROM (coalesce(recorded, 0), coalesce(for_others, 0), coalesce(made, 0), coalesce(theirs, 0))
        """,
    ),
    # … and payouts are never more than gateways settled: in all, and to others not on the debtor's own word.
    Part(
        "INV-M10",
        Over.BOOKS,
        """
        SELECT count(*) FROM (
            SELECT debtor_id, currency, sum(amount) AS paid,
                   coalesce(sum(amount) FILTER (WHERE kind = 'share'), 0) AS to_others
            FROM payout WHERE state IN ('approved', 'sent', 'succeeded') GROUP BY 1, 2) AS p
        LEFT JOIN (
            SELECT debtor_id, s.currency, sum(amount) AS settled,
                   sum(CASE WHEN owner.merchant_id = debtor_id THEN 0 ELSE amount END) AS for_others
            FROM gateway_settlement s JOIN gateway_account owner ON owner.id = s.gateway_account_id
            WHERE taken_back_at IS NULL GROUP BY 1, 2) AS g USING (debtor_id, currency)
        WHERE paid > coalesce(settled, 0) OR to_others > coalesce(for_others, 0)
        """,
    ),
    guarded(
        "INV-M10",
        constraints=("released_within_settled", "released_to_others_within_settled", "payout_own", "payout_steps"),
        triggers=("payout_begins", "payout_life", "payout_never_deleted", "gateway_settlement_never_deleted"),
    ),
)
"""What is asked of payouts; the first half is about what gateways said."""
