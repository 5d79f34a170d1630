"""Protections around filters that people keep, taken away one at a time."""

from tests.mutations.mutation import Mutation

DOOR = "tests/doors/panel/test_kept_filters.py"
KEPT = "core/parties/kept_filters.py"

MUTATIONS = [
    Mutation(
        rows=("INV-T1",),
        removed="that the database shows a kept filter to its person alone",
        file="ops/migrations/0043_kept_filters.sql",
        old="USING (staff_id = panel_person() AND party_id = panel_party());",
        new="USING (panel_sees_all() OR party_id = panel_party());",
        test=f"{DOOR}::test_the_database_shows_a_kept_filter_to_its_person_at_its_party_alone",
    ),
    Mutation(
        rows=("INV-T1",),
        removed="that nobody forgets somebody else's filter",
        file=KEPT,
        old='"DELETE FROM kept_filter WHERE id = %s AND staff_id = %s AND party_id = %s RETURNING listed"',
        new='"DELETE FROM kept_filter WHERE id = %s OR (staff_id = %s AND party_id = %s) RETURNING listed"',
        test=f"{DOOR}::test_what_is_kept_is_for_nobody_else_and_for_no_other_party",
    ),
    Mutation(
        rows=("INV-D2",),
        removed="that a list of another role keeps no filter and stands on no page",
        file="admin/kept.py",
        old="if opens(LISTS[one.listed][0], signed_in())]",
        new="if one.listed in LISTS]",
        test=f"{DOOR}::test_a_list_that_does_not_open_keeps_nothing_and_stands_on_no_page",
    ),
    Mutation(
        rows=("INV-D2",),
        removed="that of a kept filter only what its list knows comes into an address",
        file=KEPT,
        old="for name, value in parse_qsl(text) if name in KEYS.get(listed, frozenset())}",
        new="for name, value in parse_qsl(text) if name and KEYS}",
        test=f"{DOOR}::test_whatever_stands_in_a_row_opens_the_list_of_its_own_and_nothing_else",
    ),
    Mutation(
        rows=("INV-D2",),
        removed="that a person keeps twenty filters",
        file=KEPT,
        old="if len(held) >= MOST:",
        new="if len(held) > MOST:",
        test=f"{DOOR}::test_the_twenty_first_is_refused_and_so_is_a_name_twice",
    ),
    Mutation(
        rows=("INV-D2",),
        removed="that filters that are kept at once wait for each other",
        file=KEPT,
        old='"SELECT pg_advisory_xact_lock(7199, hashtext(%s))"',
        new='"SELECT %s::text"',
        test="tests/races/test_kept_filter_races.py::test_of_four_that_are_kept_at_once_only_one_fits",
        more=(
            (
                KEPT,
                "        if len(held) >= MOST:\n",
                "        execute('SELECT pg_sleep(0.3)')\n        if len(held) >= MOST:\n",
            ),
        ),
    ),
]
