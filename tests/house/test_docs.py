"""The documents are true: every row that promises something names tests that exist, drawings match the code."""

import re

import pytest

from tests.house import links
from tests.house.tree import ROOT, files, shown

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", links.PAGES)
def test_the_page_names_the_tests_that_hold_each_row(page):
    text = (ROOT / page).read_text(encoding="utf-8")

    assert text == links.filled(text, links.tests_by_row()), "run `make docs`"


@pytest.mark.parametrize("page", links.PAGES)
def test_every_row_has_a_test(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    rows = links.tests_by_row()
    promised = [match[1] for line in text.splitlines() if (match := links.ROW.match(line))]

    assert len(promised) > 20
    assert [row for row in promised if row not in rows] == []


@pytest.mark.parametrize("path", files(".md"), ids=shown)
def test_every_link_inside_the_repository_leads_somewhere(path):
    targets = [target for target in LINK.findall(path.read_text(encoding="utf-8")) if "://" not in target]

    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_ids_are_found_in_names_and_in_docstrings():
    assert links.named("test_inv_s2_a_card_is_sold_once") == {"INV-S2"}
    assert links.named("INV-M4, INV-K1: held") == {"INV-M4", "INV-K1"}
    assert links.named("Faults 27, 28 and 30-32: booked to suspense") == {"27", "28", "30", "31", "32"}
    assert links.named("test_fault_58_last_key") == {"58"}
    assert links.named("nothing of the kind, in 1999") == set()
