"""What an order keeps for life, and what late money may not do."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.actor import OPERATOR
from core.db import execute, in_transaction
from core.ledger.rules import AccountKind
from core.ledger.service import open_account
from core.money import Money
from core.orders.rules import (
    DELIVERY_TRANSITIONS,
    HOLD_TRANSITIONS,
    ORDER_TRANSITIONS,
    CannotSettle,
    DeliveryState,
    HoldState,
    OrderState,
)
from core.orders.service import cancel_order, expire_due, lock_order, settle_order
from core.stock.rules import BATCH_TRANSITIONS, CARD_TRANSITIONS, BatchState, CardState
from core.supply.service import withdraw_offer
from tests.builders import Shop, later


def clearing(shop: Shop) -> int:
    return open_account(
        kind=AccountKind.CLEARING, holder="gateway:1", counterparty=f"party:{shop.merchant}", currency="CNY"
    )


def settle(shop: Shop, order_id: UUID, minor: int, at: int = 1) -> None:
    from_account_id = clearing(shop)
    in_transaction(
        lambda: settle_order(
            order=lock_order(order_id=order_id),
            paid=Money(minor, "CNY"),
            from_account_id=from_account_id,
            policy=shop.policy,
            now=later(at),
        )
    )


@pytest.mark.parametrize(
    ("transitions", "first"),
    [
        (ORDER_TRANSITIONS, OrderState.AWAITING_PAYMENT),
        (HOLD_TRANSITIONS, HoldState.OPEN),
        (DELIVERY_TRANSITIONS, DeliveryState.WAITING),
        (CARD_TRANSITIONS, CardState.FREE),
        (BATCH_TRANSITIONS, BatchState.IMPORTING),
    ],
)
def test_inv_o1_every_state_is_reachable_and_every_step_leads_to_a_state(transitions: dict, first: str) -> None:
    reached, ahead = {first}, [first]
    while ahead:
        for state in transitions[ahead.pop()] - reached:
            reached.add(state)
            ahead.append(state)

    assert reached == set(transitions)
    assert set().union(*transitions.values()) <= set(transitions)


def test_inv_o1_an_order_takes_no_step_that_is_not_drawn(shop: Shop) -> None:
    listing, _ = shop.a_listing(price=1000), shop.a_batch(cards=20)
    talker = shop.a_shopper()
    paid, cancelled = shop.place(talker, listing).order_id, shop.place(talker, listing).order_id
    settle(shop, paid, 1000)
    cancel_order(actor=talker.actor, order_id=cancelled, now=later(1))
    before = shop.fingerprint()

    assert expire_due(now=later(600)) == 0
    with pytest.raises(CannotSettle) as refusal:
        settle(shop, paid, 1000)
    assert refusal.value.params == {"why": "state"}

    assert shop.fingerprint() == before


def test_inv_o8_price_chain_and_fee_stay_as_they_were_when_the_order_was_placed(shop: Shop) -> None:
    listing, brand = shop.a_listing(price=1000), shop.a_party("brand1", "supplier")

    def offer(price_micro: int) -> None:
        shop.an_offer(brand, shop.merchant, price_micro=price_micro)

    offer(6_000_000)
    shop.a_batch(cards=5, owner=brand, supplier=brand, terms="consigned")
    placed = shop.place(shop.a_shopper(), listing, 2)

    offer(9_000_000)
    shop.sql("UPDATE listing SET price_minor = 1, version = version + 1")
    shop.sql("UPDATE party SET fee_basis_points = 5000")
    withdraw_offer(actor=OPERATOR, seller_id=brand, buyer_id=shop.merchant, sku_id=shop.a_sku(), now=later(1))
    settle(shop, placed.order_id, 2000)

    shares = execute(
        "SELECT s.role, t.amount FROM line_share s JOIN transfer t ON t.credit_id = s.account_id"
        " WHERE t.code = 'sale' ORDER BY s.position"
    )
    assert shares == [("upstream", 1200), ("platform_fee", 20), ("merchant", 780)]


def test_inv_s5_late_money_never_takes_a_card_that_went_to_someone_else(shop: Shop) -> None:
    listing, _ = shop.a_listing(price=1000), shop.a_batch(cards=1)
    late = shop.place(shop.a_shopper(), listing).order_id
    expire_due(now=later(15))
    quick = shop.place(shop.a_shopper(), listing, now=later(16)).order_id
    settle(shop, quick, 1000, at=17)
    before = shop.fingerprint()

    with pytest.raises(CannotSettle) as refusal:
        settle(shop, late, 1000, at=18)

    assert refusal.value.params == {"why": "stock"}
    assert shop.fingerprint() == before


def test_inv_s5_late_money_holds_again_with_the_shares_of_the_cards_it_gets_now(shop: Shop) -> None:
    listing, brand = shop.a_listing(price=1000), shop.a_party("brand1", "supplier")
    shop.an_offer(brand, shop.merchant, price_micro=7_000_000)
    own = shop.a_batch(cards=1)
    shop.a_batch(cards=1, owner=brand, supplier=brand, terms="consigned")
    late = shop.place(shop.a_shopper(), listing).order_id
    expire_due(now=later(15))
    quick = shop.place(shop.a_shopper(), listing, now=later(16)).order_id
    settle(shop, quick, 1000, at=17)
    assert shop.card_states(own) == {"claimed": 1}

    settle(shop, late, 1000, at=18)

    assert shop.card_states() == {"claimed": 2}
    assert execute(
        "SELECT h.state, s.role, s.amount_minor FROM line_share s JOIN hold h ON h.id = s.hold_id"
        " WHERE h.order_id = %s ORDER BY h.created_at, s.position",
        (late,),
    ) == [
        ("expired", "platform_fee", 10),
        ("expired", "merchant", 990),
        ("captured", "upstream", 700),
        ("captured", "platform_fee", 10),
        ("captured", "merchant", 290),
    ]
    paid_to_brand = execute(
        "SELECT sum(t.amount) FROM transfer t JOIN account a ON a.id = t.credit_id"
        " WHERE a.holder = %s AND t.code = 'sale'",
        (f"party:{brand}",),
    )
    assert paid_to_brand == [(700,)]
