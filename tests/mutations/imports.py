"""Protections of imports and contested cards."""

from tests.mutations.mutation import Mutation

SQL = "core/custody/imports/import_sql.py"
PREPARING = "core/custody/imports/preparing.py"
OVERLAP = "tests/flows/imports/test_overlap.py"
CANCELLING = "tests/flows/imports/test_cancelling.py"
CONTESTED = "tests/flows/imports/test_contested.py"

MUTATIONS = [
    Mutation(
        rows=("109",),
        removed="the order of fingerprints in which cards are added",
        file=PREPARING,
        old="in sorted(range(len(prints)), key=prints.__getitem__):",
        new="in range(len(prints)):",
        test="tests/faults/test_imports.py::test_fault_109_imports_that_overlap_wait_for_each_other_and_never_deadlock",
    ),
    Mutation(
        rows=("109",),
        removed="the second try of a chunk that lost a card to another import",
        file="core/custody/imports/importing.py",
        old="                if db.constraint(error) not in _TAKEN:\n",
        new="                if True:\n",
        test="tests/faults/test_imports.py::"
        "test_fault_109_a_card_that_another_import_brings_at_that_moment_is_counted_as_if_it_had_been_there",
    ),
    Mutation(
        rows=("INV-S7", "67"),
        removed="that only the uploader's own cards make a duplicate",
        file=SQL,
        old="(SELECT true FROM card_seal k WHERE k.uploader_id = %(uploader)s AND k.issuer_id",
        new="(SELECT true FROM card_seal k WHERE k.issuer_id",
        test=CONTESTED,
    ),
    Mutation(
        rows=("INV-S3", "5"),
        removed="that a chunk moves the job only from the row where it stood",
        file=SQL,
        old="WHERE id = %(job)s AND rows_done = %(before)s AND state = 'running' RETURNING",
        new="WHERE id = %(job)s RETURNING",
        test=CANCELLING,
    ),
    Mutation(
        rows=("5",),
        removed="that a batch is not on sale while it is imported",
        file=SQL,
        old="%(terms)s, %(unit_cost)s, 'importing', %(upload)s",
        new="%(terms)s, %(unit_cost)s, 'selling', %(upload)s",
        test=f"{OVERLAP}::test_fault_5_nothing_of_an_import_is_sold_before_its_last_row",
    ),
    Mutation(
        rows=("INV-S6",),
        removed="the trigger's rule that only cards of a cancelled import go",
        file="ops/migrations/0021_imports.sql",
        old="WHERE b.no = OLD.batch_no AND b.state = 'importing' AND j.state = 'cancelling') THEN",
        new="WHERE b.no = OLD.batch_no) THEN",
        test=f"{CANCELLING}::test_a_card_is_never_deleted_but_with_an_import_that_is_taken_back",
    ),
    Mutation(
        rows=("INV-S2",),
        removed="the lock of the batch, and of the cards, that a decision takes from",
        file="core/custody/imports/contesting.py",
        old="        execute(LOCK_BATCH, (other_batch,))",
        new="        pass",
        test=f"{CONTESTED}::test_inv_s2_a_card_is_not_sold_and_given_away_at_once",
        more=(
            (
                "core/custody/imports/contesting.py",
                "FROM card WHERE id = ANY (%s::uuid[]) ORDER BY id FOR UPDATE",
                "FROM card WHERE id = ANY (%s::uuid[]) ORDER BY id",
            ),
        ),
    ),
    Mutation(
        rows=("110",),
        removed="the new place of a card that is given to the later party",
        file="core/custody/imports/contesting.py",
        old="contested = false, pos = nextval('card_pos')",
        new="contested = false",
        test=CONTESTED,
    ),
    Mutation(
        rows=("78",),
        removed="the look for entries that share their bytes",
        file="core/custody/imports/decoder/archive.py",
        old="            or _overlap(entries, size)\n",
        new="",
        test="tests/unit/test_decode_limits.py",
    ),
]
