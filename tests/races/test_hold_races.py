"""Races for stock on real PostgreSQL, each with its control: without the protection the same race must break."""

import threading
from dataclasses import replace
from typing import Any

import pytest

from core import db
from core.orders import place, sql
from core.orders.service import PlacedOrder
from core.risk.rules import HoldPolicy
from core.stock import service as stock
from core.stock import sql as stock_sql
from core.stock.moving import move_batch
from core.stock.rules import BatchState
from tests.builders import NOON, Shop, in_own_connection
from tests.races.racing import at_once, failures

BUYERS = 20


def buyers_race_for_one_card(shop: Shop) -> tuple[list[Any], int]:
    """Twenty known shoppers want the last card; returns the results and how many lines claim to have it."""
    listing, _ = shop.a_listing(), shop.a_batch(cards=1)
    talkers = [shop.a_shopper() for _ in range(BUYERS)]
    results = at_once([lambda talker=talker: shop.place(talker, listing) for talker in talkers])
    return results, sum(isinstance(result, PlacedOrder) for result in results)


def test_inv_s2_the_last_card_goes_to_one_buyer(shop: Shop) -> None:
    results, sold = buyers_race_for_one_card(shop)

    assert sold == 1
    assert set(failures(results)) <= {"HeldByOthers", "OutOfStock", "StockKeptForOthers"}
    assert shop.card_states() == {"held": 1}
    assert shop.count("hold") == 1


