"""What a suspended party cannot do any more, from that moment on; what was paid is delivered all the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core import db
from core.actor import OPERATOR, Actor, ActorKind
from core.catalog.rules import UnknownListing
from core.errors import NotFound
from core.money import Money
from core.orders.service import begin_sending, finish_sending
from core.parties.api_keys import holder_of, make_key
from core.parties.rules import Role
from core.parties.signing_in import From, WrongSignIn, sign_in
from core.parties.staff_sessions import session_of
from core.payments.rules import NotForSale
from core.payments.service import (
    hold_wallet_part,
    make_intent,
    offered,
    pay_from_wallet,
    settle_free,
    start_payment,
    start_topup,
)
from core.secret import Secret
from core.settlement.suspending import reopen_party, suspend_party
from tests.builders import Shop, Talker
from tests.support.panel import PASSWORD, a_login
from tests.support.till import Till


def suspend(shop: Shop, party: int | None = None) -> None:
    suspend_party(actor=OPERATOR, party_id=party or shop.merchant, reason="Complaints", now=db.database_now())


def test_its_keys_and_its_people_open_nothing_and_keys_come_back_with_it(shop: Shop) -> None:
    """INV-D2: somebody who works for another party too goes on there."""
    brand, now = shop.a_party("brand1", "supplier"), db.database_now()
    person = a_login("jie@brand1.test", brand, Role.OWNER)
    both = a_login("both@demo.test", shop.merchant, Role.OWNER)
    shop.sql("INSERT INTO staff_role (staff_id, party_id, role) VALUES (%s, %s, 'stock')", [both, brand])
    owner = Actor(ActorKind.STAFF, id=person, party_id=brand, roles=frozenset({Role.OWNER}))
    scopes = frozenset({"stock:read"})
    key = make_key(actor=owner, party_id=brand, called="ERP", scopes=scopes, networks=(), days=1, now=now)

    def key_holder() -> int:
        return holder_of(whole=key.whole, address="192.0.2.1", now=db.database_now()).party_id

    def signed_in(email: str) -> Secret:
        said = From("a test", "192.0.2")
        return sign_in(email=email, password=Secret(PASSWORD), came_from=said, now=db.database_now()).secret

    before = signed_in("jie@brand1.test")
    assert key_holder() == session_of(secret=before, now=db.database_now()).party.id == brand

    suspend(shop, brand)

    with pytest.raises(NotFound):
        key_holder()
    with pytest.raises(NotFound):
        session_of(secret=before, now=db.database_now())
    with pytest.raises(WrongSignIn):
        signed_in("jie@brand1.test")
    assert session_of(secret=signed_in("both@demo.test"), now=db.database_now()).party.id == shop.merchant
    reopen_party(actor=OPERATOR, party_id=brand, now=db.database_now())
    assert key_holder() == brand
    with pytest.raises(NotFound):
        session_of(secret=before, now=db.database_now())


def ways_to_pay(till: Till, talker: Talker, order: Any, free: Any) -> dict[str, Callable[[], object]]:
    actor, now = talker.actor, till.now
    account, five = till.account()[0], Money(500, "CNY")
    return {
        "gateway": lambda: start_payment(order_id=order.order_id, gateway_account_id=account, now=now),
        "wallet": lambda: pay_from_wallet(actor=actor, order_id=order.order_id, submission_id="w", now=now),
        "part": lambda: hold_wallet_part(actor=actor, order_id=order.order_id, amount=five, now=now),
        "free": lambda: settle_free(order_id=free.order_id, now=now),
        "top-up": lambda: start_topup(actor=actor, gateway_account_id=account, amount=five, now=now),
    }


@pytest.mark.parametrize("way", ["gateway", "wallet", "part", "free", "top-up"])
def test_its_shop_takes_no_order_and_asks_nobody_for_money_until_it_is_reopened(
    shop: Shop, till: Till, talker: Talker, way: str
) -> None:
    listing, free = shop.a_listing("A1", price=1000), shop.a_listing("F1", price=0)
    shop.a_batch("A1", cards=5)
    shop.a_batch("F1", cards=5)
    till.fill_wallet(talker, 2000)
    ways = ways_to_pay(till, talker, shop.place(talker, listing), shop.place(talker, free))
    suspend(shop)
    before = shop.fingerprint()

    with pytest.raises(UnknownListing):
        shop.place(talker, listing)
    with pytest.raises(NotForSale):
        ways[way]()

    assert offered(merchant_id=shop.merchant, currency="CNY") == []
    assert shop.fingerprint() == before
    reopen_party(actor=OPERATOR, party_id=shop.merchant, now=db.database_now())
    assert len(offered(merchant_id=shop.merchant, currency="CNY")) == 1
    ways[way]()


def test_what_was_paid_and_money_on_its_way_are_delivered_and_no_further_intent_reaches_a_gateway(
    shop: Shop, till: Till, talker: Talker
) -> None:
    listing = shop.a_listing("A1", price=1000)
    shop.a_batch("A1", cards=30)
    paid, paying, asked = (shop.place(talker, listing) for _ in range(3))
    till.pay(paid)
    on_its_way, unsent = till.start(paying), till.start(asked)
    make_intent(payment_id=on_its_way, gateways={"sandbox": till.gateway}, now=till.now)

    suspend(shop)

    assert make_intent(payment_id=unsent, gateways={}, now=till.now).state == "created"
    till.receive(till.notice(on_its_way, 1000))
    assert [till.order_state(one) for one in (paid, paying, asked)] == ["paid", "paid", "awaiting_payment"]
    shop.sql("UPDATE card SET opened_at = now() WHERE state = 'claimed'")  # as the vault does
    for (delivery,) in shop.sql("SELECT id FROM delivery"):
        sending = begin_sending(delivery_id=delivery, now=till.now)
        assert sending is not None
        with db.atomic():
            assert finish_sending(sending=sending, now=till.now)
    assert shop.card_states() == {"delivered": 2, "held": 1, "free": 27}
    assert till.violations() == {}


def test_cards_of_a_suspended_supplier_are_sold_by_no_merchant(shop: Shop, talker: Talker) -> None:
    """Its own and those that came down a chain through it; another supplier's go on being sold."""
    brand, other = shop.a_party("brand1", "supplier"), shop.a_party("brand2", "supplier")
    for seller, price in ((brand, 5_000_000), (other, 6_000_000)):
        shop.an_offer(seller, shop.merchant, price_micro=price)
    mine = shop.a_batch("A1", cards=5, owner=brand, supplier=brand, terms="consigned")
    theirs = shop.a_batch("A1", cards=1, owner=other, supplier=other, terms="consigned")
    listing = shop.a_listing("A1", price=2500)

    suspend(shop, brand)

    shop.place(talker, listing)
    assert (shop.card_states(mine), shop.card_states(theirs)) == ({"free": 5}, {"held": 1})
