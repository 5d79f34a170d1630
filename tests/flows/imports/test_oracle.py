"""What a supplier may learn by importing: nothing about the cards of others, and no more guesses a day than a quota."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from psycopg.errors import CheckViolation

from core.config import Config
from core.custody.imports.vetting import Quota
from core.secret import Secret
from core.vault.client import FileNotImported, VaultRefused
from core.vault.stock_requests import StockRequests
from tests.attacks.oracle import LONG, guessed_in_a_day, probed, told_of_copies
from tests.builders import Shop
from tests.support.imports import bring, codes
from tests.support.vaults import DeskVault, desk_vault

PINS = b"481516\n234208\n151623"


@pytest.fixture
def strict(config: Config, vault: DeskVault) -> DeskVault:
    """The vault with a quota of 50 rows a day."""
    return desk_vault(replace(config, vault=replace(config.vault, unvetted_rows_per_day=50)))


def refused(vault: DeskVault, shop: Shop, raw: bytes, **order: Any) -> dict[str, Any]:
    """Why a file of `brand1` was not imported."""
    with pytest.raises(FileNotImported) as found:
        bring(vault, shop, raw, by="brand1", **order)
    return dict(found.value.params)


def test_a_supplier_who_is_not_vetted_brings_no_more_rows_a_day_than_the_quota(
    strict: DeskVault, shop: Shop, sql: Any
) -> None:
    assert bring(strict, shop, codes(count=30), by="brand1").added == 30
    before = sql("SELECT count(*)::int FROM card"), sql("SELECT rows FROM import_quota")

    said = refused(strict, shop, codes(100, count=21))
    dry = refused(strict, shop, codes(100, count=21), dry_run=True)

    assert said == dry == {"problem": "over_quota", "most": 50, "left": 20}
    assert (sql("SELECT count(*)::int FROM card"), sql("SELECT rows FROM import_quota")) == before == ([(30,)], [(30,)])
    assert bring(strict, shop, codes(100, count=20), by="brand1").added == 20
    assert refused(strict, shop, b"ONE-MORE-OF-THEM-1")["left"] == 0
    assert bring(strict, shop, codes(200, count=50), by="agent1").added == 50  # a quota of his own
    assert bring(strict, shop, codes(300, count=60)).added == 60  # the merchant's own stock has none


def test_dry_runs_and_rows_that_are_refused_or_there_already_count_as_well(
    strict: DeskVault, shop: Shop, sql: Any
) -> None:
    raw = codes(count=10) + b"\n" + codes(count=5)

    bring(strict, shop, raw, by="brand1", dry_run=True)
    bring(strict, shop, raw, by="brand1")
    bring(strict, shop, raw, by="brand1")

    assert sql("SELECT rows FROM import_quota") == [(45,)]
    assert refused(strict, shop, codes(count=6))["left"] == 5


def test_the_next_day_has_a_quota_of_its_own(strict: DeskVault, shop: Shop, sql: Any) -> None:
    bring(strict, shop, codes(count=50), by="brand1")
    sql("UPDATE import_quota SET day = day - 1", role="superuser")

    assert bring(strict, shop, codes(100, count=50), by="brand1").added == 50


def test_two_files_at_once_do_not_share_what_is_left(
    strict: DeskVault, shop: Shop, sql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The quota is taken in the commit of the rows: whoever looked earlier finds it used up."""
    bring(strict, shop, b"FIRST-OF-ALL-12345", by="brand1")
    take = Quota.take

    def late(quota: Quota, rows: int) -> None:
        sql("UPDATE import_quota SET rows = 40", role="superuser")  # the other file was committed in between
        take(quota, rows)

    monkeypatch.setattr(Quota, "take", late)

    said = refused(strict, shop, codes(count=20))

    assert said["problem"] == "over_quota"
    assert sql("SELECT rows FROM import_quota") == [(40,)]
    assert sql("SELECT count(*)::int FROM card") == [(1,)]
    assert sql("SELECT state FROM batch ORDER BY no") == [("selling",), ("abandoned",)]


