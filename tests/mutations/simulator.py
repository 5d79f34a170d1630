"""Protections whose loss the simulator finds by itself, in the first twenty-five days that it makes up."""

from tests.mutations.mutation import Mutation

FOUND_BY = "tests/simulator/test_simulator.py::test_inv_o7_whatever_happens_and_crashes_nothing_is_sold_twice_and_nothing_is_lost[0]"  # noqa: E501
ROGUE = "tests/simulator/test_simulator.py::test_fault_107_a_merchant_who_signs_that_it_was_paid_gets_what_its_limit_and_the_budget_allow"  # noqa: E501
RARE = "tests/simulator/test_simulator.py::test_what_is_rare_happens_close_together_and_nothing_is_lost"

MUTATIONS = [
    Mutation(
        rows=("INV-O6", "INV-M13", "21"),
        removed="that a notice which was booked before changes nothing",
        file="core/payments/notices.py",
        old="        if desk.booked:\n            return Booked.BEFORE\n",
        new="",
        test=FOUND_BY,
        more=(
            (
                "core/payments/notices.py",
                "    if not record.is_new:\n        return Booked.BEFORE\n    if not record.captured:  # a second",
                "    if not record.captured:  # a second",
            ),
        ),
    ),
    Mutation(
        rows=("INV-S5", "INV-M5"),
        removed="that the cards of an order which ends go back",
        file="core/orders/sql.py",
        old="nextval('card_pos')\n"
        "    WHERE line_id = ANY (ARRAY(SELECT line_id FROM h)) AND state = 'held' RETURNING 1",
        new="nextval('card_pos')\n    WHERE false RETURNING 1",
        test=FOUND_BY,
    ),
    Mutation(
        rows=("INV-M2", "4", "32"),
        removed="that a refund is sent under one id for ever",
        file="core/payments/refunds.py",
        old="].refund(refund_id, payment_id",
        new="].refund(new_id(), payment_id",
        test=FOUND_BY,
    ),
    Mutation(
        rows=("INV-M13", "27"),
        removed="the comparison of the amount that came with the one asked for",
        file="core/payments/rules.py",
        old="    if amount.minor != awaited.amount.minor:",
        new="    if False:",
        test=FOUND_BY,
    ),
    Mutation(
        rows=("INV-O7", "INV-O9", "1"),
        removed="the sweep that finds deliveries which were lost with their worker",
        file="core/orders/lost.py",
        old="return enqueue_missing(Work.DELIVER, [row[0] for row in rows])",
        new="return 0",
        test=FOUND_BY,
    ),
    Mutation(
        rows=("107",),
        removed="the vault's budget of a merchant's openings in an hour",
        file="core/custody/openings/opening.py",
        old="            if fresh and not budget:\n",
        new="            if False:\n",
        test=ROGUE,
        more=(
            (
                "core/custody/sql.py",
                "WHERE b.opened + excluded.opened <= %(limit)s\n    RETURNING 1\n), pool AS",
                "\n    RETURNING 1\n), pool AS",
            ),
        ),
    ),
    Mutation(
        rows=("107", "INV-M11", "INV-M12"),
        removed="what a merchant may owe its supplier, as sales look at it and as the tables hold it",
        file="core/ledger/trade.py",
        old=" AND (w.change < 0 OR w.change <= l.room)",
        new="",
        test=ROGUE,
        more=(
            (
                "core/stock/sql.py",
                "coalesce(a.balance - a.aside - a.floor, 0)) ORDER BY u.n)",
                "1000000) ORDER BY u.n)",
            ),
            ("ops/migrations/0020_trade_accounts.sql", "CHECK (balance - aside >= floor)", "CHECK (true)"),
        ),
    ),
    Mutation(
        rows=("INV-O6",),
        removed="that the payments of a shopper who becomes part of another go along",
        file="core/payments/merging.py",
        old="    execute(MOVE_PAYMENTS, which)\n",
        new="",
        test=RARE,
    ),
    Mutation(
        rows=("INV-K6",),
        removed="that a task's secret fields are shown once to who holds it",
        file="core/custody/openings/fields.py",
        old=" or is_opened or",
        new=" or",
        test=RARE,
        more=(
            (
                "core/custody/openings/fields.py",
                "AND staff_id = %(staff)s AND opened_at IS NULL\n",
                "AND staff_id = %(staff)s\n",
            ),
        ),
    ),
    Mutation(
        rows=("INV-K3",),
        removed="that cards are encrypted anew for the batch that they are of",
        file="core/custody/keychain/rekeying.py",
        old="        return seal_card(pair.after, os.urandom(NONCE_BYTES), fields, context)",
        new="        return seal_card(pair.before, os.urandom(NONCE_BYTES), fields, context)",
        test=RARE,
    ),
    Mutation(
        rows=("18",),
        removed="that a binding ends when it began at the earliest, where a clock was set back",
        file="core/vault/bindings.py",
        old="ended_at=max(at, self.bound_at)",
        new="ended_at=at",
        test="tests/flows/test_unbinding.py::test_it_is_let_go_also_where_a_clock_was_set_back_in_between",
    ),
    Mutation(
        rows=("INV-M8", "65"),
        removed="that a second payment's refund is none of the line's",
        file="core/payments/lines.py",
        old="r.event_id IS NOT DISTINCT FROM e.id",
        new="true",
        test="tests/flows/test_recall_doubles.py",
    ),
    Mutation(
        rows=("INV-K3", "18"),
        removed="that a rekeying begins later than every key there is",
        file="core/custody/keychain/rekeying.py",
        old="greatest(%s::timestamptz, max(dek_made_at) + interval '1 microsecond') FROM batch_key",
        new="%s::timestamptz",
        test="tests/flows/test_key_versions.py::test_a_rekeying_leaves_no_batch_out_where_the_clock_was_set_back_since_its_key_was_made",
    ),
]
