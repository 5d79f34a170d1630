"""Imports that overlap while cards are sold: each card is there once, and every one can be reached."""

from __future__ import annotations

from typing import Any

import pytest

from core import db
from core.stock.marks import move_marks
from core.vault.client import VaultRefused
from core.vault.stock_requests import StockRequests
from tests.builders import NOON, Shop
from tests.support.imports import Left, at, bought, bring, codes, leave, without_orders
from tests.support.vaults import DeskVault


def swept(vault: DeskVault) -> None:
    """The marks, moved as the worker moves them."""
    db.connect(vault.config.database.roles.worker, size=2)
    move_marks(now=NOON, zone="UTC")
    db.connect(vault.config.database.roles.shop, size=4)


def three_that_overlap(vault: DeskVault, shop: Shop, url: str) -> int:
    """Cards 0-59, 40-99 and 80-139: the first one is overtaken by both others, of which some are sold; how many."""
    without_orders(shop)
    with pytest.raises(Left):
        bring(vault, shop, codes(0), progress=at(20, leave))
    second = bring(vault, shop, codes(40))
    sold = bought(url, shop, 25)
    swept(vault)
    third = bring(vault, shop, codes(80))
    sold += bought(url, shop, 25)
    swept(vault)
    vault.resume()
    assert (second.added, second.duplicates) == (60, 0)
    assert (third.added, third.duplicates) == (40, 20)
    return sold


def test_fault_110_three_imports_that_overlap_while_selling_lose_no_card(
    vault: DeskVault, shop: Shop, sql: Any, urls: dict[str, str]
) -> None:
    sold = three_that_overlap(vault, shop, urls["shop"])
    swept(vault)

    while some := bought(urls["shop"], shop, 30):
        sold += some

    assert sold == 140
    assert shop.card_states() == {"held": 140}
    assert sql("SELECT count(*)::int, count(DISTINCT fingerprint)::int FROM card_seal") == [(140, 140)]
    assert sql("SELECT added, duplicates FROM import_job ORDER BY created_at") == [(40, 20), (60, 0), (40, 20)]


def test_fault_110_control_a_mark_for_all_batches_of_the_goods_loses_cards(
    vault: DeskVault, shop: Shop, urls: dict[str, str]
) -> None:
    sold = three_that_overlap(vault, shop, urls["shop"])
    shop.sql("UPDATE batch_mark SET low_pos = (SELECT max(low_pos) FROM batch_mark)")

    while some := bought(urls["shop"], shop, 30):
        sold += some

    assert sold < 140
    assert shop.card_states()["free"] >= 20  # those that the overtaken import had stored first


def test_fault_5_nothing_of_an_import_is_sold_before_its_last_row(
    vault: DeskVault, shop: Shop, urls: dict[str, str]
) -> None:
    without_orders(shop)
    tried: list[int] = []

    bring(vault, shop, codes(), progress=lambda done, about: tried.append(bought(urls["shop"], shop)))

    assert tried == [0, 0, 0]
    assert bought(urls["shop"], shop, 60) == 60


def test_more_than_four_imports_of_one_party_at_once_are_refused_and_change_nothing(
    vault: DeskVault, shop: Shop, sql: Any
) -> None:
    for number in range(4):
        with pytest.raises(Left):
            bring(vault, shop, codes(1000 * number), by="brand1", progress=at(20, leave))
    before = sql("SELECT count(*) FROM batch"), sql("SELECT count(*) FROM import_job")

    with pytest.raises(VaultRefused, match="4 imports of this party are under way"):
        bring(vault, shop, codes(9000), by="brand1")

    assert (sql("SELECT count(*) FROM batch"), sql("SELECT count(*) FROM import_job")) == before
    assert bring(vault, shop, codes(9000), by="agent1").added == 60
    vault.resume()
    assert bring(vault, shop, codes(9000), by="brand1").added == 60


def test_a_dry_run_counts_exactly_as_the_import_and_tells_nobody_of_a_copy(
    vault: DeskVault, shop: Shop, sql: Any
) -> None:
    bring(vault, shop, codes(0), by="brand1")
    bring(vault, shop, codes(50), by="agent1")
    StockRequests(vault.client).vet_supplier("brand1", is_vetted=True, reason="otherwise its rows of the day count")
    before = shop.fingerprint()
    raw = codes(40) + b"\n" + codes(45, 10) + b"\n\n"

    looked = bring(vault, shop, raw, by="brand1", dry_run=True)
    same = bring(vault, shop, raw, by="demo", dry_run=True)

    assert shop.fingerprint() == before
    assert (looked.added, looked.duplicates) == (40, 30)  # brand1 brought 40-59, and 45-54 stand there twice
    assert (same.added, same.duplicates) == (60, 10)
    report = bring(vault, shop, raw, by="brand1")
    assert (report.added, report.duplicates) == (looked.added, looked.duplicates)