def test_a_vetted_supplier_has_no_quota_until_that_ends(strict: DeskVault, shop: Shop, sql: Any) -> None:
    stock = StockRequests(strict.client)
    shop.a_party("brand1", "supplier")

    stock.vet_supplier("brand1", is_vetted=True, reason="contract of 1 March, licence seen")
    assert bring(strict, shop, codes(count=60), by="brand1").added == 60
    with pytest.raises(VaultRefused, match="brand1 is vetted already: nothing was changed"):
        stock.vet_supplier("brand1", is_vetted=True, reason="again")
    stock.vet_supplier("brand1", is_vetted=False, reason="contract ended")
    refused(strict, shop, codes(100, count=51))

    assert sql("SELECT reason, end_reason FROM supplier_vetting") == [
        ("contract of 1 March, licence seen", "contract ended")
    ]
    assert sql(
        "SELECT action, object_id FROM audit_entry WHERE object_kind = 'party' AND action ~ 'vett' ORDER BY id"
    ) == [
        ("supplier.vetted", "brand1"),
        ("supplier.vetting_ended", "brand1"),
    ]


@pytest.mark.parametrize("role", ["shop", "worker"])
def test_nobody_but_the_vault_says_who_is_vetted_or_what_was_brought(shop: Shop, sql: Any, role: str) -> None:
    party = shop.a_party("brand1", "supplier")

    for statement in (
        f"INSERT INTO supplier_vetting (party_id, reason, vetted_at) VALUES ({party}, 'mine', now())",
        "UPDATE supplier_vetting SET ended_at = NULL",
        "DELETE FROM import_quota",
        "UPDATE import_quota SET rows = 0",
    ):
        with pytest.raises(Exception, match="permission denied"):
            sql(statement, role=role)


def test_what_can_be_guessed_is_bound_to_its_sku_and_its_supplier(vault: DeskVault, shop: Shop, sql: Any) -> None:
    """A guess of another's six digits is a card like any other: neither a duplicate nor contested."""
    bring(vault, shop, PINS, by="brand1")

    guessed = bring(vault, shop, PINS, by="agent1")
    again = bring(vault, shop, PINS, by="agent1")

    assert (guessed.added, guessed.duplicates) == (3, 0)
    assert (again.added, again.duplicates) == (0, 3)
    assert sql("SELECT state, count(*)::int FROM card GROUP BY state") == [("free", 6)]
    assert sql("SELECT count(*)::int FROM stock_event WHERE kind = 'contested'") == [(0,)]


def test_control_what_cannot_be_guessed_is_compared_across_suppliers(vault: DeskVault, shop: Shop, sql: Any) -> None:
    bring(vault, shop, codes(), by="brand1")

    report = bring(vault, shop, codes(), by="agent1")

    assert (report.added, report.duplicates) == (60, 0)
    assert sql("SELECT count(*)::int FROM stock_event WHERE kind = 'contested'") == [(60,)]


def test_a_sku_may_say_that_its_long_secrets_have_few_bits_and_that_stays(
    vault: DeskVault, shop: Shop, sql: Any
) -> None:
    sql("UPDATE sku SET secret_bits = 39")
    bring(vault, shop, codes(), by="brand1")

    bring(vault, shop, codes(), by="agent1")

    assert sql("SELECT count(*)::int FROM stock_event WHERE kind = 'contested'") == [(0,)]
    with pytest.raises(CheckViolation, match="sku_bits_fixed"):
        sql("UPDATE sku SET secret_bits = 40")


@pytest.mark.parametrize("bits", [None, 39])
def test_a_card_that_can_be_guessed_is_found_when_its_buyer_types_it_in(
    vault: DeskVault, shop: Shop, sql: Any, bits: int | None
) -> None:
    sql("UPDATE sku SET secret_bits = %s", [bits])
    bring(vault, shop, PINS if bits is None else codes(), by="brand1")
    bring(vault, shop, PINS if bits is None else codes(), by="agent1")

    found = vault.client.trace_secret(Secret(b"234208" if bits is None else codes(7, 1)))

    assert len(found) == 2


def test_an_import_tells_right_guesses_of_anothers_cards_from_wrong_ones_in_nothing(
    vault: DeskVault, shop: Shop
) -> None:
    """Fault 67: `python -m tests.attacks oracle` prints the same."""
    found = probed(vault, shop, LONG)

    assert [str(one) for one in found if one.tells] == []
    assert len(found) == 12


def test_control_an_importer_that_counts_everybodys_cards_is_an_oracle(vault: DeskVault, shop: Shop) -> None:
    with told_of_copies():
        found = probed(vault, shop, LONG)

    assert {one.what for one in found if one.tells} >= {
        "cards of 16 characters, the import's report",
        "cards of 16 characters, his batches",
        "cards of 16 characters, how his imports stand",
    }


def test_who_is_not_vetted_guesses_no_more_than_his_quota_a_day(strict: DeskVault, shop: Shop) -> None:
    assert guessed_in_a_day(strict, shop, at_once=20, most=1000) == (40, "over_quota, 10 left of 50")
