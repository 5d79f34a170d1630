"""The store of `python -m tests.scale` in small: its rows are right, and what is measured on it works."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.reports.checks import all_checks
from tests.builders import Sql
from tests.scale import filling
from tests.scale.filling import Filler
from tests.scale.measuring import Store, size_of


def test_a_filled_store_is_right_and_verify_reads_none_of_it_again(
    urls: dict[str, str], sql: Sql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INV-M3 and every other: over whole tables, by `verify`, and by `verify --full` after a kill."""
    monkeypatch.setattr(filling, "PARTS", 30)
    filler, store = Filler(sql), Store(urls, sql, tmp_path)

    filler.sell(70)
    made, _ = store.close()
    filler.sell(10, later=store.days)
    violations, _ = store.verify()
    killed = store.killed_after(0.05)
    reading, _ = store.read(print)

    assert {invariant: sql(text)[0][0] for invariant, text in all_checks().items()} == dict.fromkeys(all_checks(), 0)
    assert (made, violations, reading.is_clean) == (2, 0, True)
    assert killed is None or killed.ended_at is None
    size = size_of(sql)
    assert (size.orders, size.cards, size.transfers) == (80, 240, 80 * 3 + 8 * 2)
