"""Writes into docs/invariants.md and docs/faults.md which tests hold each row: `python -m tests.house.links`.

Below the invariants come the protections that were taken away and the tests that then failed (`tests/mutations/`).
A test holds a row when its name or docstring names it: `INV-S2`, `test_inv_s2_…`, `Fault 58`, `faults 27, 28 and 29`,
`test_fault_58_…`. The docstring of a module speaks for its test where there is only one.
"""

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

from tests.house.tree import ROOT, modules
from tests.mutations.mutation import all_mutations, seen

INVARIANT = re.compile(r"INV-([A-Z]\d+)|(?:^|_)inv_([a-z]\d+)(?=_|$)")
SPAN = re.compile(r"(?:INV-|inv_)([A-Za-z])(\d+)(?: to |_to_)(?:INV-)?[A-Za-z]?(\d+)")
FAULTS = re.compile(r"\b[Ff]aults? ((?:\d+(?:-\d+)?(?:, | and |,)?)+)|(?:^|_)faults?_(\d+(?:_and_\d+)*)(?=_|$)")
ROW = re.compile(r"^\| (INV-[A-Z]\d+|\d+) \|")
PAGES = ("docs/invariants.md", "docs/faults.md")
SEEN_TO_FAIL = "| rows | protection taken away | test that then failed |\n|---|---|---|\n"


def named(text: str) -> set[str]:
    """The rows that a text names, as they are written in the first column: `INV-S2`, `58`."""
    found = {f"INV-{(one or other).upper()}" for one, other in INVARIANT.findall(text)}
    for letter, first, last in SPAN.findall(text):
        found |= {f"INV-{letter.upper()}{number}" for number in range(int(first), int(last) + 1)}
    for listed, single in FAULTS.findall(text):
        for part in re.findall(r"\d+(?:-\d+)?", listed or single):
            first, _, last = part.partition("-")
            found |= {str(number) for number in range(int(first), int(last or first) + 1)}
    return found


@cache
def tests_by_row() -> dict[str, list[str]]:
    """Row -> the tests that name it, as `tests/races/test_stock.py::test_last_card`, sorted."""
    rows: dict[str, list[str]] = defaultdict(list)
    for path, _, tree in modules():
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith("tests/") or not path.stem.startswith("test_"):
            continue
        holders = {test: named(f"{test.rpartition('::')[2]}\n{said}") for test, said in _tests(tree)}
        if len(holders) == 1 and not any(holders.values()):
            holders = dict.fromkeys(holders, named(ast.get_docstring(tree) or ""))
        for test, ids in holders.items():
            for row in ids:
                rows[row].append(f"{name}::{test}")
    return {row: sorted(tests) for row, tests in rows.items()}


def _tests(tree: ast.Module) -> list[tuple[str, str]]:
    """Each test's name and docstring; those of a class carry the class's docstring too; a state machine is one test."""
    found = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            found.append((node.name, ast.get_docstring(node) or ""))
        elif (
            isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id[:4] == "Test"
        ):
            found.append((node.targets[0].id, ast.get_docstring(tree) or ""))
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            said = ast.get_docstring(node) or ""
            found += [
                (f"{node.name}::{step.name}", f"{said}\n{ast.get_docstring(step) or ''}")
                for step in node.body
                if isinstance(step, ast.FunctionDef | ast.AsyncFunctionDef) and step.name.startswith("test_")
            ]
    return found


def filled(page: str, rows: dict[str, list[str]]) -> str:
    """The page with its last column written anew: the first three tests as links, then how many more."""
    return "".join(f"{_row(line, rows)}\n" for line in page.splitlines())


def promises(page: str) -> str:
    """The rows of a page that promise something: without the list of protections that were taken away."""
    return (ROOT / page).read_text(encoding="utf-8").partition(SEEN_TO_FAIL)[0]


def with_mutations(page: str) -> str:
    """The invariants' page with its last part written anew: what was taken away, and which test was seen to fail."""
    done = seen()
    rows = "".join(
        f"| {', '.join(one.rows)} | {one.removed} | {_links(one.test.split())} |\n"
        for one in sorted(all_mutations(), key=lambda one: _order(one.rows[0]))
        if one.fingerprint in done
    )
    return page[: page.index(SEEN_TO_FAIL)] + SEEN_TO_FAIL + rows


def _order(row: str) -> tuple[int, str, int]:
    letter, number = re.fullmatch(r"(?:INV-([A-Z]))?(\d+)", row).groups()
    return ("MSVKOPTD".find(letter or "D"), letter or "", int(number))


def _row(line: str, rows: dict[str, list[str]]) -> str:
    match = ROW.match(line)
    return f"{line.rpartition(' | ')[0]} | {_links(rows.get(match[1], []))} |" if match else line


def _links(tests: list[str]) -> str:
    shown = [f"[{test.rpartition('::')[2] or Path(test).stem}](../{test.partition('::')[0]})" for test in tests[:3]]
    more = [f"and {len(tests) - 3} more"] if len(tests) > 3 else []
    return ", ".join(shown + more) if tests else "none yet"


if __name__ == "__main__":
    found = tests_by_row()
    for page in PAGES:
        file = Path(ROOT / page)
        text = filled(file.read_text(encoding="utf-8"), found)
        file.write_text(with_mutations(text) if SEEN_TO_FAIL in text else text, encoding="utf-8")
        print(f"{page}: written")
