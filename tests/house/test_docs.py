"""The documents are true: every row that promises something names tests that exist, drawings match the code."""

import re

import pytest

from core.reports.checks import all_checks
from tests.house import links, states
from tests.house.tree import ROOT, files, shown

NAMED = re.compile(r"\[([\w:]+)\]\(\.\./(tests/[\w/]+\.py)\)")
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", links.PAGES)
def test_every_test_that_a_row_names_exists_and_names_the_row(page):
    rows = links.tests_by_row()
    wrong = []
    for line in links.promises(page).splitlines():
        row = links.ROW.match(line)
        named = NAMED.findall(line.rpartition(" | ")[2]) if row else []
        wrong += [name for name, file in named if f"{file}::{name}" not in rows.get(row[1], [])]
        assert not row or named, f"{line[:40]}: run `make docs`"

    assert wrong == [], "run `make docs`"


@pytest.mark.parametrize("page", links.PAGES)
def test_every_row_has_a_test(page):
    text = links.promises(page)
    rows = links.tests_by_row()
    promised = [match[1] for line in text.splitlines() if (match := links.ROW.match(line))]

    assert len(promised) > 20
    assert [row for row in promised if row not in rows] == []


@pytest.mark.parametrize(
    ("letter", "folder"), [("P", ("tests/properties/", "tests/simulator/")), ("R", "tests/races/")], ids=["P", "R"]
)
def test_a_row_said_to_be_generated_or_raced_has_such_a_test(letter, folder):
    text = (ROOT / "docs/invariants.md").read_text(encoding="utf-8")
    said = [row for row, how in re.findall(r"^\| (INV-\w+) \| .*? \| ([CPRU ]+) \| ", text, re.M) if letter in how]
    rows = links.tests_by_row()

    assert len(said) > 3
    assert [row for row in said if not any(test.startswith(folder) for test in rows.get(row, []))] == []


def test_every_row_that_a_test_names_stands_on_a_page():
    rows = links.tests_by_row()
    text = "\n".join(map(links.promises, links.PAGES))
    promised = {match[1] for line in text.splitlines() if (match := links.ROW.match(line))}

    assert sorted(set(rows) - promised) == []


@pytest.mark.parametrize("path", files(".md"), ids=shown)
def test_every_link_inside_the_repository_leads_somewhere(path):
    targets = [target for target in LINK.findall(path.read_text(encoding="utf-8")) if "://" not in target]

    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_ids_are_found_in_names_and_in_docstrings():
    assert links.named("test_inv_s2_a_card_is_sold_once") == {"INV-S2"}
    assert links.named("INV-M4, INV-K1: held") == {"INV-M4", "INV-K1"}
    assert links.named("Faults 27, 28 and 30-32: booked to suspense") == {"27", "28", "30", "31", "32"}
    assert links.named("test_inv_s1_to_s3_hold") == {"INV-S1", "INV-S2", "INV-S3"}
    assert links.named("INV-M1 to INV-M3") == {"INV-M1", "INV-M2", "INV-M3"}
    assert links.named("test_faults_1_and_2_a_worker") == {"1", "2"}
    assert links.named("test_fault_58_last_key") == {"58"}
    assert links.named("nothing of the kind, in 1999") == set()


def test_the_states_page_is_what_the_code_does():
    assert (ROOT / "docs/states.md").read_text(encoding="utf-8") == states.drawn(), "run `make docs`"


@pytest.mark.parametrize("life", list(states.lives()), ids=lambda life: life[0])
def test_every_state_is_explained_and_can_be_reached(life):
    """INV-O1: no state stands in the code that nothing leads to, and each says what it means."""
    _, _, transitions = life
    kind = type(next(iter(transitions)))
    first = next(iter(kind))
    reached, open_ends = {first}, [first]
    while open_ends:
        new = transitions[open_ends.pop()] - reached
        reached |= new
        open_ends += new

    assert set(transitions) == set(kind)
    assert reached == set(kind)
    assert [state.name for state in kind if not states.meanings(kind).get(state.name)] == []


def test_the_rows_marked_v_are_those_that_verify_asks():
    lines = (ROOT / "docs/invariants.md").read_text(encoding="utf-8").splitlines()
    marked = {match[1] for line in lines if (match := re.match(r"\| (INV-\w+) \| v ", line))}

    assert marked == set(all_checks())