def test_control_without_row_locks_and_trigger_the_last_card_goes_to_many(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.sql("ALTER TABLE card DISABLE TRIGGER card_sold_once")
    meeting = threading.Barrier(BUYERS, timeout=20)
    plain = "SELECT id FROM card WHERE state = 'free' LIMIT 1"

    def naive(**wanted: Any) -> list[stock.HeldGroup]:
        card = db.execute(plain)[0][0]
        meeting.wait()  # what a slow moment between reading and writing does
        db.execute("UPDATE card SET state = 'held', line_id = %s WHERE id = %s", (wanted["line_id"], card))
        return [stock.HeldGroup(1, stock.Terms.OWN, 1, 0, ())]

    monkeypatch.setattr(place.stock, "hold_cards", naive)
    monkeypatch.setattr(place, "is_near_a_cap", lambda *_: False)

    _, sold = buyers_race_for_one_card(shop)

    assert sold > 1


def strangers_race(shop: Shop) -> int:
    listing, _ = shop.a_listing(), shop.a_batch(cards=20)
    talkers = [shop.a_shopper(paid_orders=0) for _ in range(BUYERS)]
    at_once([lambda talker=talker: shop.place(talker, listing) for talker in talkers])
    return int(shop.sql("SELECT coalesce(sum(quantity), 0) FROM hold WHERE state = 'open' AND stranger")[0][0])


def test_strangers_at_once_hold_a_fifth_at_most(shop: Shop) -> None:
    assert strangers_race(shop) == 4


def test_control_without_the_lock_strangers_hold_more(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = threading.Barrier(BUYERS, timeout=20)
    counted = stock.share_facts

    def share_facts(**sku: Any) -> stock.ShareFacts:
        facts = counted(**sku)
        meeting.wait()
        return facts

    monkeypatch.setattr(place, "is_near_a_cap", lambda *_: False)
    monkeypatch.setattr(place.stock, "share_facts", share_facts)

    assert strangers_race(shop) > 4


def one_shopper_places_ten(shop: Shop) -> int:
    listing, _ = shop.a_listing(), shop.a_batch(cards=100)
    talker = shop.a_shopper()
    at_once([lambda n=n: shop.place(talker, listing, network=f"network {n}") for n in range(10)])
    return shop.count("shop_order")


def test_one_shopper_at_ten_screens_has_three_unpaid_orders(shop: Shop) -> None:
    assert one_shopper_places_ten(shop) == 3


def test_control_without_the_shoppers_lock_the_quota_breaks(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = threading.Barrier(10, timeout=20)
    counted = stock.share_facts

    def share_facts(**sku: Any) -> stock.ShareFacts:
        meeting.wait()  # all have counted the shopper's unpaid orders by now
        return counted(**sku)

    monkeypatch.setattr(sql, "PLACE_FACTS", sql.PLACE_FACTS.replace("FOR NO KEY UPDATE OF s", ""))
    monkeypatch.setattr(place, "is_near_a_cap", lambda *_: False)
    monkeypatch.setattr(place.stock, "share_facts", share_facts)

    assert one_shopper_places_ten(shop) > 3


def guests_of_one_network(shop: Shop) -> int:
    listing, _ = shop.a_listing(), shop.a_batch(cards=200)
    talkers = [shop.a_shopper() for _ in range(10)]
    shop.policy = replace(shop.policy, holds=HoldPolicy(unpaid_per_network=4))
    at_once([lambda talker=talker: shop.place(talker, listing, network="one") for talker in talkers])
    return shop.count("shop_order")


def test_guests_of_one_network_have_no_more_unpaid_orders_than_it_may(shop: Shop) -> None:
    assert guests_of_one_network(shop) == 4


def test_control_without_the_networks_lock_its_quota_breaks(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = threading.Barrier(10, timeout=20)
    counted = stock.share_facts

    def share_facts(**sku: Any) -> stock.ShareFacts:
        meeting.wait()
        return counted(**sku)

    unlocked = sql.PLACE_FACTS.replace("pg_advisory_xact_lock(7104, hashtext(%(network)s))", "NULL")
    monkeypatch.setattr(sql, "PLACE_FACTS", unlocked)
    monkeypatch.setattr(place, "is_near_a_cap", lambda *_: False)
    monkeypatch.setattr(place.stock, "share_facts", share_facts)

    assert guests_of_one_network(shop) > 4


def ten_taps(shop: Shop) -> set[Any]:
    listing, _ = shop.a_listing(), shop.a_batch(cards=100)
    talker = shop.a_shopper()
    results = at_once([lambda: shop.place(talker, listing, submission="one tap") for _ in range(10)])
    return {result.order_id if isinstance(result, PlacedOrder) else type(result).__name__ for result in results}


def test_inv_o5_ten_taps_on_buy_make_one_order(shop: Shop) -> None:
    orders = ten_taps(shop)

    assert len(orders) == 1
    assert shop.card_states() == {"free": 99, "held": 1}


def test_control_without_the_submission_row_ten_taps_make_more(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "claim_submission", lambda **_: None)

    assert len(ten_taps(shop)) > 1


def lock_meets_a_sale(shop: Shop) -> bool:
    """Lock the batch while a sale has taken a card and not yet committed; True when the lock waited for it."""
    listing, batch = shop.a_listing(), shop.a_batch(cards=5)
    batch_id = shop.sql("SELECT id FROM batch WHERE no = %s", [batch])[0][0]
    talker = shop.a_shopper()
    taken, go_on, locked = threading.Event(), threading.Event(), threading.Event()
    held = stock.hold_cards

    def sale() -> None:
        with db.atomic():
            held(
                merchant_id=shop.merchant,
                sku_id=shop.a_sku(),
                code="A1",
                line_id=talker.identity_id,
                quantity=1,
                usable_on=NOON.date(),
            )
            taken.set()
            go_on.wait(20)
            db.db.rollback()

    def lock() -> None:
        from core.actor import OPERATOR

        move_batch(actor=OPERATOR, batch_id=batch_id, to=BatchState.LOCKED, reason="test", now=NOON)
        locked.set()

    assert listing
    seller = threading.Thread(target=in_own_connection, args=(sale,))
    locker = threading.Thread(target=in_own_connection, args=(lock,))
    seller.start()
    assert taken.wait(20)
    locker.start()
    waited = not locked.wait(0.5)
    go_on.set()
    seller.join(20)
    locker.join(20)
    assert locked.is_set()
    return waited


def test_inv_s8_a_lock_waits_for_running_sales_and_none_begins_after_it(shop: Shop) -> None:
    assert lock_meets_a_sale(shop)

    with pytest.raises(stock.OutOfStock):
        shop.place(shop.a_shopper(), shop.a_listing())


def test_control_without_the_advisory_lock_a_sale_commits_after_the_lock(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        stock_sql,
        "SELLABLE_BATCHES",
        stock_sql.SELLABLE_BATCHES.replace("pg_advisory_xact_lock_shared(7101, f.no)", "NULL"),
    )

    assert not lock_meets_a_sale(shop)


def a_card_comes_back_while_another_buyer_asks(shop: Shop) -> list[Any]:
    """One transaction has the last card and gives it back; another asked for it meanwhile."""
    listing, _ = shop.a_listing(), shop.a_batch(cards=1)
    talker = shop.a_shopper()
    taken, asked = threading.Event(), threading.Event()

    def gives_back() -> None:
        with db.atomic():
            db.execute("SELECT 1 FROM card FOR UPDATE")
            taken.set()
            asked.wait(5)
            db.db.rollback()

    def asks() -> Any:
        taken.wait(5)
        threading.Timer(0.3, asked.set).start()  # by then the buyer waits for the row, or was refused
        return shop.place(talker, listing)

    return at_once([gives_back, asks])


def test_inv_s4_a_short_claim_waits_once_before_it_refuses(shop: Shop) -> None:
    assert failures(a_card_comes_back_while_another_buyer_asks(shop)) == []
    assert shop.card_states() == {"held": 1}


def test_control_without_the_waiting_lock_a_buyer_is_refused_though_a_card_was_left(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock_sql, "HOLD_CARDS_WAITING", stock_sql.HOLD_FREE_CARDS)

    assert failures(a_card_comes_back_while_another_buyer_asks(shop)) == ["OutOfStock"]
    assert shop.card_states() == {"free": 1}
