"""Fault 9 on a real wire: the commit succeeds and its acknowledgement is lost; the same id finds the first result."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core import db
from core.payments.service import pay_from_wallet, wallet_balance
from core.submission import OtherContent
from tests.builders import Shop, Talker
from tests.support.dropping import DroppingProxy, dropping
from tests.support.till import Till


@pytest.fixture
def wire(urls: dict[str, str], store_db: db.StoreDatabase) -> Iterator[DroppingProxy]:
    """The store talks to its database over a network that can lose a reply."""
    with dropping(urls["shop"]) as (proxy, address):
        db.connect(address, size=4)
        yield proxy
        db.disconnect()


def test_fault_9_an_order_whose_acknowledgement_was_lost_is_found_by_its_submission(
    shop: Shop, talker: Talker, wire: DroppingProxy
) -> None:
    listing, _ = shop.a_listing(), shop.a_batch(cards=10)
    wire.lose_the_next()

    placed = shop.place(talker, listing, 2, submission="tap")
    again = shop.place(talker, listing, 2, submission="tap")

    assert wire.dropped == 1
    assert (placed.repeated, again.repeated) == (True, True)
    assert placed.order_id == again.order_id
    assert shop.sql("SELECT id, state FROM shop_order") == [(placed.order_id, "awaiting_payment")]
    assert shop.card_states() == {"free": 8, "held": 2}
    with pytest.raises(OtherContent):
        shop.place(talker, listing, 3, submission="tap")


def test_fault_9_control_another_id_is_another_order(shop: Shop, talker: Talker, wire: DroppingProxy) -> None:
    listing, _ = shop.a_listing(), shop.a_batch(cards=10)
    wire.lose_the_next()

    first = shop.place(talker, listing, 1, submission="tap")
    second = shop.place(talker, listing, 1, submission="another tap")

    assert wire.dropped == 1
    assert first.order_id != second.order_id
    assert shop.card_states() == {"free": 8, "held": 2}


def test_fault_9_money_is_moved_once_whether_or_not_the_acknowledgement_arrives(
    till: Till, shop: Shop, talker: Talker, wire: DroppingProxy
) -> None:
    till.fill_wallet(talker, 5000)
    listing, _ = shop.a_listing(price=1000), shop.a_batch()
    order = shop.place(talker, listing)
    wire.lose_the_next()

    payments = {
        pay_from_wallet(actor=talker.actor, order_id=order.order_id, submission_id="once", now=till.now)
        for _ in range(2)
    }

    assert wire.dropped == 1
    assert len(payments) == 1
    assert till.order_state(order) == "paid"
    assert wallet_balance(actor=talker.actor, currency="CNY").minor == 4000
    assert till.violations() == {}


def test_fault_9_a_notice_whose_booking_was_not_acknowledged_is_booked_once(
    till: Till, shop: Shop, talker: Talker, wire: DroppingProxy
) -> None:
    listing, _ = shop.a_listing(price=1000), shop.a_batch()
    order = shop.place(talker, listing)
    notice = till.notice(till.start(order), 1000)
    wire.lose_the_next()

    answers = [till.receive(notice).status for _ in range(2)]

    assert wire.dropped == 1
    assert answers == [200, 200]
    assert (till.order_state(order), till.told(), len(till.queued("deliver"))) == ("paid", ["paid"], 1)
    assert till.violations() == {}
