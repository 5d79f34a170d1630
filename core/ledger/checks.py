"""The invariants of the books as questions to a live database: each returns one number, the violations."""

from __future__ import annotations

from core.ledger.parts import Over, Part, guarded, whole

PARTS = (
    # Every transfer: two accounts, one currency, an amount above 0; every reversal mirrors its transfer whole.
    Part(
        "INV-M1",
        Over.TRANSFERS,
        """
        SELECT count(*) FROM {tail} AS transfer
        LEFT JOIN account AS debit ON debit.id = debit_id LEFT JOIN account AS credit ON credit.id = credit_id
        WHERE debit_id = credit_id OR amount < 1
           OR debit.currency IS DISTINCT FROM transfer.currency OR credit.currency IS DISTINCT FROM transfer.currency
        """,
    ),
    Part(
        "INV-M1",
        Over.TRANSFERS,
        """
        SELECT count(*) FROM {tail} AS mirror
        JOIN reversal ON by_transfer_id = mirror.id JOIN transfer AS first ON first.id = transfer_id
        WHERE (first.debit_id, first.credit_id, first.amount, first.currency)
              IS DISTINCT FROM (mirror.credit_id, mirror.debit_id, mirror.amount, mirror.currency)
        """,
    ),
    guarded(
        "INV-M1",
        constraints=(
            "transfer_amount",
            "transfer_two_accounts",
            "transfer_debit_currency",
            "transfer_credit_currency",
        ),
        triggers=("transfer_append_only", "reversal_append_only", "reversal_is_whole", "transfer_horizon"),
    ),
    # A stored balance equals the balance from transfers.
    Part(
        "INV-M3",
        Over.BOOKS,
        """
        SELECT count(*) FROM account LEFT JOIN {balances} AS balances USING (id)
        WHERE bounded AND account.balance <> coalesce(balances.balance, 0)
        """,
    ),
    # No bounded account is below its floor, neither as stored nor as its transfers say.
    Part(
        "INV-M4",
        Over.BOOKS,
        """
        SELECT count(*) FROM account LEFT JOIN {balances} AS balances USING (id)
        WHERE bounded AND (account.balance < floor OR coalesce(balances.balance, 0) < floor)
        """,
    ),
    guarded("INV-M4", constraints=("account_floor", "account_bounded_stores")),
    # Held money is settled once, and an account of held money has exactly its open holds.
    Part(
        "INV-M5",
        Over.ORDERS,
        """
        SELECT count(*) FROM {orders} AS o JOIN money_hold ON money_hold.order_id = o.id
        WHERE (money_hold.state = 'open' AND captured + released <> 0)
           OR (money_hold.state <> 'open' AND captured + released <> amount)
        """,
    ),
    Part(
        "INV-M5",
        Over.BOOKS,
        """
        SELECT count(*) FROM account LEFT JOIN {balances} AS balances USING (id)
        LEFT JOIN (SELECT held_in_id, sum(amount) AS held FROM money_hold
                   WHERE state = 'open' GROUP BY held_in_id) AS open ON held_in_id = account.id
        WHERE kind = 'wallet_hold' AND coalesce(balances.balance, 0) <> coalesce(held, 0)
        """,
    ),
    guarded("INV-M5", constraints=("money_hold_settled_once",), triggers=("money_hold_once",)),
)
"""What is asked of the books alone; what joins them with payments stands in `core.payments.checks`."""

CHECKS: dict[str, str] = whole(PARTS)
"""The same over whole tables: what each invariant means."""
