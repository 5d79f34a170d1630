"""A recalled batch and cards that end: replaced by others nobody has seen, or refunded whole, before any is shown."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.actor import OPERATOR, Actor
from core.fulfilment.recalling import recall_batch
from core.fulfilment.service import deliver
from core.money import Money
from core.orders.rules import OrderStatus
from core.orders.service import OrderPolicy, PlacedOrder, WantedLine, order_view, place_order
from core.payments.service import carry_out_refund, hold_wallet_part, pay_from_wallet, wallet_balance
from core.ports import Outcome
from core.risk.rules import HoldPolicy
from core.stock.rules import HeldByOthers, OutOfStock
from core.vault.client import VaultCode, VaultRefused
from tests.builders import NOON, Shop, Talker
from tests.flows.test_fulfilment import OpeningVault, kinds
from tests.support.carriers import NOBODY
from tests.support.till import ScriptedGateway, Till
from tests.support.trade import stands
from tests.support.trade import violated as all_violated

LATE = datetime(2026, 3, 2, 15, 59, 59, tzinfo=UTC)
"""23:59:59 on 2 March in Shanghai."""


@pytest.fixture
def till(shop: Shop) -> Till:
    till = Till(shop)
    till.account()
    return till


def violated() -> dict[str, int]:
    """What verify found, beside the audit of the vault, which only opens here in play."""
    return {invariant: count for invariant, count in all_violated().items() if invariant != "INV-K4"}


def batch_id(shop: Shop, no: int) -> UUID:
    found: UUID = shop.sql("SELECT id FROM batch WHERE no = %s", [no])[0][0]
    return found


def recall(shop: Shop, no: int, actor: Actor = OPERATOR, reason: str = "the brand found copies") -> Any:
    return recall_batch(actor=actor, batch_id=batch_id(shop, no), reason=reason, now=NOON)


def a_paid_order(till: Till, talker: Talker, quantity: int = 2) -> PlacedOrder:
    order = till.shop.place(talker, till.shop.a_listing(price=1000), quantity, now=till.now)
    till.pay(order)
    return order


def send(till: Till, order: PlacedOrder, vault: Any = None) -> list[bool]:
    """Every line of an order is delivered, as the worker does."""
    rows = till.shop.sql("SELECT id FROM delivery WHERE order_id = %s ORDER BY id", [order.order_id])
    vault = vault or OpeningVault(till.shop)
    return [deliver(delivery_id=one, vault=vault, carrier=NOBODY, now=till.now) for (one,) in rows]


def refunds(till: Till, answer: Outcome = Outcome.YES) -> ScriptedGateway:
    """The worker sends what is to go back."""
    gateway = ScriptedGateway([answer])
    for (refund_id,) in till.shop.sql("SELECT id FROM refund WHERE state = 'requested'"):
        carry_out_refund(refund_id=refund_id, gateways={"sandbox": gateway}, now=till.now)
    return gateway


def test_fault_65_a_batch_recalled_between_pay_and_deliver_is_replaced_from_another(till: Till) -> None:
    shop, talker = till.shop, till.shop.a_shopper()
    bad = shop.a_batch(cards=5)
    order = a_paid_order(till, talker)
    good = shop.a_batch(cards=5)

    done = recall(shop, bad)

    assert (done.is_new, [(one.waiting, one.opened, one.held) for one in done.affected]) == (True, [(2, 0, 0)])
    assert send(till, order) == [True]
    assert shop.card_states(bad) == {"free": 5}
    assert shop.card_states(good) == {"free": 3, "delivered": 2}
    assert kinds(talker) == ["paid", "cards"]
    assert violated() == {}


def test_fault_65_with_no_other_batch_the_money_goes_back_and_the_operator_is_told(till: Till) -> None:
    """INV-M6, INV-M7, INV-M8: everybody gives back exactly what it got of the line."""
    shop, talker = till.shop, till.shop.a_shopper()
    bad = shop.a_batch(cards=5, terms="owned", supplier=shop.a_party("brand1", "supplier"), unit_cost_micro=3_333_333)
    order = a_paid_order(till, talker)
    recall(shop, bad)
    vault = OpeningVault(shop)

    assert send(till, order, vault) == [False]
    between = violated()
    gateway = refunds(till)

    assert (vault.asked, between, violated()) == (0, {}, {})
    assert len(gateway.given) == 1
    assert shop.card_states() == {"free": 5}
    view = order_view(actor=talker.actor, order_id=order.order_id)
    assert (view.status, view.refunded_minor) == (OrderStatus.REFUNDED, 2000)
    assert shop.sql("SELECT state, refunded_minor FROM payment") == [("refunded", 2000)]
    assert shop.sql("SELECT kind, detail FROM alert") == [("line_refunded", {"problem": "batch_recalled"})]
    assert kinds(talker) == ["paid", "refunded"]
    balances = till.balances()
    kept = {kind: balances.get(kind, 0) for kind in ("pending", "fee", "stock", "suspense", "clearing")}
    assert set(kept.values()) == {0}
    assert send(till, order) == [False]


def test_a_line_that_holds_another_card_beside_is_not_mended_with_it(till: Till) -> None:
    """Fault 65: it would hand over a card too many."""
    shop = till.shop
    bad = shop.a_batch(cards=5)
    order = a_paid_order(till, shop.a_shopper())
    shop.a_batch(cards=5)
    ((line, free),) = shop.sql("SELECT l.id, c.id FROM order_line l, card c WHERE c.state = 'free' LIMIT 1")
    shop.sql("UPDATE card SET state = 'held', line_id = %s WHERE id = %s", [line, free])
    recall(shop, bad)
    before = shop.card_states()

    with pytest.raises(RuntimeError, match="a line's held and claimed cards disagree"):
        send(till, order)

    assert shop.card_states() == before


def test_a_refunded_line_gives_the_cost_back_on_every_hop_of_its_chain(till: Till) -> None:
    """INV-M12: what was captured goes back, once and whole."""
    shop = till.shop
    brand, agent = shop.a_party("brand1", "supplier"), shop.a_party("agent1", "supplier")
    shop.an_offer(brand, agent, price_micro=7_000_000, credit=2000)
    shop.an_offer(agent, shop.merchant, price_micro=8_000_000, credit=2000)
    bad = shop.a_batch(cards=5, owner=brand, supplier=brand, terms="consigned")
    order = a_paid_order(till, shop.a_shopper())
    assert stands(shop) == {"agent1→brand1": (-1400, 0, 2000), "demo→agent1": (-1600, 0, 2000)}
    shop.a_batch(cards=5)  # the merchant's own cards cost something else, so they do not take their place
    recall(shop, bad)

    assert send(till, order) == [False]

    assert stands(shop) == {"agent1→brand1": (0, 0, 2000), "demo→agent1": (0, 0, 2000)}
    assert violated() == {}


def test_what_the_wallet_paid_is_in_it_again_at_once(till: Till) -> None:
    shop, talker = till.shop, till.shop.a_shopper()
    till.fill_wallet(talker, 3000)
    bad = shop.a_batch(cards=5)
    order = shop.place(talker, shop.a_listing(price=1000), 2)
    pay_from_wallet(actor=talker.actor, order_id=order.order_id, submission_id="pay", now=till.now)
    recall(shop, bad)

    assert send(till, order) == [False]

    assert wallet_balance(actor=talker.actor, currency="CNY") == Money(3000, "CNY")
    assert shop.sql("SELECT state, refunded_minor FROM payment WHERE rail = 'wallet'") == [("refunded", 2000)]
    assert shop.sql("SELECT to_wallet, state, amount_minor FROM refund") == [(True, "succeeded", 2000)]
    assert violated() == {}


@pytest.mark.parametrize(("answer", "in_wallet"), [(Outcome.YES, 3000), (Outcome.NO, 4300)])
def test_a_mixed_payment_goes_back_each_part_to_where_it_came_from(till: Till, answer: Outcome, in_wallet: int) -> None:
    """Where the rail refuses, its part goes to the wallet too."""
    shop, talker = till.shop, till.shop.a_shopper()
    till.fill_wallet(talker, 3000)
    bad = shop.a_batch(cards=5)
    order = shop.place(talker, shop.a_listing(price=1000), 2)
    hold_wallet_part(actor=talker.actor, order_id=order.order_id, amount=Money(700, "CNY"), now=till.now)
    till.pay(order)
    recall(shop, bad)

    assert send(till, order) == [False]
    assert violated() == {}
    refunds(till, answer)

    assert wallet_balance(actor=talker.actor, currency="CNY") == Money(in_wallet, "CNY")
    assert shop.sql("SELECT refunded_minor, paid_minor FROM shop_order") == [(2000, 2000)]
    assert violated() == {}


def test_of_two_lines_one_is_refunded_and_the_order_closes_with_the_other(till: Till) -> None:
    shop, talker = till.shop, till.shop.a_shopper()
    listings = [shop.a_listing("A1", price=1000), shop.a_listing("B1", price=700)]
    bad, good = shop.a_batch("A1", cards=2), shop.a_batch("B1", cards=2)
    order = place_order(
        actor=talker.actor,
        conversation_id=talker.conversation_id,
        lines=[WantedLine(listing, 1) for listing in listings],
        submission_id="two",
        network="n",
        policy=shop.policy,
        keys=shop.keys,
        now=till.now,
    )
    till.pay(order)
    recall(shop, bad)

    assert sorted(send(till, order)) == [False, True]

    assert (shop.card_states(bad), shop.card_states(good)) == ({"free": 2}, {"free": 1, "delivered": 1})
    assert shop.sql("SELECT state, refunded_minor FROM shop_order") == [("closed", 1000)]
    assert shop.sql("SELECT amount_minor FROM refund") == [(1000,)]
    assert violated() == {}
    refunds(till)
    assert violated() == {}


def test_a_recall_while_the_vault_is_asked_is_mended_before_anything_is_shown(till: Till) -> None:
    """The vault refuses cards of a batch that was stopped in that moment; the next try has others."""
    shop, talker = till.shop, till.shop.a_shopper()
    bad = shop.a_batch(cards=5)
    order = a_paid_order(till, talker)
    shop.a_batch(cards=5)

    class Stopped(OpeningVault):
        def open_delivery(self, delivery: UUID, /, **how: Any) -> Any:
            if not self.asked:
                recall(shop, bad)
                self.refusals.append(VaultRefused(VaultCode.BATCH_STOPPED, "recalled"))
            return super().open_delivery(delivery, **how)

    vault = Stopped(shop)
    assert send(till, order, vault) == [False]
    till.wait(seconds=5)
    assert send(till, order, vault) == [True]
    assert shop.card_states(bad) == {"free": 5}
    assert violated() == {}


def test_fault_66_a_card_that_ends_tonight_is_not_sold_a_second_before_midnight(shop: Shop) -> None:
    """By default a card is valid tomorrow at least, in the store's zone; a SKU may ask for more, or for less."""
    shop.policy = OrderPolicy(holds=HoldPolicy(share_percent=100))
    listing, today = shop.a_listing(), date(2026, 3, 2)
    batch = shop.a_batch(cards=1, expires_on=today)
    talker = shop.a_shopper()
    before = shop.fingerprint()

    with pytest.raises(OutOfStock):
        shop.place(talker, listing, now=LATE)

    assert shop.fingerprint() == before
    tomorrow = shop.a_batch(cards=1, expires_on=today + timedelta(days=1))
    shop.place(talker, listing, now=LATE)
    assert (shop.card_states(batch), shop.card_states(tomorrow)) == ({"free": 1}, {"held": 1})
    shop.sql("UPDATE sku SET minimum_life_days = 30")
    shop.a_batch(cards=1, expires_on=today + timedelta(days=29))
    with pytest.raises((OutOfStock, HeldByOthers)):
        shop.place(talker, listing, now=LATE)
    shop.sql("UPDATE sku SET minimum_life_days = 0")
    shop.place(talker, listing, now=LATE)
    assert shop.card_states(batch) == {"held": 1}


