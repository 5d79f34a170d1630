"""The order's life by its use cases: place, repeat, refuse, cancel, expire, settle."""

from datetime import date

import pytest

from core.catalog.rules import UnknownListing
from core.db import execute, in_transaction
from core.errors import NotFound
from core.ledger.rules import AccountKind
from core.ledger.service import open_account
from core.money import Money
from core.orders.rules import OrderIs, OrderStatus, PriceChanged, QuantityRefused
from core.orders.service import cancel_order, expire_due, lock_order, order_view, orders_of, settle_order
from core.orders.values import Settled
from core.risk.rules import StockKeptForOthers, TooManyUnpaid
from core.stock.rules import HeldByOthers, OutOfStock
from core.submission import OtherContent
from tests.builders import Shop, later


def settle(shop: Shop, order_id, minor: int) -> Settled:
    clearing = open_account(
        kind=AccountKind.CLEARING, holder="gateway:1", counterparty=f"party:{shop.merchant}", currency="CNY"
    )
    return in_transaction(
        lambda: settle_order(
            order=lock_order(order_id=order_id),
            paid=Money(minor, "CNY"),
            from_account_id=clearing,
            policy=shop.policy,
            now=later(1),
        )
    )


def test_placing_holds_the_cards_and_freezes_the_price(shop: Shop) -> None:
    listing, batch = shop.a_listing(price=1000), shop.a_batch(cards=10)
    talker = shop.a_shopper()

    placed = shop.place(talker, listing, 3)
    shop.sql("UPDATE listing SET price_minor = 5, version = 2")

    assert placed.total == Money(3000, "CNY")
    assert placed.deadline == later(15)
    assert shop.card_states(batch) == {"free": 7, "held": 3}
    view = order_view(actor=talker.actor, order_id=placed.order_id)
    assert (view.status, view.total.minor, view.lines[0].quantity) == (OrderStatus.AWAITING_PAYMENT, 3000, 3)


def test_the_same_submission_twice_gives_the_same_order(shop: Shop) -> None:
    listing, batch = shop.a_listing(), shop.a_batch(cards=10)
    talker = shop.a_shopper()

    first = shop.place(talker, listing, 1, submission="tap")
    second = shop.place(talker, listing, 1, submission="tap")

    assert (second.order_id, second.repeated) == (first.order_id, True)
    assert shop.card_states(batch) == {"free": 9, "held": 1}


def test_the_same_submission_with_other_content_is_refused_and_changes_nothing(shop: Shop) -> None:
    listing, _ = shop.a_listing(), shop.a_batch(cards=10)
    talker = shop.a_shopper()
    shop.place(talker, listing, 1, submission="tap")
    before = shop.fingerprint()

    with pytest.raises(OtherContent):
        shop.place(talker, listing, 2, submission="tap")

    assert shop.fingerprint() == before


@pytest.mark.parametrize("quantity", [0, -1, 101, 10**9])
def test_a_quantity_out_of_bounds_is_refused_and_changes_nothing(shop: Shop, quantity: int) -> None:
    """Fault 54: only whole numbers from 1 to the most."""
    listing, _ = shop.a_listing(), shop.a_batch(cards=10)
    talker = shop.a_shopper()
    before = shop.fingerprint()

    with pytest.raises(QuantityRefused):
        shop.place(talker, listing, quantity)

    assert shop.fingerprint() == before


def test_more_than_there_is_is_refused_and_changes_nothing(shop: Shop) -> None:
    listing, _ = shop.a_listing(), shop.a_batch(cards=2)
    talker = shop.a_shopper()
    before = shop.fingerprint()

    with pytest.raises(OutOfStock) as refusal:
        shop.place(talker, listing, 3)

    assert refusal.value.params == {"code": "A1", "left": 2}
    assert shop.fingerprint() == before


def test_cards_held_by_others_are_told_apart_from_sold_out(shop: Shop) -> None:
    listing, _ = shop.a_listing(), shop.a_batch(cards=1)
    shop.place(shop.a_shopper(), listing)

    with pytest.raises(HeldByOthers):
        shop.place(shop.a_shopper(), listing)


def test_a_changed_price_is_never_charged_unseen(shop: Shop) -> None:
    """Fault 41: the button of an old screen."""
    listing, _ = shop.a_listing(), shop.a_batch(cards=2)

    with pytest.raises(PriceChanged):
        shop.place(shop.a_shopper(), listing, seen_version=7)


def test_a_listing_of_another_merchant_is_unknown(shop: Shop) -> None:
    other = shop.a_party("other")
    listing, _ = shop.a_listing(), shop.a_batch(cards=2)

    with pytest.raises(UnknownListing):
        shop.place(shop.a_shopper(merchant=other), listing)


def test_a_shopper_has_three_unpaid_orders_at_most(shop: Shop) -> None:
    listing, _ = shop.a_listing(), shop.a_batch(cards=20)
    talker = shop.a_shopper()
    for _ in range(3):
        shop.place(talker, listing)

    with pytest.raises(TooManyUnpaid):
        shop.place(talker, listing)


def test_strangers_together_hold_a_fifth_of_a_sku_at_most(shop: Shop) -> None:
    listing, _ = shop.a_listing(), shop.a_batch(cards=20)
    for _ in range(4):
        shop.place(shop.a_shopper(paid_orders=0), listing)

    with pytest.raises(StockKeptForOthers):
        shop.place(shop.a_shopper(paid_orders=0), listing)

    assert shop.place(shop.a_shopper(paid_orders=1), listing).total.minor == 1000


