"""The list of protections taken away is true of the code as it stands, and each was seen to make its test fail."""

import pytest

from tests.house import links
from tests.house.tree import ROOT
from tests.mutations.mutation import all_mutations, seen

MUTATIONS = all_mutations()


@pytest.mark.parametrize("one", MUTATIONS, ids=lambda one: f"{one.rows[0]}-{one.fingerprint}")
def test_what_is_taken_away_stands_in_the_code_and_was_seen_to_matter(one):
    assert one.stands, "what should be taken away has changed: write the mutation anew"
    assert one.fingerprint in seen(), "run `python -m tests.mutations --new`"


def test_the_page_of_invariants_lists_what_was_seen_to_fail():
    page = (ROOT / "docs/invariants.md").read_text(encoding="utf-8")

    assert links.with_mutations(page) == page, "run `make docs`"


def test_nothing_is_remembered_that_is_not_listed_any_more():
    assert sorted(set(seen()) - {one.fingerprint for one in MUTATIONS}) == []
