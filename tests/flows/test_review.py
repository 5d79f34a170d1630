"""Paid lines that wait for a person, and two senders of one delivery."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.actor import OPERATOR
from core.db import in_transaction
from core.errors import NotFound
from core.fulfilment.service import deliver
from core.ids import new_id
from core.orders.review import CardsAreBroken, NothingToRelease, WentOut
from core.orders.rules import OrderStatus
from core.orders.service import begin_sending, finish_sending, lines_in_review, order_view, put_back, release_order
from core.vault.client import VaultCode, VaultRefused
from tests.builders import Shop, later
from tests.flows.test_fulfilment import OpeningVault, a_paid_line
from tests.support.carriers import NOBODY


def test_a_line_held_over_budget_is_listed_released_and_then_delivered(shop: Shop) -> None:
    _, talker = shop.a_batch(cards=5), shop.a_shopper()
    order, delivery = a_paid_line(shop, talker)
    vault = OpeningVault(shop, refusals=[VaultRefused(VaultCode.OVER_BUDGET, "")])
    deliver(delivery_id=delivery, vault=vault, carrier=NOBODY, now=later(2))

    listed = lines_in_review()
    released = release_order(actor=OPERATOR, order_id=order, now=later(70))
    delivered = deliver(delivery_id=delivery, vault=vault, carrier=NOBODY, now=later(70))

    assert [(line.order_id, line.code, line.reason, line.missing) for line in listed] == [
        (order, "A1", "over_budget", 0)
    ]
    assert (released, delivered) == (1, True)
    assert order_view(actor=talker.actor, order_id=order).status is OrderStatus.DELIVERED
    actions = [row[0] for row in shop.sql("SELECT action FROM audit_entry ORDER BY id")]
    assert actions[-3:] == ["line.held_for_review", "order.released", "order.delivered"]
    assert lines_in_review() == []


def test_nothing_is_released_twice_by_others_or_where_nothing_waits(shop: Shop) -> None:
    _, talker = shop.a_batch(cards=5), shop.a_shopper()
    order, _ = a_paid_line(shop, talker)
    before = shop.fingerprint()

    with pytest.raises(NothingToRelease):
        release_order(actor=OPERATOR, order_id=order, now=later(2))
    with pytest.raises(NotFound):
        release_order(actor=talker.actor, order_id=order, now=later(2))
    with pytest.raises(NotFound):
        release_order(actor=OPERATOR, order_id=new_id(), now=later(2))

    assert shop.fingerprint() == before


def test_a_line_with_a_broken_card_is_not_released_short(shop: Shop) -> None:
    _, talker = shop.a_batch(cards=5), shop.a_shopper()
    order, delivery = a_paid_line(shop, talker)
    deliver(
        delivery_id=delivery,
        vault=OpeningVault(shop, refusals=[VaultRefused(VaultCode.BROKEN_CARD, "")]),
        carrier=NOBODY,
        now=later(2),
    )
    shop.sql("UPDATE card SET state = 'quarantined' WHERE id = (SELECT id FROM card WHERE state = 'claimed' LIMIT 1)")

    with pytest.raises(CardsAreBroken):
        release_order(actor=OPERATOR, order_id=order, now=later(3))

    assert lines_in_review()[0].missing == 1


def test_fault_100_an_order_whose_cards_went_out_before_a_restore_is_not_released_and_delivered_twice(
    shop: Shop,
) -> None:
    _, talker = shop.a_batch(cards=5), shop.a_shopper()
    order, _ = a_paid_line(shop, talker)
    shop.sql("UPDATE order_line SET gate = 'review', gate_reason = 'went_out_before'")
    before = shop.fingerprint()

    with pytest.raises(WentOut) as no:
        release_order(actor=OPERATOR, order_id=order, now=later(3))

    assert (no.value.reason, shop.fingerprint()) == ("went_out", before)
    assert shop.sql("SELECT gate, gate_reason FROM order_line") == [("review", "went_out_before")]


def test_a_sender_whose_lease_ended_does_not_disturb_the_next_one(shop: Shop) -> None:
    _, talker = shop.a_batch(cards=5), shop.a_shopper()
    _, delivery = a_paid_line(shop, talker)
    slow = in_transaction(lambda: begin_sending(delivery_id=delivery, now=later(2)))
    quick = in_transaction(lambda: begin_sending(delivery_id=delivery, now=later(2) + timedelta(seconds=61)))
    assert slow is not None
    assert quick is not None

    put_back(sending=slow, again_at=later(10), problem="vault_away")
    finished = in_transaction(lambda: finish_sending(sending=slow, now=later(4)))

    assert finished is False
    assert shop.sql("SELECT state, attempts FROM delivery") == [("sending", 2)]
