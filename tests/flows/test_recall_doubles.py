"""A recalled line whose payer had paid twice: each payment goes back once, to where it came from."""

from __future__ import annotations

import pytest

from tests.builders import Shop
from tests.flows.test_recall import recall, refunds, send, violated
from tests.support.till import Till


@pytest.fixture
def till(shop: Shop) -> Till:
    till = Till(shop)
    till.account()
    return till


def test_what_paid_twice_and_went_back_once_goes_back_to_its_source_a_second_time(till: Till) -> None:
    """Fault 65, INV-M8: the double had its own refund, so the line's money is still at the gateway. A seed of the
    simulator found it: with a third payment the line could not end at all.
    """
    shop = till.shop
    bad = shop.a_batch(cards=5)
    order = shop.place(shop.a_shopper(), shop.a_listing(price=1000), 2, now=till.now)
    payment = till.start(order)
    for _ in range(3):
        till.receive(till.notice(payment, 2000))
    refunds(till)
    recall(shop, bad)

    assert send(till, order) == [False]
    gateway = refunds(till)

    went_back = "SELECT to_wallet, amount_minor, state, count(*) FROM refund GROUP BY 1, 2, 3"
    assert shop.sql(went_back) == [(False, 2000, "succeeded", 3)]
    assert len(gateway.given) == 1
    assert shop.sql("SELECT state, refunded_minor FROM payment") == [("refunded", 2000)]
    assert violated() == {}
