"""The demo fills itself once, along the whole chain, and keeps what is there."""

import pytest

from core.catalog.service import alike, find_listing, find_sku, search
from core.config import Config, ConfigError
from core.db import StoreDatabase
from core.members.periods import Unit
from core.members.plans import PlanOffer, plans_of
from core.parties.service import find_merchant, find_party
from ops.demo.goods import FILES
from ops.demo.seed import seed, write_goods, write_limits
from tests.builders import NOON, Shop, Sql
from tests.support.vaults import vault_process

COUNTS = {
    "tencent_video_month_2029.csv": (800, 6, 2),
    "iqiyi_quarter_2028.tsv": (300, 0, 0),
    "steam_50_usd.txt": (600, 4, 0),
    "jd_ecard_100.xlsx": (392, 0, 8),
    "notes_pro_accounts.txt": (250, 0, 0),
    "top_up_receipts.txt": (80, 0, 0),
    "iqiyi_quarter_other.txt": (40, 0, 0),
}
"""What an import of each file must report: added, duplicates, refused."""

CREDIT = """
SELECT c.code, d.code, -a.floor
FROM trade_account t JOIN account a ON a.id = t.account_id JOIN party c ON c.id = creditor_id
JOIN party d ON d.id = debtor_id
ORDER BY array_position(ARRAY['brand1', 'agent1', 'dist1'], c.code)
"""
SUPPLY = """
SELECT s.code, p.code, array_length(r.offer_ids, 1)
FROM source r JOIN sku s ON s.id = r.sku_id JOIN party p ON p.id = r.pool_owner_id JOIN party m ON m.id = r.merchant_id
WHERE m.code = 'demo' AND p.code = 'brand1' ORDER BY s.code
"""


@pytest.fixture
def shop(store_db: StoreDatabase, sql: Sql) -> Shop:
    sql("UPDATE installation SET kind = 'demo'")
    return Shop(sql)


def test_parties_goods_offers_and_credit_are_written_once(shop: Shop) -> None:
    assert write_goods(currency="CNY", now=NOON)
    write_limits(currency="CNY", as_owner=shop.sql, now=NOON)
    filled = shop.fingerprint()

    assert not write_goods(currency="CNY", now=NOON)
    write_limits(currency="CNY", as_owner=shop.sql, now=NOON)
    assert shop.fingerprint() == filled
    assert find_merchant(None).code == "demo"
    assert {find_party(code=code).kind for code in ("brand1", "agent1", "dist1")} == {"supplier"}
    assert shop.sql(CREDIT) == [
        ("brand1", "agent1", 100_000_000),
        ("agent1", "dist1", 100_000_000),
        ("dist1", "demo", 100_000_000),
    ]
    assert shop.count("gateway_account") == 2
    assert shop.count("staff") == 0, "no logins before the panel exists"


def test_every_sku_may_come_along_three_hops_from_the_brand(shop: Shop) -> None:
    write_goods(currency="CNY", now=NOON)

    assert shop.sql(SUPPLY) == [(code, "brand1", 3) for code in ("A1", "A2", "B1", "C1", "D1", "E1")]


def test_the_rules_of_the_contract_stand_on_the_skus(shop: Shop) -> None:
    write_goods(currency="CNY", now=NOON)

    rules = {code: (trim, cased) for code, trim, cased in shop.sql("SELECT code, trim, case_sensitive FROM sku")}
    assert rules == {
        "A1": (True, True),
        "A2": (True, True),
        "B1": (True, False),
        "C1": (True, True),
        "D1": (False, True),
        "E1": (True, True),
        "F1": (True, True),
    }
    demo, other = find_merchant("demo").id, find_merchant("other").id
    assert find_listing(merchant_id=demo, code="A1").sku_id == find_sku(code="A1")
    assert find_listing(merchant_id=other, code="A2").price.minor == 4790
    (plan,) = plans_of(merchant_id=other)
    assert (plan.name("zh-CN"), plan.offers) == ("海盐会员", (PlanOffer("F1", 1200, "CNY", 1, Unit.MONTH),))
    for look, typed, product in (
        (search, "视频", "tencent-video-vip"),
        (alike, "腾迅", "tencent-video-vip"),
        (search, "steam 50", "steam-wallet-us"),
    ):
        assert look(merchant_id=demo, text=typed, locale="zh-CN")[0].code == product


def test_the_files_are_imported_once_by_the_vault_with_exact_counts(
    config: Config, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with vault_process(config):
        monkeypatch.setattr("ops.demo.seed.FILES", FILES[:2])  # as if the first start had been killed here
        seed(config)
        monkeypatch.undo()
        seed(config)
        filled = [shop.count(table) for table in ("party", "batch", "card", "upload")]

        seed(config)

    assert [shop.count(table) for table in ("party", "batch", "card", "upload")] == filled
    jobs = shop.sql(
        "SELECT u.file_name, j.added, j.duplicates, j.refused FROM import_job j JOIN upload u ON u.id = j.upload_id"
    )
    assert {name: tuple(counts) for name, *counts in jobs} == COUNTS
    owners = shop.sql("SELECT source_name, p.code FROM batch b JOIN party p ON p.id = b.owner_id")
    assert set(owners) == {(file.name, file.supplier or file.merchant or "demo") for file in FILES}


def test_a_database_that_is_no_demo_is_refused_and_stays_empty(config: Config, shop: Shop, sql: Sql) -> None:
    sql("UPDATE installation SET kind = 'test'")
    before = shop.fingerprint()

    with pytest.raises(ConfigError, match="demo database only"):
        seed(config)
    assert shop.fingerprint() == before
