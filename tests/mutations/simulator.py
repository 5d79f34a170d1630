"""Protections whose loss the simulator finds by itself, in the first twenty-five days that it makes up."""

from tests.mutations.mutation import Mutation

FOUND_BY = "tests/simulator/test_simulator.py::test_inv_o7_whatever_happens_and_crashes_nothing_is_sold_twice_and_nothing_is_lost[0]"  # noqa: E501

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
]
