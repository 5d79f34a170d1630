"""Protections of payouts."""

from tests.mutations.mutation import Mutation

TABLES = "ops/migrations/0027_payouts.sql"
CLAIMS = "core/settlement/claims.py"
RULES = "core/settlement/rules.py"
CHECKS = "core/payments/payout_checks.py"
DUE = "tests/flows/payouts/test_claims.py"
LIFE = "tests/flows/payouts/test_payout_life.py"
PEOPLE = "tests/flows/payouts/test_payout_people.py"
PAYABLE = "tests/flows/payouts/test_payable.py"
RIGHTS = "tests/flows/payouts/test_payout_rights.py"
RAW = "tests/flows/payouts/test_payout_constraints.py"
RACES = "tests/races/test_payout_races.py"
NO_STATEMENT = f"{RAW}::test_inv_m10_no_statement_breaks_a_payout"
TORN = f"{RAW}::test_inv_m10_verify_says_what_was_torn_beside_every_trigger"

MUTATIONS = [
    Mutation(
        rows=("106",),
        removed="that no process writes payouts",
        file=TABLES,
        old="GRANT INSERT ON settled_money TO keystall_worker;",
        new="GRANT INSERT ON settled_money TO keystall_worker; GRANT UPDATE ON payout TO keystall_shop;",
        test=f"{RIGHTS}::test_fault_106_no_process_lets_money_go_or_says_where_it_goes",
    ),
    Mutation(
        rows=("63", "INV-M10"),
        removed="the count of what left, against what was released",
        file=TABLES,
        old="IF NEW.state = 'approved' THEN PERFORM require_released(NEW); END IF;",
        new="",
        test=f"{PAYABLE}::test_inv_m10_a_balance_that_somebody_wrote_is_paid_to_nobody",
    ),
    Mutation(
        rows=("63", "INV-M10"),
        removed="the lock of what was released, where nothing but the count keeps two approvals apart",
        file=TABLES,
        old="AND currency = one.currency\n    FOR NO KEY UPDATE;",
        new="AND currency = one.currency;",
        test=f"{RACES}::test_fault_63_the_count_of_what_left_alone_keeps_two_approvals_from_taking_too_much",
    ),
    Mutation(
        rows=("63",),
        removed="that the exception for one person is for that one",
        file=RULES,
        old="approver != only_person:",
        new="approver and only_person is None:",
        test=f"{PEOPLE}::test_the_exception_is_for_the_one_person_and_not_for_the_platforms_owner",
    ),
    Mutation(
        rows=("63",),
        removed="that a restored database pays nobody before its release",
        file="core/settlement/payable.py",
        old="    if execute(IS_RESTORED):\n",
        new="    if False:\n",
        test=f"{PAYABLE}::test_a_restored_database_pays_nobody_until_it_is_released",
    ),
    Mutation(
        rows=("63",),
        removed="that a party that is suspended after the approval gets no order",
        file="core/settlement/steps.py",
        old="        require_payable(payout.claim.party_id)\n",
        new="",
        test=f"{PAYABLE}::test_a_party_that_is_suspended_after_the_approval_gets_no_order_and_its_money_may_come_back",
    ),
    Mutation(
        rows=("63", "INV-M10"),
        removed="the lock on the debtor's settled money",
        file=CLAIMS,
        old="WHERE debtor_id = %s AND currency = %s FOR NO KEY UPDATE\n",
        new="WHERE debtor_id = %s AND currency = %s\n",
        test=f"{RACES}::test_fault_63_a_request_waits_for_one_that_is_being_written",
    ),
    Mutation(
        rows=("63", "INV-M4"),
        removed="the floor of what is available, in the statement and in the CHECK",
        file="core/ledger/sql.py",
        old=" AND balance + change - aside >= floor",
        new="",
        test=f"{RACES}::test_fault_63_the_floor_alone_keeps_two_approvals_from_taking_too_much",
        more=(("ops/migrations/0020_trade_accounts.sql", "CHECK (balance - aside >= floor)", "CHECK (true)"),),
    ),
    Mutation(
        rows=("63",),
        removed="that who asked for a payout does not approve it",
        file=RULES,
        old="    if maker == approver != only_person:\n",
        new="    if False:\n",
        test=f"{PEOPLE}::test_who_asked_does_not_approve",
    ),
    Mutation(
        rows=("63",),
        removed="the seven days after a change of the bank details",
        file=RULES,
        old="    return SplitOf.CHANGED_BANK if lately & {maker, approver} else None\n",
        new="    return None\n",
        test=f"{PEOPLE}::test_who_changed_the_bank_details_within_seven_days_neither_asks_nor_approves",
    ),
    Mutation(
        rows=("63",),
        removed="the day that a party of one person waits after a change",
        file=RULES,
        old="at > now - ONE_PERSON_DELAY for",
        new="False for",
        test=f"{PEOPLE}::test_a_party_of_one_person_waits_a_day_after_a_change",
    ),
    Mutation(
        rows=("63",),
        removed="what was asked for already, in what a request may ask for",
        file="core/settlement/payouts.py",
        old="waiting=int(waiting[0][0]))",
        new="waiting=0)",
        test=f"{LIFE}::test_what_is_asked_for_counts_against_what_is_available",
    ),
    Mutation(
        rows=("INV-M10",),
        removed="the room that gateways have settled, in the rule and in the CHECK",
        file=RULES,
        old="max(min(old, room), 0)",
        new="max(old, 0)",
        test=f"{DUE}::test_inv_m10_nothing_becomes_payable_beyond_what_the_gateway_has_settled",
        more=((TABLES, "CHECK (released <= settled)", "CHECK (true)"),),
    ),
    Mutation(
        rows=("INV-M10",),
        removed="the CHECK that no more is released than was settled",
        file=TABLES,
        old="CHECK (released <= settled)",
        new="CHECK (true)",
        test=NO_STATEMENT,
    ),
    Mutation(
        rows=("INV-M10",),
        removed="that a debtor's own word is no basis for paying others, in the rule and in the CHECK",
        file=CLAIMS,
        old="room=room if claim.kind is PayoutKind.OWN else min(room, for_others),",
        new="room=room,",
        test=f"{DUE}::test_a_debtors_own_word_is_no_basis_for_paying_others",
        more=((TABLES, "CHECK (released_to_others <= settled_for_others)", "CHECK (true)"),),
    ),
    Mutation(
        rows=("INV-M4",),
        removed="that nothing is paid out while something is owed",
        file="core/settlement/payouts.py",
        old="    if state.owed < 0:\n",
        new="    if False:\n",
        test=f"{DUE}::test_a_refund_of_a_sale_that_was_released_takes_pending_first_then_available_then_is_owed",
    ),
    Mutation(
        rows=("INV-O1", "63"),
        removed="the trigger that a payout goes its way once",
        file=TABLES,
        old="CREATE TRIGGER payout_life BEFORE UPDATE ON payout FOR EACH ROW",
        new="CREATE TRIGGER payout_life BEFORE UPDATE ON payout FOR EACH ROW WHEN (false)",
        test=NO_STATEMENT,
    ),
    Mutation(
        rows=("63",),
        removed="one payout of a kind for a party and day",
        file=TABLES,
        old="CREATE UNIQUE INDEX payout_once",
        new="CREATE INDEX payout_once",
        test=f"{LIFE}::test_a_party_has_one_payout_of_a_kind_for_a_day",
    ),
    Mutation(
        rows=("INV-M10",),
        removed="that a demo's database takes no payout",
        file=TABLES,
        old="IF EXISTS (SELECT 1 FROM installation WHERE kind = 'demo') THEN",
        new="IF false THEN",
        test=f"{RAW}::test_a_demo_takes_no_payout_by_any_statement",
    ),
    Mutation(
        rows=("INV-M10",),
        removed="the question whether money in transit is what approved payouts say",
        file=CHECKS,
        old="WHERE coalesce(balance, 0) <> coalesce(under, 0)",
        new="WHERE false",
        test=TORN,
        more=((CHECKS, "WHERE (coalesce(settled, 0),", "WHERE false AND (coalesce(settled, 0),"),),
    ),
    Mutation(
        rows=("INV-M10",),
        removed="the question whether others were paid on the debtor's own word",
        file=CHECKS,
        old=" OR to_others > coalesce(for_others, 0)",
        new="",
        test=f"{RAW}::test_inv_m10_verify_says_that_others_were_paid_on_the_debtors_own_word",
    ),
    Mutation(
        rows=("INV-K2",),
        removed="what sealed bank details are bound to: their row, party and person",
        file="core/settlement/banks.py",
        old="    return framed(PURPOSE, bank_id, party_id, person)\n",
        new="    return framed(PURPOSE)\n",
        test=f"{PEOPLE}::test_inv_k1_bank_details_lie_sealed_and_are_shown_masked",
    ),
]