def test_a_stranger_holds_for_a_shorter_time(shop: Shop) -> None:
    listing, _ = shop.a_listing(), shop.a_batch(cards=20)

    assert shop.place(shop.a_shopper(paid_orders=0), listing).deadline == later(10)


def test_earlier_expiring_batches_are_sold_first(shop: Shop) -> None:
    listing = shop.a_listing()
    later_batch = shop.a_batch(cards=5, expires_on=date(2027, 12, 31))
    earlier = shop.a_batch(cards=5, expires_on=date(2026, 12, 31))

    shop.place(shop.a_shopper(), listing, 2)

    assert shop.card_states(earlier) == {"free": 3, "held": 2}
    assert shop.card_states(later_batch) == {"free": 5}


def test_a_card_that_ends_today_is_not_sold_and_one_that_ends_tomorrow_is(shop: Shop) -> None:
    listing = shop.a_listing()
    shop.a_batch(cards=5, expires_on=date(2026, 3, 2))
    tomorrow = shop.a_batch(cards=1, expires_on=date(2026, 3, 3))

    shop.place(shop.a_shopper(), listing)

    assert shop.card_states(tomorrow) == {"held": 1}
    with pytest.raises(HeldByOthers):
        shop.place(shop.a_shopper(), listing)


def test_cancelling_gives_the_cards_back_once(shop: Shop) -> None:
    listing, batch = shop.a_listing(), shop.a_batch(cards=5)
    talker = shop.a_shopper()
    placed = shop.place(talker, listing, 2)

    assert cancel_order(actor=talker.actor, order_id=placed.order_id, now=later(1)) is True
    assert cancel_order(actor=talker.actor, order_id=placed.order_id, now=later(2)) is False

    assert shop.card_states(batch) == {"free": 5}
    assert order_view(actor=talker.actor, order_id=placed.order_id).status is OrderStatus.CANCELLED


def test_a_foreign_order_is_answered_like_a_missing_one(shop: Shop) -> None:
    listing, _ = shop.a_listing(), shop.a_batch(cards=5)
    placed = shop.place(shop.a_shopper(), listing)
    stranger = shop.a_shopper()
    before = shop.fingerprint()

    for attempt in (cancel_order,):
        with pytest.raises(NotFound):
            attempt(actor=stranger.actor, order_id=placed.order_id, now=later(1))
    with pytest.raises(NotFound):
        order_view(actor=stranger.actor, order_id=placed.order_id)

    assert orders_of(actor=stranger.actor) == []
    assert shop.fingerprint() == before


def test_a_passed_deadline_gives_the_cards_back_and_tells_the_shopper(shop: Shop) -> None:
    listing, batch = shop.a_listing(), shop.a_batch(cards=5)
    talker = shop.a_shopper()
    placed = shop.place(talker, listing, 2)

    assert expire_due(now=later(14)) == 0
    assert expire_due(now=later(15)) == 1
    assert expire_due(now=later(16)) == 0

    assert shop.card_states(batch) == {"free": 5}
    assert shop.sql("SELECT kind FROM message WHERE conversation_id = %s", [talker.conversation_id]) == [
        ("order_expired",)
    ]
    with pytest.raises(OrderIs):
        cancel_order(actor=talker.actor, order_id=placed.order_id, now=later(17))


def test_settling_claims_the_cards_books_the_shares_and_queues_the_delivery(shop: Shop) -> None:
    listing, batch = shop.a_listing(price=1000), shop.a_batch(cards=5)
    talker = shop.a_shopper()
    placed = shop.place(talker, listing, 2)

    settled = settle(shop, placed.order_id, 2000)

    assert shop.card_states(batch) == {"free": 3, "claimed": 2}
    assert len(settled.delivery_ids) == 1
    assert shop.count("keystall_task") == 1
    assert shop.sql(
        "SELECT s.role, s.amount_minor, t.amount FROM line_share s JOIN transfer t ON t.credit_id = s.account_id"
        " AND t.line_id = s.line_id ORDER BY s.role"
    ) == [("merchant", 1980, 1980), ("platform_fee", 20, 20)]
    assert order_view(actor=talker.actor, order_id=placed.order_id).status is OrderStatus.PAID


def test_everyone_along_the_chain_gets_its_own_margin(shop: Shop) -> None:
    listing = shop.a_listing(price=1000)
    brand, agent = shop.a_party("brand1", "supplier"), shop.a_party("agent1", "supplier")
    for seller, buyer, price in ((brand, agent, 6_000_000), (agent, shop.merchant, 8_000_000)):
        shop.an_offer(seller, buyer, price_micro=price)
    shop.a_batch(cards=5, owner=brand, supplier=brand, terms="consigned")

    placed = shop.place(shop.a_shopper(), listing, 2)

    rows = execute("SELECT party_id, role, amount_minor FROM line_share ORDER BY position")
    assert rows == [
        (brand, "upstream", 1200),
        (agent, "upstream", 400),
        (shop.platform, "platform_fee", 20),
        (shop.merchant, "merchant", 380),
    ]
    assert placed.total.minor == 2000
