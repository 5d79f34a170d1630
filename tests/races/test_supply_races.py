"""Several who order the last card that a supplier has at once: it is promised to one (fault 92)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from core import db
from core.orders import place
from core.stock.rules import OutOfStock
from core.supply import quota
from tests.builders import Shop
from tests.races.racing import Beside, at_once, failures

BUYERS = 4
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


def until(is_so: Callable[[], bool]) -> None:
    """Look again and again, for ten seconds at most."""
    end = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < end, "it never comes"
        time.sleep(0.01)


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


def test_fault_92_the_last_one_of_a_supplier_is_promised_once(shop: Shop, listing: int, sql: Any) -> None:
    """Whoever comes second waits for the first, and sees what that took."""
    first, second = shop.a_shopper(), shop.a_shopper()
    with db.atomic():
        shop.place(first, listing)
        other = Beside(lambda: shop.place(second, listing))
        until(lambda: other.has_ended() or sql(WAITING, role="superuser") == [(1,)])

    assert isinstance(other.result(), OutOfStock)
    assert shop.count("supplier_line") == 1


def test_control_without_the_locks_it_is_promised_to_several(
    shop: Shop, listing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    together, found = threading.Barrier(BUYERS, timeout=20), quota.find_quota

    def find(**wanted: Any) -> Any:
        """All have counted before one of them takes."""
        try:
            return found(**wanted)
        finally:
            together.wait()

    monkeypatch.setattr(quota, "LOCK", quota.LOCK.replace("FOR NO KEY UPDATE OF g", ""))
    monkeypatch.setattr(place.stock, "lock_share", lambda *, sku_id: None)
    monkeypatch.setattr(place, "find_quota", find)
    talkers = [shop.a_shopper() for _ in range(BUYERS)]
    db.close()

    placed = at_once([lambda talker=talker: shop.place(talker, listing) for talker in talkers])

    assert failures(placed) == []
    assert shop.count("supplier_line") == BUYERS
