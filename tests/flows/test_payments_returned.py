"""Money that a gateway gave back by itself, in whatever order its notices and our payment become visible (fault 23)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest

from core.db import in_transaction
from core.money import Money
from core.orders.deliveries import begin_sending, put_back
from core.payments.service import join_due, start_topup, wallet_balance
from tests.builders import Shop, Talker
from tests.support.till import Till


@pytest.fixture
def order(shop: Shop, talker: Talker):
    """A placed order over 10.00 CNY for one card of ten."""
    listing, _ = shop.a_listing(price=1000), shop.a_batch(cards=10)
    return shop.place(talker, listing)


@contextmanager
def invisible(till: Till, payment: UUID) -> Iterator[None]:
    """The payment's own transaction is not committed yet for the length of a block."""
    row = till.shop.sql("DELETE FROM payment WHERE id = %s RETURNING payment.*", [payment])[0]
    yield
    till.shop.sql(f"INSERT INTO payment VALUES ({', '.join(['%s'] * len(row))})", list(row))


def test_goods_did_not_go_out_for_money_that_went_back_before_the_payment_was_joined(till: Till, order) -> None:
    """Fault 23: the refund's notice came first."""
    payment = till.start(order)
    with invisible(till, payment):
        till.receive(till.notice(payment, 1000))
    till.wait(seconds=1)
    till.receive(till.notice(payment, 1000, kind="refunded"))

    joined = join_due(policy=till.shop.policy, now=till.now)

    assert joined == 0
    assert (till.payment_state(payment), till.order_state(order)) == ("refunded", "returned")
    assert (till.queued("deliver"), till.shop.card_states()) == ([], {"free": 10})
    assert [event[2] for event in till.events()] == ["refund", "refund"]
    assert (till.told(), till.balances(), till.violations()) == (["refunded"], {}, {})


def test_payment_and_refund_that_both_came_too_early_sell_nothing(till: Till, order) -> None:
    """Fault 23: both came before our own payment."""
    payment = till.start(order)
    with invisible(till, payment):
        till.receive(till.notice(payment, 1000))
        till.wait(seconds=1)
        till.receive(till.notice(payment, 1000, kind="refunded"))

    join_due(policy=till.shop.policy, now=till.now)

    assert (till.payment_state(payment), till.order_state(order)) == ("refunded", "returned")
    assert till.queued("deliver") == []
    assert till.events() == [("suspense", "already_refunded", "refund"), ("suspense", "refunded_outside", "refund")]
    assert (till.balances(), till.violations()) == ({}, {})


def test_a_refund_that_came_too_early_is_found_by_its_payments_own_notice(till: Till, order) -> None:
    """Fault 23: the later notice joins them."""
    payment = till.start(order)
    with invisible(till, payment):
        till.receive(till.notice(payment, 1000, kind="refunded"))
    till.wait(seconds=1)
    till.receive(till.notice(payment, 1000))

    assert (till.payment_state(payment), till.order_state(order)) == ("refunded", "returned")
    assert till.queued("deliver") == []
    assert (till.balances(), till.violations()) == ({}, {})


def test_a_refund_that_was_seen_late_stops_what_is_not_delivered(till: Till, order) -> None:
    payment = till.pay(order)
    till.wait(seconds=1)
    refund = till.notice(payment, 1000, kind="refunded")
    till.receive(refund)
    till.shop.sql("UPDATE payment_event SET reason = 'unknown_payment', payment_id = NULL WHERE kind = 'refunded'")
    till.shop.sql("UPDATE payment SET state = 'succeeded', refunded_minor = 0")
    till.shop.sql("UPDATE delivery SET state = 'ready', lease_until = now()")
    till.shop.sql("UPDATE order_line SET gate = 'none', gate_reason = NULL")

    joined = [join_due(policy=till.shop.policy, now=till.now) for _ in range(2)]

    assert joined == [1, 0]
    assert till.payment_state(payment) == "refunded"
    assert lines(till) == [("waiting", "review")]


def test_a_wallet_is_not_filled_with_money_that_went_back_before_the_top_up_was_joined(
    till: Till, talker: Talker
) -> None:
    payment = start_topup(
        actor=talker.actor,
        gateway_account_id=till.account()[0],
        amount=Money(5000, "CNY"),
        now=till.now,
    )
    with invisible(till, payment):
        till.receive(till.notice(payment, 5000))
        till.receive(till.notice(payment, 5000, kind="refunded"))

    join_due(policy=till.shop.policy, now=till.now)

    assert wallet_balance(actor=talker.actor, currency="CNY") == Money(0, "CNY")
    assert till.payment_state(payment) == "refunded"
    assert (till.balances(), till.violations()) == ({}, {})


def lines(till: Till) -> list[tuple[str, str]]:
    """Delivery state and gate of each line."""
    return till.shop.sql("SELECT d.state, l.gate FROM delivery d JOIN order_line l ON l.id = d.line_id")


def waiting_for_the_vault(till: Till, order) -> tuple[UUID, UUID]:
    """A paid order whose delivery was tried in vain and will be tried again: (payment, delivery)."""
    payment = till.pay(order)
    (delivery,) = till.queued("deliver")
    sending = in_transaction(lambda: begin_sending(delivery_id=delivery, now=till.now))
    assert sending is not None
    in_transaction(lambda: put_back(sending=sending, again_at=till.now, problem="vault_away"))
    till.wait(seconds=1)
    return payment, delivery


def test_cards_did_not_go_out_after_the_refund_because_the_vault_was_away_before_it(till: Till, order) -> None:
    payment, delivery = waiting_for_the_vault(till, order)

    till.receive(till.notice(payment, 1000, kind="refunded"))
    till.wait(minutes=5)

    assert in_transaction(lambda: begin_sending(delivery_id=delivery, now=till.now)) is None
    assert lines(till) == [("waiting", "review")]
    assert till.told() == ["paid", "in_review"]


def test_a_delivery_whose_cards_were_opened_is_finished_although_the_money_went_back(till: Till, order) -> None:
    """They may be in the chat already: what is out is out."""
    payment, delivery = waiting_for_the_vault(till, order)
    till.shop.sql("UPDATE card SET opened_at = now() WHERE state = 'claimed'")

    till.receive(till.notice(payment, 1000, kind="refunded"))
    till.wait(minutes=5)

    assert in_transaction(lambda: begin_sending(delivery_id=delivery, now=till.now)) is not None
    assert till.told() == ["paid"]
