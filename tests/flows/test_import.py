"""Supplier files through the vault: exact counts, the same file again, copies of others, and never a half batch."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core import db
from core.config import Config
from core.secret import Secret
from core.vault.client import FileNotImported, ImportOrder, VaultCode, VaultRefused
from core.vault.uploads import LARGEST_FILE, FileTooLarge, upload_file
from tests.builders import NOON, Shop
from tests.support.supplier_files import SupplierFile, accounts, all_files, game_codes, gift_cards, month_cards
from tests.support.vaults import TestVault, desk_vault, vault_process

FILES = all_files()


@pytest.fixture
def shop(store_db: Any, sql: Any) -> Shop:
    shop = Shop(sql)
    for code, columns in {"A1": {}, "A2": {}, "B1": {"case_sensitive": False}, "C1": {}, "D1": {"trim": False}}.items():
        shop.a_sku(code, **columns)
    assert shop.merchant
    return shop


@pytest.fixture
def vault(shop: Shop, config: Config) -> TestVault:
    return desk_vault(config)


def counts(report: Any) -> tuple[int, int, int]:
    return report.added, report.duplicates, report.refused


def imported(vault: TestVault, shop: Shop, file: SupplierFile, **order: Any) -> tuple[int, int, int]:
    owner = order.pop("owner", shop.merchant)
    return counts(vault.import_bytes(file.raw, file.name, owner=owner, sku=file.sku, **order))


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_inv_s7_a_file_adds_its_cards_and_the_same_file_again_adds_none(
    vault: TestVault, shop: Shop, file: SupplierFile
) -> None:
    first = imported(vault, shop, file)
    again = imported(vault, shop, file)

    assert first == (len(file.secrets), file.duplicates, file.refused)
    assert again == (0, len(file.secrets) + file.duplicates, file.refused)
    assert shop.card_states() == {"free": len(file.secrets)}


def test_inv_s7_the_same_file_adds_none_after_its_cards_were_sold(vault: TestVault, shop: Shop, sql: Any) -> None:
    file = game_codes()
    imported(vault, shop, file)
    placed = shop.place(shop.a_shopper(), shop.a_listing("B1"), 5)
    db.close()
    sql("UPDATE card SET state = 'claimed', opened_at = now() WHERE state = 'held'")
    sql("UPDATE card SET state = 'delivered', delivered_at = now() WHERE state = 'claimed'")

    assert placed.order_id
    assert imported(vault, shop, file)[0] == 0
    assert shop.card_states() == {"delivered": 5, "free": 45}


def test_a_finished_batch_is_signed_on_sale_and_knows_its_source_and_its_earliest_end(
    vault: TestVault, shop: Shop, sql: Any
) -> None:
    import hashlib

    file = month_cards()
    imported(vault, shop, file)

    state, count, source, ends, signed = sql(
        "SELECT b.state, b.card_count, b.source_hash, b.expires_on::text, octet_length(k.signature)"
        " FROM batch b JOIN batch_key k ON k.batch_no = b.no"
    )[0]
    assert (state, count, ends, signed) == ("selling", 60, "2027-12-31", 64)
    assert bytes(source) == hashlib.sha256(file.raw).digest()
    assert sql("SELECT count(*) FROM upload_chunk") == [(0,)]
    assert sql("SELECT free_count FROM batch_mark") == [(60,)]
    assert sql("SELECT action FROM audit_entry") == [("batch.imported",)]


def test_a_dry_run_counts_the_same_and_changes_nothing(vault: TestVault, shop: Shop, sql: Any) -> None:
    file = month_cards()
    tables = ("batch", "batch_key", "card", "card_seal", "import_job", "upload_chunk", "stock_event")

    assert imported(vault, shop, file, dry_run=True) == (60, 7, 2)
    assert [sql(f"SELECT count(*) FROM {table}")[0][0] for table in tables] == [0] * len(tables)
    imported(vault, shop, file)
    assert imported(vault, shop, file, dry_run=True) == (0, 67, 2)


def test_refused_rows_are_reported_with_place_reason_and_shape_but_no_value(vault: TestVault, shop: Shop) -> None:
    month = vault.import_bytes(month_cards().raw, "month.csv", owner=shop.merchant, sku="A1")
    gifts = vault.import_bytes(gift_cards().raw, "gifts.xlsx", owner=shop.merchant, sku="C1")

    assert [(row.place, row.reason, row.shape) for row in month.refusals] == [
        ("row 70, 卡密", "no_secret", ""),
        ("row 72", "expired", "AAAA************ (16 characters)"),
    ]
    assert [(row.place, row.reason) for row in gifts.refusals][:2] == [("C7", "numeric_cell"), ("C17", "formula_cell")]
    assert "EXPIRED0" not in repr(month)


def test_fault_67_a_copy_by_another_party_is_contested_silently(vault: TestVault, shop: Shop, sql: Any) -> None:
    first, second = shop.a_party("brand1", "supplier"), shop.a_party("agent1", "supplier")
    file = game_codes()
    imported(vault, shop, file, owner=first, supplier="brand1")

    report = imported(vault, shop, file, owner=second, supplier="agent1")

    assert report == (50, 3, 0)
    assert sql("SELECT owner_id, state, contested, count(*)::int FROM card GROUP BY 1, 2, 3 ORDER BY 1") == [
        (first, "free", False, 50),
        (second, "quarantined", True, 50),
    ]
    assert sql("SELECT kind, count(*)::int FROM stock_event GROUP BY 1") == [("contested", 50)]
    earlier = sql(
        "SELECT count(*) FROM stock_event e JOIN card c ON c.id = (e.detail ->> 'first')::uuid WHERE c.owner_id = %s",
        [first],
    )
    assert earlier == [(50,)]
    assert imported(vault, shop, file, owner=second, supplier="agent1") == (0, 53, 0)


@pytest.mark.parametrize(
    ("order", "owner", "terms"),
    [
        ({}, "demo", ("own", None)),
        ({"supplier": "brand1"}, "brand1", ("consigned", "brand1")),
        ({"supplier": "brand1", "terms": "owned"}, "demo", ("owned", "brand1")),
        ({"merchant": "other"}, "other", ("own", None)),
    ],
    ids=["own stock", "consigned", "bought out", "another merchant"],
)
def test_whose_cards_they_are_follows_from_supplier_and_terms(
    vault: TestVault, shop: Shop, sql: Any, order: dict[str, str], owner: str, terms: tuple[str, str | None]
) -> None:
    parties = {"demo": shop.merchant, "other": shop.a_party("other"), "brand1": shop.a_party("brand1", "supplier")}

    imported(vault, shop, accounts(), owner=parties[owner], **order)

    assert sql("SELECT owner_id, terms, supplier_id FROM batch") == [
        (parties[owner], terms[0], parties[terms[1]] if terms[1] else None)
    ]


def test_what_bought_out_cards_cost_is_booked_once(vault: TestVault, shop: Shop, sql: Any) -> None:
    imported(vault, shop, game_codes(), unit_cost_micro=12_345_678)
    imported(vault, shop, game_codes(), unit_cost_micro=12_345_678)

    booked = sql(
        "SELECT d.kind, d.holder, c.kind, c.holder, t.amount, t.code FROM transfer t"
        " JOIN account d ON d.id = t.debit_id JOIN account c ON c.id = t.credit_id"
    )
    assert booked == [("stock", f"party:{shop.merchant}", "world", "source:purchase", 61728, "purchase")]


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ({"sku": "ZZ"}, "SKU"),
        ({"merchant": "nobody"}, "merchant"),
        ({"supplier": "nobody"}, "supplier"),
        ({"terms": "consigned"}, "supplier"),
        ({"terms": "rented"}, "terms"),
        ({"merchant": "other"}, "another party"),
        ({"unit_cost_micro": -1}, "unit cost"),
    ],
)
def test_a_request_that_does_not_fit_changes_nothing(
    vault: TestVault, shop: Shop, sql: Any, order: dict[str, Any], says: str
) -> None:
    shop.a_party("other")

    with pytest.raises(VaultRefused, match=says) as refused:
        vault.import_bytes(b"A1\n", "x.txt", owner=shop.merchant, **({"sku": "A1"} | order))
    assert refused.value.vault_code is VaultCode.IMPORT_REFUSED
    assert sql("SELECT count(*) FROM batch") == [(0,)]


@pytest.mark.parametrize(
    ("raw", "name", "problem"),
    [
        (b"", "empty.csv", "empty"),
        ("卡号,备注\n1,2\n".encode(), "x.csv", "secret_column_missing"),
        (b"PK\x03\x04 broken", "x.xlsx", "damaged"),
        (b"<html></html>", "x.xlsx", "web_page"),
    ],
)
def test_a_file_refused_as_a_whole_leaves_no_card_and_no_batch_on_sale(
    vault: TestVault, shop: Shop, sql: Any, raw: bytes, name: str, problem: str
) -> None:
    with pytest.raises(FileNotImported) as refused:
        vault.import_bytes(raw, name, owner=shop.merchant, sku="A1")

    assert refused.value.params["problem"] == problem
    assert sql("SELECT state FROM batch") == [("abandoned",)]
    assert sql("SELECT state, error FROM import_job") == [("failed", problem)]
    assert sql("SELECT count(*) FROM card") == [(0,)]


def test_a_file_above_the_limit_is_not_taken(vault: TestVault, shop: Shop, sql: Any, config: Config) -> None:
    import io

    public = config.secret(config.vault.public_key).reveal()
    with pytest.raises(FileTooLarge):
        upload_file(
            file=io.BytesIO(bytes(LARGEST_FILE + 1)), name="x", owner_id=shop.merchant, vault_public=public, now=NOON
        )
    assert sql("SELECT count(*) FROM upload") == [(0,)]


def test_a_file_that_was_uploaded_and_never_imported_is_forgotten_after_a_day(
    vault: TestVault, shop: Shop, sql: Any
) -> None:
    with pytest.raises(VaultRefused):
        vault.import_bytes(b"LEFT-BEHIND\n", "old.txt", owner=shop.merchant, sku="ZZ")
    old = sql("SELECT id FROM upload")[0][0]
    with pytest.raises(VaultRefused):
        vault.import_bytes(b"LEFT-TODAY\n", "new.txt", owner=shop.merchant, sku="ZZ")
    sql("UPDATE upload SET created_at = now() - interval '25 hours' WHERE id = %s", [old])

    imported(vault, shop, accounts())

    left = sql("SELECT DISTINCT upload_id FROM upload_chunk")
    assert old not in [row[0] for row in left]
    assert len(left) == 1


def test_a_tampered_upload_is_not_imported(vault: TestVault, shop: Shop, sql: Any) -> None:
    public = vault.config.secret(vault.config.vault.public_key).reveal()
    import io

    upload = upload_file(
        file=io.BytesIO(accounts().raw), name="a.txt", owner_id=shop.merchant, vault_public=public, now=NOON
    )
    db.close()
    sql("UPDATE upload_chunk SET sealed = set_byte(sealed, 30, get_byte(sealed, 30) # 4)")

    with pytest.raises(VaultRefused):
        vault.client.import_upload(ImportOrder(upload=upload, sku="D1"))
    assert sql("SELECT count(*) FROM card") == [(0,)]


def test_inv_k1_no_secret_stands_in_any_table_log_or_file_after_an_import(
    shop: Shop, config: Config, sql: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    file = accounts()
    with vault_process(config) as vault:
        assert imported(vault, shop, file) == (30, 0, 0)
        with pytest.raises(FileNotImported):
            vault.import_bytes("卡号,备注\n".encode() + file.raw, "x.csv", owner=shop.merchant, sku="D1")
        found = vault.client.trace_secret(Secret(file.secrets[0]))

    tables = [row[0] for row in sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    dump = "\n".join(json.dumps(sql(f"SELECT t::text FROM {table} t", role="superuser")) for table in tables)
    files = [path.read_bytes() for path in config.data_dir.rglob("*") if path.is_file()]
    said = "".join(capfd.readouterr())
    assert len(found) == 1
    for secret in file.secrets:
        password = secret.split("----")[1]
        hexed = password.encode().hex()
        assert password not in dump
        assert hexed not in dump
        assert not any(password.encode() in content for content in files)
        assert password not in said
