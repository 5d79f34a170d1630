"""Orders whose cards a supplier brings: what it says is counted by the vault, what is missing goes back (fault 91)."""

from __future__ import annotations

import pytest

from core.fulfilment import supplied as supplied_lines
from core.orders.review import lines_in_review
from core.orders.rules import OrderStatus
from core.orders.service import order_view
from core.stock.rules import OutOfStock
from core.stock.service import available
from ops.bench.recording import recorded
from tests.builders import NOON, Talker
from tests.flows.test_recall import violated
from tests.support.supplying import PRICE, Supplied

KEYS = ["AAAA-1111-KKKK", "BBBB-2222-KKKK", "CCCC-3333-KKKK"]


def view(supplied: Supplied, talker: Talker, order):
    return order_view(actor=talker.actor, order_id=order.order_id)


def test_a_supplier_brings_what_was_paid_and_it_is_delivered_as_any_card(supplied: Supplied, talker: Talker) -> None:
    supplied.double.keys = KEYS
    order = supplied.bought(talker, 3)
    assert view(supplied, talker, order).status is OrderStatus.PAID
    assert supplied.double.asked[-1][0].endswith("goods/info")

    assert supplied.carries_out(order) == 1
    supplied.till.wait(seconds=3)
    assert supplied.carries_out(order) == 1

    assert supplied.request(order) == ("delivered", 3, 3, None, True)
    assert supplied.delivers(order) == [True, True, True]
    assert view(supplied, talker, order).status is OrderStatus.DELIVERED
    sql, brand = supplied.till.shop.sql, supplied.till.shop.a_party("brand1")
    assert sql("SELECT owner_id, supplier_id, terms, state, card_count FROM batch") == [
        (brand, brand, "consigned", "selling", 3)
    ]
    assert supplied.double.paths() == ["info", "buy", "info"]
    assert violated() == {}


def test_fault_91_fewer_keys_than_were_bought_are_delivered_and_the_rest_goes_back(
    supplied: Supplied, talker: Talker
) -> None:
    """Also INV-M6, INV-M12: everybody gives back exactly what it got of the lines that did not come."""
    supplied.double.keys = KEYS[:2]
    order = supplied.bought(talker, 3)

    supplied.until_settled(order)

    assert supplied.request(order) == ("delivered", 3, 2, None, True)
    assert supplied.delivers(order) == [True, True]
    assert supplied.refunds() == 1
    seen = view(supplied, talker, order)
    assert (seen.status, seen.refunded_minor) == (OrderStatus.PART_DELIVERED, PRICE)
    sql = supplied.till.shop.sql
    assert sql("SELECT kind, subject, detail FROM alert") == [
        ("supplier_trouble", "brand1 A1", {"problem": "short", "missing": 1})
    ]
    assert supplied.trade_balance() == -2000
    assert supplied.till.payment_state(sql("SELECT id FROM payment")[0][0]) == "part_refunded"
    assert violated() == {}


def test_fault_91_keys_that_are_filled_in_one_by_one_are_waited_for_and_all_delivered(
    supplied: Supplied, talker: Talker
) -> None:
    """Its system says done as soon as the first is there: nothing is paid back that comes a minute later."""
    supplied.double.keys = KEYS[:1]
    order = supplied.bought(talker, 2)
    supplied.carries_out(order)
    supplied.till.wait(seconds=5)
    supplied.carries_out(order)
    assert supplied.request(order)[0] == "accepted"

    (theirs,) = supplied.double.orders.values()
    theirs.cards.append(theirs.cards[0] | {"card_password": "LATE-2222-KKKK"})
    supplied.until_settled(order)

    assert supplied.request(order)[:3] == ("delivered", 2, 2)
    assert supplied.till.shop.count("refund") == 0
    assert supplied.delivers(order) == [True, True]


@pytest.mark.parametrize(
    ("brought", "good"),
    [
        pytest.param([KEYS[0], KEYS[0], "", "   "], 1, id="the same key twice, and empty ones"),
        pytest.param([], 0, id="done, but no key at all"),
    ],
)
def test_fault_91_double_and_empty_keys_are_found_by_their_fingerprints_and_paid_back(
    supplied: Supplied, talker: Talker, brought: list[str], good: int
) -> None:
    supplied.double.keys = brought
    order = supplied.bought(talker, 3)

    supplied.until_settled(order)

    assert supplied.request(order)[:3] == ("delivered", 3, good)
    assert supplied.delivers(order) == [True] * good
    assert supplied.refunds() == 3 - good
    assert view(supplied, talker, order).refunded_minor == (3 - good) * PRICE
    assert supplied.trade_balance() == -1000 * good
    assert supplied.double.paths().count("buy") == 1
    assert violated() == {}


def test_fault_91_a_key_that_was_sold_before_is_not_sold_again(supplied: Supplied, talker: Talker) -> None:
    """The supplier sends the same key for a second order: the first keeps it, the second gets its money back."""
    supplied.double.keys = KEYS[:1]
    first = supplied.bought(talker)
    supplied.until_settled(first)
    second = supplied.bought(talker)

    supplied.until_settled(second)

    assert [supplied.request(one)[:3] for one in (first, second)] == [("delivered", 1, 1), ("delivered", 1, 0)]
    assert view(supplied, talker, second).refunded_minor == PRICE
    assert supplied.till.shop.card_states() == {"claimed": 1}
    assert violated() == {}