@pytest.mark.parametrize("others", [0, 5])
def test_fault_66_a_card_that_ended_between_payment_and_delivery_is_not_handed_over(till: Till, others: int) -> None:
    shop, talker = till.shop, till.shop.a_shopper()
    shop.a_sku(minimum_life_days=0)
    till.clock.move(LATE - till.now)
    old = shop.a_batch(cards=2, expires_on=date(2026, 3, 2))
    order = a_paid_order(till, talker)
    good = shop.a_batch(cards=others)
    till.wait(seconds=1)

    assert send(till, order) == [others > 0]

    assert shop.card_states(old) == {"free": 2}
    assert shop.card_states(good) == ({"free": 3, "delivered": 2} if others else {})
    assert shop.sql("SELECT count(*)::int FROM refund") == [(0 if others else 1,)]
    assert violated() == {}


def test_fault_66_until_midnight_the_same_card_is_handed_over(till: Till) -> None:
    shop = till.shop
    shop.a_sku(minimum_life_days=0)
    till.clock.move(LATE - till.now)
    old = shop.a_batch(cards=2, expires_on=date(2026, 3, 2))

    assert send(till, a_paid_order(till, shop.a_shopper())) == [True]

    assert shop.card_states(old) == {"delivered": 2}


def test_two_workers_mend_one_line_once(till: Till) -> None:
    """A line that one worker refunds is delivered by no other."""
    shop = till.shop
    bad = shop.a_batch(cards=5)
    order = a_paid_order(till, shop.a_shopper())
    recall(shop, bad)

    assert send(till, order) + send(till, order) == [False, False]

    assert shop.sql("SELECT count(*)::int, sum(amount_minor)::int FROM refund") == [(1, 2000)]
    assert violated() == {}
