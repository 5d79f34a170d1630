"""Protections of cards, holds and batches."""

from tests.mutations.mutation import Mutation

SCHEMA = "ops/migrations/0003_catalog_stock.sql"

MUTATIONS = [
    Mutation(
        rows=("INV-S1",),
        removed="the CHECK that a free card has neither line nor time",
        file=SCHEMA,
        old="WHEN 'free' THEN line_id IS NULL AND delivered_at IS NULL AND opened_at IS NULL",
        new="WHEN 'free' THEN true",
        test="tests/flows/test_stock_constraints.py",
    ),
    Mutation(
        rows=("INV-S2",),
        removed="the trigger's rule that a card passes through free between two lines",
        file=SCHEMA,
        old="IF OLD.line_id IS NOT NULL AND NEW.line_id IS NOT NULL AND NEW.line_id <> OLD.line_id THEN",
        new="IF false THEN",
        test="tests/flows/test_stock_constraints.py",
    ),
    Mutation(
        rows=("INV-S2", "58"),
        removed="row locks, the state in the UPDATE, and the trigger, when a card is held",
        file="core/stock/sql.py",
        old="ORDER BY card.pos LIMIT %(quantity)s FOR UPDATE {wait}",
        new="ORDER BY card.pos LIMIT %(quantity)s",
        test="tests/races/test_last_card.py",
        more=(
            (
                "core/stock/sql.py",
                "FROM picked WHERE card.id = picked.id AND card.state = 'free'",
                "FROM picked WHERE card.id = picked.id",
            ),
            (
                SCHEMA,
                "CREATE TRIGGER card_sold_once BEFORE UPDATE ON card FOR EACH ROW EXECUTE FUNCTION card_sold_once();",
                "",
            ),
        ),
    ),
    Mutation(
        rows=("INV-S4",),
        removed="the second try with a waiting lock",
        file="core/stock/service.py",
        old="    for batch in batches:\n        if most := rooms.cards(batch.hops, quantity - counts.total()):\n",
        new="    for batch in batches:\n        if most := 0:\n",
        test="tests/races/test_hold_races.py",
    ),
    Mutation(
        rows=("INV-S6",),
        removed="all four rules that keep a delivered card from being free again",
        file=SCHEMA,
        old="IF OLD.state = 'delivered' AND (NEW.state NOT IN",
        new="IF false AND (NEW.state NOT IN",
        test="tests/flows/test_stock_constraints.py::test_inv_s6_a_delivered_card_is_never_anything_else_but_void",
        more=(
            (SCHEMA, "IF OLD.opened_at IS NOT NULL AND (", "IF false AND ("),
            (
                SCHEMA,
                "WHEN 'free' THEN line_id IS NULL AND delivered_at IS NULL AND opened_at IS NULL",
                "WHEN 'free' THEN true",
            ),
            (SCHEMA, "('free', 'withdrawn'), ('delivered', 'void')", "('free', 'withdrawn'), ('delivered', 'free')"),
        ),
    ),
    Mutation(
        rows=("INV-S8",),
        removed="the lock that a batch is taken off sale under",
        file="core/stock/moving.py",
        old="    execute(sql.LOCK_BATCH, (no,))\n",
        new="",
        test="tests/races/test_hold_races.py",
    ),
]
