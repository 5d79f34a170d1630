"""Generated sequences over money: orders, payments, wallets, late and double money; every book is checked each step."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from core.orders.service import OrderPolicy
from core.risk.rules import HoldPolicy
from tests.builders import Shop
from tests.properties.money_moves import MoneyMoves
from tests.support.books import Books
from tests.support.till import Till
from tests.support.touching import touches


@pytest.mark.slow
def test_inv_m1_to_m8_and_m13_hold_over_any_sequence_of_money(
    shop: Shop, urls: dict[str, str], data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INV-M10 and INV-M13 with the others: every question of the books is asked after every step.

    Over whole tables, and in the end since the last checkpoint. Meanwhile no statement follows in a transaction that
    has touched balances, and several are locked in the order of their ids first (INV-M4).
    """
    shop.policy = OrderPolicy(holds=HoldPolicy(unpaid_per_shopper=50, share_percent=100))
    here = {"shop": shop, "till": Till(shop), "books": Books(urls, data_dir)}
    machine = type("MoneyMovesHere", (MoneyMoves,), here)

    with touches(monkeypatch) as seen:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=16,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )

    assert seen.wrong == []
    assert seen.transactions > 50
