"""Whoever changes stored balances locks them in the order of ids first: in no order they deadlock (books.md)."""

import ast

from core.ledger import sql
from tests.house.tree import ROOT

LOCKED = "ORDER BY id FOR NO KEY UPDATE"
CHANGES = ("UPDATE account SET balance", "UPDATE account SET aside", "UPDATE account SET floor")
ONE_ROW = "WHERE id = %(account)s"
"""A statement on one account waits for nothing while it holds another."""


def test_every_statement_that_changes_balances_locks_them_in_one_order():
    """INV-M4: the one that does not lock by itself is sent by the function that does."""
    found = {}
    for file in sorted((ROOT / "core").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "UPDATE account" in node.value:
                found[node.value] = file.relative_to(ROOT).as_posix()

    assert {found[text] for text in found if any(change in text for change in CHANGES)} == set(found.values())
    without = {text for text in found if LOCKED not in text and ONE_ROW not in text}
    assert without == {sql.TOUCH}


def test_what_does_not_lock_by_itself_is_sent_from_one_place():
    """INV-M4: `change_balances` locks several first."""
    senders = [
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "core").rglob("*.py")
        if "TOUCH" in file.read_text(encoding="utf-8")
    ]

    assert sorted(senders) == ["core/ledger/service.py", "core/ledger/sql.py"]
