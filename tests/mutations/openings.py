"""Protections of openings against who writes rows with web's login, and against refunds at the same moment."""

from tests.mutations.mutation import Mutation

SQL = "core/custody/sql.py"
BUDGETS = "tests/flows/test_opening_budgets.py"
EVIDENCE = "tests/flows/test_evidence.py"
RACES = "tests/races/test_opening_races.py"

MUTATIONS = [
    Mutation(
        rows=("106",),
        removed="the pool's budget over all merchants",
        file=SQL,
        old="WHERE p.opened + excluded.opened <= (SELECT most FROM pool WHERE owner = excluded.owner_id)",
        new="WHERE true",
        test=f"{BUDGETS}::test_fault_106_merchants_that_somebody_wrote_bring_no_budget_of_their_own",
    ),
    Mutation(
        rows=("106",),
        removed="the budget of what nobody paid for",
        file=SQL,
        old="AND (excluded.free = 0 OR p.free + excluded.free <= %(free_limit)s)",
        new="AND true",
        test=f"{BUDGETS}::test_fault_106_what_nobody_paid_for_has_a_small_budget_of_its_own_over_all_merchants",
    ),
    Mutation(
        rows=("106",),
        removed="what the vault itself wrote of a wallet's uses",
        file=SQL,
        old="SELECT (SELECT coalesce(sum(w.amount), 0) FROM wallet_use w",
        new="SELECT (SELECT 0 * coalesce(sum(w.amount), 0) FROM wallet_use w",
        test=f"{EVIDENCE}::test_fault_106_a_wallets_money_that_paid_an_opened_order_pays_no_second_whatever_its_holds_say",
        more=((SQL, "SELECT coalesce(sum(x.amount), 0) FROM wallet_use x", "SELECT 0 FROM wallet_use x"),),
    ),
    Mutation(
        rows=("INV-M5",),
        removed="the trigger that keeps a settled hold settled",
        file="ops/migrations/0002_parties_ledger.sql",
        old="    IF OLD.state <> 'open' THEN\n        RAISE EXCEPTION 'a hold is settled once'",
        new="    IF false THEN\n        RAISE EXCEPTION 'a hold is settled once'",
        test=f"{EVIDENCE}::test_fault_106_a_wallets_money_that_paid_an_opened_order_pays_no_second_whatever_its_holds_say",
    ),
    Mutation(
        rows=("INV-M6",),
        removed="the vault's look at the delivery under its lock",
        file=SQL,
        old="\n      AND EXISTS (SELECT 1 FROM due)",
        new="",
        test=f"{RACES}::test_a_line_that_is_held_for_a_person_while_the_vault_checks_it_is_not_opened",
    ),
    Mutation(
        rows=("INV-M6",),
        removed="the delivery's lock before a line is refunded",
        file="core/orders/lines.py",
        old="    execute(TURN, which)\n",
        new="",
        test=f"{RACES}::test_a_line_that_the_vault_opens_meanwhile_is_not_refunded",
    ),
]
