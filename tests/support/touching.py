"""Watches the statements of every transaction: stored balances are touched last, in one go, in the order of ids."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from core.db import StoreDatabase
from core.ledger import sql

HARMLESS = ("SAVEPOINT", "RELEASE", "COMMIT", "ROLLBACK")


@dataclass
class Touches:
    """What was seen: transactions that touched balances, and statements that broke the order, with what came before."""

    transactions: int = 0
    wrong: list[str] = field(default_factory=list)
    _locked: list[int] = field(default_factory=list)
    _touched: bool = False

    def statement(self, text: str, params: Any) -> None:
        """One statement, before it is sent."""
        if self._touched and not text.lstrip().upper().startswith(HARMLESS):
            self.wrong.append(f"after balances were touched: {' '.join(text.split())[:200]}")
        if text == sql.LOCK_ACCOUNTS:
            self._locked += list(params[0])
        if text == sql.TOUCH:
            self._touch(list(params[0]))

    def _touch(self, ids: list[int]) -> None:
        self.transactions += not self._touched
        self._touched = True
        if ids != sorted(set(ids)):
            self.wrong.append(f"balances touched in the order {ids}")
        if len(ids) > 1 and not set(ids) <= set(self._locked):
            self.wrong.append(f"balances {ids} touched with only {self._locked} locked")

    def ended(self) -> None:
        """The transaction is over."""
        self._touched = False
        self._locked.clear()


@contextlib.contextmanager
def touches(monkeypatch: pytest.MonkeyPatch) -> Iterator[Touches]:
    """Watch every transaction of this thread within the block."""
    seen = Touches()
    execute_sql, commit, rollback = StoreDatabase.execute_sql, StoreDatabase.commit, StoreDatabase.rollback

    def watched(self: StoreDatabase, text: str, params: Any = None, *rest: Any) -> Any:
        seen.statement(text, params)
        return execute_sql(self, text, params, *rest)

    def ending(end: Any) -> Any:
        def wrapped(self: StoreDatabase) -> None:
            end(self)
            seen.ended()

        return wrapped

    with monkeypatch.context() as patched:
        patched.setattr(StoreDatabase, "execute_sql", watched)
        patched.setattr(StoreDatabase, "commit", ending(commit))
        patched.setattr(StoreDatabase, "rollback", ending(rollback))
        yield seen
