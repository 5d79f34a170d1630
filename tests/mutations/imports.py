"""Protections of imports and contested cards."""

from tests.mutations.mutation import Mutation

SQL = "core/custody/imports/import_sql.py"
PREPARING = "core/custody/imports/preparing.py"
ORACLE = "tests/flows/imports/test_oracle.py"
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
        rows=("67",),
        removed="that an import without a copy says the same statements as one with",
        file="core/custody/imports/importing.py",
        old="            self._say_contested(job, int(finished[0][0]))",
        new="            if finished[0][0]:\n                self._say_contested(job, int(finished[0][0]))",
        test=f"{ORACLE}::test_an_import_tells_right_guesses_of_anothers_cards_from_wrong_ones_in_nothing",
    ),
    Mutation(
        rows=("67",),
        removed="that what can be guessed is bound to its SKU and supplier",
        file="core/custody/imports/fingerprint.py",
        old="    if rule.is_guessable or is_guessable(text):",
        new="    if False:",
        test=f"{ORACLE}::test_what_can_be_guessed_is_bound_to_its_sku_and_its_supplier",
    ),
    Mutation(
        rows=("67",),
        removed="what a SKU says of its secrets' bits",
        file="core/custody/imports/fingerprint.py",
        old="    if rule.is_guessable or is_guessable(text):",
        new="    if is_guessable(text):",
        test=f"{ORACLE}::test_a_sku_may_say_that_its_long_secrets_have_few_bits_and_that_stays",
    ),
    Mutation(
        rows=("67",),
        removed="that a SKU's bits stay",
        file="ops/migrations/0026_vetting.sql",
        old="    IF EXISTS (SELECT 1 FROM batch WHERE sku_id = OLD.id) THEN",
        new="    IF false THEN",
        test=f"{ORACLE}::test_a_sku_may_say_that_its_long_secrets_have_few_bits_and_that_stays",
    ),
    Mutation(
        rows=("67",),
        removed="the look at what a quota leaves",
        file="core/custody/imports/importing.py",
        old="    if quota and len(first) > min(bounds):",
        new="    if False:",
        test=f"{ORACLE}::test_a_supplier_who_is_not_vetted_brings_no_more_rows_a_day_than_the_quota",
    ),
    Mutation(
        rows=("67",),
        removed="that the quota is taken in the commit of the rows",
        file="core/custody/imports/vetting.py",
        old="WHERE q.rows + excluded.rows <= %(most)s\n",
        new="\n",
        test=f"{ORACLE}::test_two_files_at_once_do_not_share_what_is_left",
    ),
    Mutation(
        rows=("67",),
        removed="that dry runs count",
        file="core/custody/imports/importing.py",
        old="    if quota:\n        quota.take(chunk.rows)\n    return int(",
        new="    return int(",
        test=f"{ORACLE}::test_dry_runs_and_rows_that_are_refused_or_there_already_count_as_well",
    ),
    Mutation(
        rows=("67",),
        removed="the places of guessable cards, when one is typed in",
        file="core/custody/imports/fingerprint.py",
        old="[*((nowhere, rule) for rule in rules), *places]",
        new="[(nowhere, rule) for rule in rules]",
        test=f"{ORACLE}::test_a_card_that_can_be_guessed_is_found_when_its_buyer_types_it_in",
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
        file="core/workbooks/archive.py",
        old="            or _overlap(entries, size)\n",
        new="",
        test="tests/unit/test_decode_limits.py",
    ),
]
