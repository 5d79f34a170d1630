"""Protections of trade accounts between parties."""

from tests.mutations.mutation import Mutation

TABLES = "ops/migrations/0020_trade_accounts.sql"
HELD = "tests/flows/test_trade_accounts.py"
LIMITS = "tests/flows/test_trade_limits.py"

MUTATIONS = [
    Mutation(
        rows=("INV-M11", "103"),
        removed="the room that a hold is judged by under its lock, and the CHECK behind it",
        file="core/ledger/trade.py",
        old=" AND (w.change < 0 OR w.change <= l.room)",
        new="",
        test="tests/races/test_trade_races.py::test_fault_103_a_hop_that_runs_empty_sells_what_it_reaches_for_and_no_more",
        more=((TABLES, "CHECK (balance - aside >= floor)", "CHECK (balance >= floor)"),),
    ),
    Mutation(
        rows=("INV-M11",),
        removed="the CHECK that what is set aside counts against the limit",
        file=TABLES,
        old="CHECK (balance - aside >= floor)",
        new="CHECK (balance >= floor)",
        test=f"{LIMITS}::test_no_statement_breaks_a_trade_account",
    ),
    Mutation(
        rows=("INV-M12",),
        removed="the captured hops' transfers",
        file="core/orders/settle.py",
        old="    if is_traded:\n",
        new="    if False:\n",
        test=f"{HELD}::test_an_order_holds_its_cost_on_every_hop_and_payment_captures_it",
    ),
    Mutation(
        rows=("INV-M5",),
        removed="what ended orders give back on trade accounts",
        file="core/orders/ending.py",
        old="    trade.let_go(ended.traded)\n",
        new="",
        test=f"{HELD}::test_an_order_that_ends_unpaid_gives_back_what_it_held_on_every_hop",
    ),
    Mutation(
        rows=("INV-M12",),
        removed="the counts of what a payment captures, and a refund gives back, on trade accounts",
        file="core/orders/trading.py",
        old="    if any(off_by):\n",
        new="    if False:\n",
        test="tests/flows/test_settling.py",
    ),
    Mutation(
        rows=("INV-M11",),
        removed="that only shop may call the one way to a credit limit",
        file=TABLES,
        old="REVOKE ALL ON FUNCTION set_credit_limit FROM PUBLIC;\n",
        new="",
        test=f"{LIMITS}::test_a_limit_is_changed_by_no_role_without_its_account_its_bounds_and_its_audit_entry",
    ),
    Mutation(
        rows=("INV-M11",),
        removed="that a credit limit is set on a trade account of the two parties only",
        file=TABLES,
        old="AND a.kind = 'trade' AND a.holder = 'party:' || debtor AND a.counterparty = 'party:' || creditor",
        new="",
        test=f"{LIMITS}::test_a_limit_is_changed_by_no_role_without_its_account_its_bounds_and_its_audit_entry",
    ),
]
