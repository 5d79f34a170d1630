"""Protections of what must not be handed over, and of two versions on one schema."""

from tests.mutations.mutation import Mutation

RECALL = "tests/flows/test_recall.py"
MIGRATE = "tests/flows/test_expand_contract.py"
LOCKS = "tests/races/test_lock_races.py"

MUTATIONS = [
    Mutation(
        rows=("65", "66"),
        removed="the look at unfit cards before a delivery is sent",
        file="core/fulfilment/service.py",
        old="if sending is None or (sending.is_unfit and not _mended(sending, now)):",
        new="if sending is None:",
        test=f"{RECALL}::test_fault_66_a_card_that_ended_between_payment_and_delivery_is_not_handed_over",
    ),
    Mutation(
        rows=("66",),
        removed="the day that a sold card is valid at least",
        file="ops/migrations/0003_catalog_stock.sql",
        old="minimum_life_days integer NOT NULL DEFAULT 1",
        new="minimum_life_days integer NOT NULL DEFAULT 0",
        test=f"{RECALL}::test_fault_66_a_card_that_ends_tonight_is_not_sold_a_second_before_midnight",
    ),
    Mutation(
        rows=("INV-M12",),
        removed="what a refunded line gives back along its chain",
        file="core/orders/lines.py",
        old="    trading.give_back(",
        new="    dict(",
        test=f"{RECALL}::test_a_refunded_line_gives_the_cost_back_on_every_hop_of_its_chain",
    ),
    Mutation(
        rows=("99",),
        removed="the end of a migration's wait for a table",
        file="ops/migrate.py",
        old='(f"{int(LOCK_WAIT * 1000)}ms",)',
        new='("0",)',
        test=f"{MIGRATE}::test_fault_99_the_older_code_sells_while_and_after_a_newer_schema_is_made",
    ),
    Mutation(
        rows=("110", "INV-S8"),
        removed="the share of a batch's lock that each hold takes, and its second look at the batch's state",
        file="core/stock/sql.py",
        old="       pg_advisory_xact_lock_shared({STOCK_LOCKS}, f.no)\nFROM (",
        new="       NULL\nFROM (",
        test=f"{LOCKS}::test_fault_110_nothing_is_sold_after_the_commit_of_a_lock_or_recall",
        more=(
            (
                "core/stock/sql.py",
                "JOIN batch s ON s.no = b.no AND s.state = 'selling'",
                "JOIN batch s ON s.no = b.no",
            ),
        ),
    ),
]
