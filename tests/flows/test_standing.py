"""What suspending, reopening and closing a party does to what is sold, and what offers that are made meanwhile do."""

import threading

import pytest

from core import db
from core.actor import OPERATOR
from core.errors import Invalid, NotAllowed
from core.parties.rules import PLATFORM_ROLES, Role
from core.parties.service import find_merchant
from core.parties.standing import PartyMoved, set_fee
from core.settlement.suspending import approve_party, reopen_party, suspend_party
from core.stock.rules import OutOfStock
from core.supply.service import make_offer
from tests.builders import NOON, Shop, in_own_connection, later
from tests.flows.test_parties import staff_of


def sources(shop: Shop) -> list[int]:
    return [int(owner) for (owner,) in shop.sql("SELECT pool_owner_id FROM source ORDER BY position")]


def test_a_suspended_distributor_is_in_no_chain_and_open_orders_go_on(shop: Shop) -> None:
    brand, agent = shop.a_party("brand1", "supplier"), shop.a_party("agent1", "supplier")
    shop.an_offer(brand, agent, price_micro=5_000_000)
    shop.an_offer(agent, shop.merchant, price_micro=6_000_000)
    shop.a_batch("A1", cards=30, owner=brand, supplier=brand, terms="consigned")
    listing, talker = shop.a_listing("A1", price=2500), shop.a_shopper()
    order = shop.place(talker, listing)
    assert sources(shop) == [agent, brand]
    now = db.database_now()

    suspend_party(actor=OPERATOR, party_id=agent, reason="Complaints", now=now)

    assert sources(shop) == []
    with pytest.raises(OutOfStock):
        shop.place(talker, listing)
    assert shop.sql("SELECT state FROM shop_order WHERE id = %s", [order.order_id]) == [("awaiting_payment",)]
    assert shop.card_states() == {"held": 1, "free": 29}
    reopen_party(actor=OPERATOR, party_id=agent, now=now)
    assert sources(shop) == [agent, brand]
    shop.place(talker, listing)
    with pytest.raises(PartyMoved):
        reopen_party(actor=OPERATOR, party_id=agent, now=now)


@pytest.mark.parametrize("who_applies", ["brand1", "agent1"])
def test_offers_that_were_made_with_a_party_before_it_is_let_in_count_from_then_on(
    shop: Shop, who_applies: str
) -> None:
    """Also in the middle of a chain: nobody has to make them anew."""
    brand, agent = shop.a_party("brand1", "supplier"), shop.a_party("agent1", "supplier")
    shop.sql("UPDATE party SET status = 'applied' WHERE code = %s", [who_applies])
    shop.an_offer(brand, agent, price_micro=5_000_000)
    shop.an_offer(agent, shop.merchant, price_micro=6_000_000)
    shop.a_batch("A1", cards=3, owner=brand, supplier=brand, terms="consigned")
    listing, talker = shop.a_listing("A1", price=2500), shop.a_shopper()
    assert brand not in sources(shop)
    with pytest.raises(OutOfStock):
        shop.place(talker, listing)

    approve_party(actor=OPERATOR, party_id=shop.a_party(who_applies), now=db.database_now())

    assert sources(shop) == [agent, brand]
    shop.place(talker, listing)
    assert shop.card_states() == {"held": 1, "free": 2}


def test_an_offer_that_is_made_while_its_seller_is_suspended_makes_no_source(shop: Shop) -> None:
    """Two at once: who suspends waits for the offer, which it then sees (tests/mutations has the control)."""
    brand = shop.a_party("brand1", "supplier")
    shop.an_offer(brand, shop.merchant, price_micro=5_000_000)
    shop.a_sku("B2")
    now = db.database_now()
    suspending = threading.Thread(
        target=lambda: in_own_connection(
            lambda: suspend_party(actor=OPERATOR, party_id=brand, reason="Complaints", now=now)
        )
    )

    with db.atomic():
        make_offer(
            actor=OPERATOR, seller_id=brand, buyer_id=shop.merchant, sku_id=shop.a_sku("B2"), price_micro=1,
            currency="CNY", now=now,
        )  # fmt: skip
        suspending.start()
        suspending.join(0.3)
        assert suspending.is_alive()
    suspending.join(5)

    assert sources(shop) == []


def test_only_the_platform_suspends_and_only_its_owner_sets_a_fee(shop: Shop) -> None:
    assert shop.merchant
    before = shop.fingerprint()

    for roles in ({Role.OWNER}, {Role.AUDITOR}):
        with pytest.raises(NotAllowed):
            suspend_party(actor=staff_of(shop.merchant, *roles), party_id=shop.merchant, reason="x", now=NOON)
    with pytest.raises(NotAllowed):
        set_fee(
            actor=staff_of(shop.platform, *(PLATFORM_ROLES - {Role.PLATFORM_OWNER})),
            party_id=shop.merchant,
            fee_basis_points=1,
            now=NOON,
        )
    with pytest.raises(Invalid):
        suspend_party(actor=OPERATOR, party_id=shop.platform, reason="x", now=NOON)
    assert shop.fingerprint() == before


def test_a_fee_counts_for_orders_placed_from_then_on(shop: Shop) -> None:
    """INV-O8: a line keeps the fee that it was placed with."""
    listing, talker = shop.a_listing("A1", price=10_000), shop.a_shopper()
    shop.a_batch("A1", cards=30)
    first = shop.place(talker, listing)
    set_fee(actor=OPERATOR, party_id=shop.merchant, fee_basis_points=500, now=NOON)

    second = shop.place(talker, listing, now=later(1))

    shares = "SELECT sum(s.amount_minor)::int FROM line_share s JOIN order_line l ON l.id = s.line_id" \
             " WHERE s.role = 'platform_fee' AND l.order_id = %s"  # fmt: skip
    assert [shop.sql(shares, [order.order_id])[0][0] for order in (first, second)] == [100, 500]
    assert find_merchant("demo").id == shop.merchant
