"""The invariants of the books as questions to a live database: each query returns one number, the violations."""

from __future__ import annotations

_BALANCES = """
balances AS (
    SELECT id, sum(change)::bigint AS balance
    FROM (SELECT debit_id AS id, -amount AS change FROM transfer
          UNION ALL SELECT credit_id, amount FROM transfer) AS moved
    GROUP BY id
)
"""

CHECKS: dict[str, str] = {
    # Every transfer: two accounts, one currency, an amount above 0; every reversal mirrors its transfer whole.
    "INV-M1": """
        SELECT (SELECT count(*) FROM transfer
                LEFT JOIN account AS debit ON debit.id = debit_id LEFT JOIN account AS credit ON credit.id = credit_id
                WHERE debit_id = credit_id OR amount < 1
                   OR debit.currency IS DISTINCT FROM transfer.currency
                   OR credit.currency IS DISTINCT FROM transfer.currency)
             + (SELECT count(*) FROM reversal
                JOIN transfer AS first ON first.id = transfer_id JOIN transfer AS mirror ON mirror.id = by_transfer_id
                WHERE (first.debit_id, first.credit_id, first.amount, first.currency)
                      IS DISTINCT FROM (mirror.credit_id, mirror.debit_id, mirror.amount, mirror.currency))
    """,
    # A stored balance equals the balance from transfers.
    "INV-M3": f"""
        WITH {_BALANCES}
        SELECT count(*) FROM account LEFT JOIN balances USING (id)
        WHERE bounded AND account.balance <> coalesce(balances.balance, 0)
    """,  # noqa: S608 - constants of this module only
    # No bounded account is below its floor, neither as stored nor as its transfers say.
    "INV-M4": f"""
        WITH {_BALANCES}
        SELECT count(*) FROM account LEFT JOIN balances USING (id)
        WHERE bounded AND (account.balance < floor OR coalesce(balances.balance, 0) < floor)
    """,  # noqa: S608 - constants of this module only
    # Held money is settled once, and an account of held money has exactly its open holds.
    "INV-M5": f"""
        WITH {_BALANCES}
        SELECT (SELECT count(*) FROM money_hold
                WHERE (state = 'open' AND captured + released <> 0)
                   OR (state <> 'open' AND captured + released <> amount))
             + (SELECT count(*) FROM account LEFT JOIN balances USING (id)
                LEFT JOIN (SELECT held_in_id, sum(amount) AS held FROM money_hold
                           WHERE state = 'open' GROUP BY held_in_id) AS open ON held_in_id = account.id
                WHERE kind = 'wallet_hold' AND coalesce(balances.balance, 0) <> coalesce(held, 0))
    """,  # noqa: S608 - constants of this module only
}
"""What `verify` asks about the books alone; what joins them with payments stands in `core.payments.checks`."""
