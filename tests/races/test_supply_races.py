"""Several who order the last card that a supplier has at once: it is promised to one (fault 92)."""

from __future__ import annotations

from typing import Any

import pytest

from core import db
from core.orders import place
from core.supply import quota
from tests.builders import NOON, Shop
from tests.races.racing import at_once, failures

BUYERS = 6


@pytest.fixture
def listing(shop: Shop) -> int:
    """Goods of which there is no card; brand1's system said that it has one."""
    listing = shop.a_listing(price=1500)
    brand = shop.a_party("brand1", "supplier")
    shop.an_offer(brand, shop.merchant, price_micro=10_000_000, credit=100_000)
    shop.sql(
        "WITH a AS (INSERT INTO supplier_account (party_id, connector, created_at) VALUES (%s, 'kasushou', now())"
        " RETURNING id) INSERT INTO supplier_good (id, account_id, sku_id, product, most_minor, currency, stock_told,"
        " price_told, told_at, created_at) SELECT gen_random_uuid(), a.id, %s, '1001', 900, 'CNY', 1, 800, now(), now()"
        " FROM a",
        [brand, shop.a_sku()],
    )
    return listing


def orders(shop: Shop, listing: int) -> list[Any]:
    """What came of as many orders at once."""
    talkers = [shop.a_shopper() for _ in range(BUYERS)]
    db.close()
    return at_once([lambda talker=talker: shop.place(talker, listing, now=NOON) for talker in talkers])


def test_fault_92_the_last_one_of_a_supplier_is_promised_once(shop: Shop, listing: int) -> None:
    assert failures(orders(shop, listing)) == ["OutOfStock"] * (BUYERS - 1)
    assert shop.count("supplier_line") == 1


def test_control_without_the_locks_it_is_promised_to_several(
    shop: Shop, listing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota, "LOCK", quota.LOCK.replace("FOR NO KEY UPDATE OF g", ""))
    monkeypatch.setattr(place.stock, "lock_share", lambda *, sku_id: None)

    assert len(failures(orders(shop, listing))) < BUYERS - 1
    assert shop.count("supplier_line") > 1
