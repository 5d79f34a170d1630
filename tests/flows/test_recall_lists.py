"""Who has cards of a recalled batch, and who may recall one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.actor import Actor, ActorKind
from core.errors import Invalid, NotFound
from core.ids import new_id
from core.orders.service import expire_due
from core.stock.rules import BatchIsNot, OutOfStock
from tests.builders import NOON, Shop
from tests.flows.test_recall import a_paid_order, recall, send
from tests.support.till import Till


@pytest.fixture
def till(shop: Shop) -> Till:
    till = Till(shop)
    till.account()
    return till


def test_what_was_delivered_is_listed_with_its_channel_and_stays(till: Till) -> None:
    shop, talker = till.shop, till.shop.a_shopper()
    bad = shop.a_batch(cards=5)
    order = a_paid_order(till, talker)
    send(till, order)
    unpaid = shop.place(shop.a_shopper(), shop.a_listing(), 1, now=till.now)

    done, again = recall(shop, bad), recall(shop, bad)

    assert {(one.order_id, one.channel, one.held, one.opened) for one in done.affected} == {
        (order.order_id, "web", 0, 2),
        (unpaid.order_id, "web", 1, 0),
    }
    assert (again.is_new, again.affected) == (False, done.affected)
    assert shop.card_states(bad) == {"free": 2, "held": 1, "delivered": 2}
    audit = shop.sql("SELECT action, detail FROM audit_entry WHERE object_kind = 'batch'")
    assert audit == [("batch.recalled", {"from": "selling"})]
    expire_due(now=NOON + timedelta(minutes=15))
    with pytest.raises(OutOfStock):
        shop.place(shop.a_shopper(), shop.a_listing(), 1)


def test_only_its_owner_recalls_a_batch_and_never_one_that_is_being_imported(shop: Shop) -> None:
    batch, importing = shop.a_batch(cards=1), shop.a_batch(cards=1, state="importing")
    stranger = Actor(ActorKind.STAFF, id=new_id(), party_id=shop.a_party("other"), roles=frozenset({"owner"}))
    before = shop.fingerprint()

    with pytest.raises(NotFound):
        recall(shop, batch, stranger)
    with pytest.raises(BatchIsNot):
        recall(shop, importing)
    with pytest.raises(Invalid):
        recall(shop, batch, reason="  ")

    assert shop.fingerprint() == before