def test_a_key_that_another_party_brought_before_is_kept_aside_and_paid_back(
    supplied: Supplied, talker: Talker
) -> None:
    """Fault 67: the later copy is contested, which the supplier does not learn."""
    shop = supplied.till.shop
    supplied.vault.import_bytes(KEYS[0].encode(), "keys.txt", owner=shop.merchant, sku="A1")
    shop.sql("UPDATE batch SET state = 'locked'")
    supplied.double.keys = KEYS[:2]
    order = supplied.bought(talker, 2)

    supplied.until_settled(order)

    assert supplied.request(order)[:3] == ("delivered", 2, 1)
    assert shop.card_states() == {"free": 1, "claimed": 1, "quarantined": 1}
    assert view(supplied, talker, order).refunded_minor == PRICE
    assert violated() == {}


def test_keys_beyond_what_was_bought_are_the_suppliers_stock(supplied: Supplied, talker: Talker) -> None:
    supplied.double.keys = KEYS
    order = supplied.bought(talker)

    supplied.until_settled(order)

    assert supplied.till.shop.card_states() == {"free": 2, "claimed": 1}
    assert supplied.till.shop.sql("SELECT state FROM batch") == [("selling",)]


def test_no_key_is_in_a_row_a_message_or_the_log(supplied: Supplied, talker: Talker, capsys, caplog) -> None:
    """INV-K1: the supplier's answer goes from the worker's memory into its seal."""
    supplied.double.keys = KEYS
    order = supplied.bought(talker, 2)
    supplied.until_settled(order)
    supplied.delivers(order)

    printed = capsys.readouterr()
    said = printed.out + printed.err + caplog.text + supplied.every_row()
    assert not [key for key in KEYS if key in said]


def test_what_waits_for_a_supplier_is_promised_to_nobody_else(supplied: Supplied, talker: Talker) -> None:
    """Also for what is unpaid; and it can be sold again when its order ends (INV-S5)."""
    shop, double = supplied.till.shop, supplied.double
    double.stock = 2
    supplied.till.wait(minutes=2)
    supplied.asks_stock()

    supplied.place(talker, 2)
    with pytest.raises(OutOfStock):
        supplied.place(shop.a_shopper())

    assert supplied.left() == 0
    assert violated() == {}
    supplied.till.wait(minutes=30)
    supplied.expires()
    assert supplied.left() == 2


def test_what_cannot_be_paid_along_the_chain_is_not_promised(supplied: Supplied, talker: Talker) -> None:
    """INV-M11: the merchant's trade account reaches for two."""
    supplied.limit(2000)

    with pytest.raises(OutOfStock):
        supplied.place(talker, 3)
    assert supplied.left() == 2
    supplied.place(talker, 2)
    assert supplied.left() == 0


def test_cards_in_stock_are_sold_before_a_supplier_is_asked(supplied: Supplied, talker: Talker) -> None:
    supplied.till.shop.a_batch(cards=5)
    order = supplied.bought(talker, 2)

    assert supplied.till.queued("supply") == []
    assert supplied.till.shop.count("supplier_line") == 0
    assert supplied.delivers(order) == [True]


def test_a_stock_of_cards_that_falls_short_is_left_whole_for_a_supplier_who_has_all(
    supplied: Supplied, talker: Talker
) -> None:
    supplied.till.shop.a_batch(cards=2)
    supplied.double.keys = KEYS
    order = supplied.bought(talker, 3)

    supplied.until_settled(order)

    assert supplied.till.shop.card_states() == {"free": 2, "claimed": 3}
    assert violated() == {}


def test_late_money_has_its_card_brought_where_the_supplier_still_has_one(supplied: Supplied, talker: Talker) -> None:
    """INV-S5 of an order that expired before it was paid."""
    supplied.double.keys = KEYS[:1]
    order = supplied.place(talker)
    payment = supplied.till.start(order)
    supplied.till.wait(minutes=30)
    supplied.expires()
    supplied.forgets()
    supplied.till.receive(supplied.till.notice(payment, PRICE))

    supplied.until_settled(order)

    assert supplied.till.order_state(order) == "paid"
    assert supplied.request(order)[:3] == ("delivered", 1, 1)
    assert violated() == {}


def test_the_shelf_says_what_the_supplier_told(supplied: Supplied) -> None:
    supplied.double.stock = 3
    supplied.till.wait(minutes=2)
    supplied.asks_stock()

    shop = supplied.till.shop
    figures = available(merchant_id=shop.merchant, sku_ids=[shop.a_sku()], usable_on=NOON.date())
    assert figures == {shop.a_sku(): 3}


def test_fault_91_a_part_of_what_was_paid_in_another_currency_waits_for_a_person(
    supplied: Supplied, talker: Talker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """INV-O3: Stars have no price for a single key; what came is delivered all the same."""
    monkeypatch.setattr(supplied_lines, "is_exchanged", lambda *, order_id: True)
    supplied.double.keys = KEYS[:1]
    order = supplied.bought(talker, 2)

    supplied.until_settled(order)

    assert supplied.delivers(order) == [True]
    assert view(supplied, talker, order).status is OrderStatus.IN_REVIEW
    assert [line.missing for line in lines_in_review()] == [1]
    assert supplied.till.shop.count("refund") == 0
    assert supplied.till.told()[-1] == "cards"
    assert violated() == {}


def test_a_suppliers_order_is_placed_in_a_handful_of_statements_more(supplied: Supplied, talker: Talker) -> None:
    supplied.place(supplied.till.shop.a_shopper())  # opens the accounts of a first sale
    with recorded() as recording, recording.during("place"):
        supplied.place(talker, 3)

    assert recording.statements("place") <= 14
