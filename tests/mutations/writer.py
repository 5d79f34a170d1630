"""Protections against who has web's database password, and of what ended before a checkpoint."""

from tests.mutations.mutation import Mutation

EVIDENCE = "core/custody/openings/evidence.py"
TESTS = "tests/flows/test_evidence.py"
TOTALS = "tests/flows/test_totals.py"
OTHERS = f"{TESTS}::test_fault_106_somebody_elses_money_fills_no_wallet_whatever_payments_refunds_and_transfers_say"

MUTATIONS = [
    Mutation(
        rows=("106",),
        removed="the seal of chat sessions",
        file="core/custody/openings/readers.py",
        old="        if sessions.is_sealed(key, session, base64.b64decode(seal)):\n",
        new="        if seal:\n",
        test="tests/faults/test_writer.py::test_fault_106_with_webs_password_alone_no_way_leads_to_a_card",
    ),
    Mutation(
        rows=("106",),
        removed="the shopper in a top-up's number",
        file=EVIDENCE,
        old="any(is_bound(piece.payment, owner) for owner in wallet.owners)\n",
        new="True\n",
        test=OTHERS,
    ),
    Mutation(
        rows=("106",),
        removed="whose order it was whose money went into a wallet",
        file=EVIDENCE,
        old="    if sealed is None or sealed.identity not in _accounts_of(vault, bill.identity):\n",
        new="    if sealed is None:\n",
        test=OTHERS,
    ),
    Mutation(
        rows=("106",),
        removed="the use of a line's money by the line itself",
        file=EVIDENCE,
        old='        return {f"line:{self.line}": f"order:{self.order}"}\n',
        new="        return {}\n",
        test=TESTS,
    ),
    Mutation(
        rows=("INV-S2", "INV-O2"),
        removed="the comparison of what is there with the totals that a checkpoint sealed",
        file="core/fulfilment/totals.py",
        old="        elif sealed is not None and found != sealed:\n",
        new="        elif sealed is None and found != sealed:\n",
        test=TOTALS,
    ),
    Mutation(
        rows=("INV-S1", "INV-S3", "INV-S5", "INV-O3", "INV-M7", "INV-M8", "INV-M10", "INV-M13"),
        removed="the marks in the totals of a checkpoint",
        file="core/fulfilment/totals.py",
        old='        mark = f"bit_xor(hash_record_extended(ROW({self.said}), 0))"\n',
        new='        mark = "0::bigint"\n',
        test=f"{TOTALS}::test_what_is_changed_behind_a_checkpoint_is_told_by_the_totals_that_it_sealed",
    ),
    Mutation(
        rows=("INV-S2",),
        removed="the next checkpoint's look at what the last one had sealed",
        file="core/custody/chains/checkpoints.py",
        old="    for differing in compare(last).differing if last else ():\n",
        new="    for differing in ():\n",
        test=f"{TOTALS}::test_the_next_checkpoint_does_not_seal_what_was_changed_as_if_it_had_always_been_so",
    ),
    Mutation(
        rows=("INV-M12",),
        removed="the currency's smallest unit, by which cards cost nothing",
        file="core/orders/checks.py",
        old="<= power(10, 6 - m.exponent))\n",
        new="<= power(10, 4))\n",
        test="tests/flows/test_trade_accounts.py"
        "::test_cards_that_nobody_paid_for_are_told_unless_their_price_rounds_to_nothing_in_its_currency",
    ),
    Mutation(
        rows=("100",),
        removed="the cards that a restore set aside, when their order is paid",
        file="core/orders/sql.py",
        old="           + (SELECT count(*) FROM card WHERE state = 'quarantined' AND line_id = ANY (ARRAY(\n"
        "                  SELECT x.id FROM order_line x WHERE x.order_id = %(order)s AND x.gate = 'review'))),\n",
        new="           + 0,\n",
        test="tests/flows/backups/test_restore.py"
        "::test_fault_100_an_order_whose_cards_went_out_before_takes_its_money_and_waits_for_a_person",
    ),
]
