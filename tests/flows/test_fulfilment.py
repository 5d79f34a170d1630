"""Delivering a paid line: under a lease, once, with an absent or refusing vault, and reading it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import pytest

from core.db import execute, in_transaction
from core.fulfilment.service import NothingDelivered, RereadLimit, deliver, request_reread, reread
from core.ids import Prefix, public
from core.ledger.rules import AccountKind
from core.ledger.service import open_account
from core.orders.rules import OrderStatus
from core.orders.service import begin_sending, lock_order, order_view, settle_order
from core.vault.client import Opened, OpenedCard, VaultAway, VaultCode, VaultRefused
from tests.builders import Shop, Talker, later
from tests.support.carriers import NOBODY


@dataclass
class OpeningVault:
    """Opens what a delivery's line claims, as the vault's role would, and counts how often it was asked."""

    shop: Shop
    refusals: list[Exception] = field(default_factory=list)
    asked: int = 0

    def open_delivery(self, delivery: UUID, /, *, reader: UUID | None = None, plain: bool = False) -> Opened:
        self.asked += 1
        if self.refusals:
            raise self.refusals.pop(0)
        rows = self.shop.sql(
            "UPDATE card SET opened_at = coalesce(card.opened_at, now()) FROM delivery d"
            " WHERE d.id = %s AND card.line_id = d.line_id RETURNING card.id, card.mask",
            [delivery],
        )
        return Opened(tuple(OpenedCard(public(Prefix.CARD, card), mask) for card, mask in rows), {}, False)


def a_paid_line(shop: Shop, talker: Talker, quantity: int = 2) -> tuple[UUID, UUID]:
    """An order of `quantity`, paid; returns order and delivery."""
    listing = shop.a_listing(price=1000)
    placed = shop.place(talker, listing, quantity)
    clearing = open_account(
        kind=AccountKind.CLEARING, holder="gateway:1", counterparty=f"party:{shop.merchant}", currency="CNY"
    )
    settled = in_transaction(
        lambda: settle_order(
            order=lock_order(order_id=placed.order_id),
            paid=placed.total,
            from_account_id=clearing,
            policy=shop.policy,
            now=later(1),
        )
    )
    return placed.order_id, settled.delivery_ids[0]


def kinds(talker: Talker) -> list[str]:
    return [
        row[0]
        for row in execute(
            "SELECT kind FROM message WHERE conversation_id = %s ORDER BY seq", (talker.conversation_id,)
        )
    ]


def ask_again(talker: Talker, submission: str, *, order_id: UUID | None = None, minutes: int = 3) -> int:
    return request_reread(
        actor=talker.actor,
        conversation_id=talker.conversation_id,
        order_id=order_id,
        submission_id=submission,
        now=later(minutes),
    )


def test_a_delivered_line_has_its_cards_told_once_with_tokens_only(shop: Shop) -> None:
    batch, talker = shop.a_batch(cards=5), shop.a_shopper()
    order_id, delivery = a_paid_line(shop, talker)
    vault = OpeningVault(shop)

    assert deliver(delivery_id=delivery, vault=vault, carrier=NOBODY, now=later(2)) is True
    assert deliver(delivery_id=delivery, vault=vault, carrier=NOBODY, now=later(3)) is False

    assert vault.asked == 1
    assert kinds(talker) == ["paid", "cards"]
    body = execute("SELECT body FROM message WHERE kind = 'cards'")[0][0]
    assert len(body["cards"]) == 2
    assert all(set(card) == {"token", "mask"} for card in body["cards"])
    assert shop.card_states(batch) == {"free": 3, "delivered": 2}
    assert order_view(actor=talker.actor, order_id=order_id).status is OrderStatus.DELIVERED
    assert shop.sql("SELECT state FROM shop_order") == [("closed",)]


def test_a_sender_that_died_is_followed_by_another_after_its_lease_with_the_same_cards(shop: Shop) -> None:
    _, talker = shop.a_batch(cards=5), shop.a_shopper()
    _, delivery = a_paid_line(shop, talker)
    in_transaction(lambda: begin_sending(delivery_id=delivery, now=later(2)))  # and then kill -9
    vault = OpeningVault(shop)
    claimed = set(shop.sql("SELECT id FROM card WHERE state = 'claimed'"))

    assert deliver(delivery_id=delivery, vault=vault, carrier=NOBODY, now=later(2) + timedelta(seconds=59)) is False
    assert deliver(delivery_id=delivery, vault=vault, carrier=NOBODY, now=later(3)) is True

    assert set(shop.sql("SELECT id FROM card WHERE state = 'delivered'")) == claimed


def test_fault_72_an_absent_vault_leaves_the_delivery_waiting(shop: Shop) -> None:
    batch, talker = shop.a_batch(cards=5), shop.a_shopper()
    _, delivery = a_paid_line(shop, talker)
    vault = OpeningVault(shop, refusals=[VaultAway(what="vault"), VaultRefused(VaultCode.CLOSED, "")])

    assert deliver(delivery_id=delivery, vault=vault, carrier=NOBODY, now=later(2)) is False
    assert deliver(delivery_id=delivery, vault=vault, carrier=NOBODY, now=later(3)) is False
    assert shop.card_states(batch) == {"free": 3, "claimed": 2}
    assert deliver(delivery_id=delivery, vault=vault, carrier=NOBODY, now=later(4)) is True

    assert kinds(talker) == ["paid", "cards"]


def test_a_vault_that_refuses_holds_the_order_for_a_person_and_says_so(shop: Shop) -> None:
    batch, talker = shop.a_batch(cards=5), shop.a_shopper()
    order_id, delivery = a_paid_line(shop, talker)
    vault = OpeningVault(shop, refusals=[VaultRefused(VaultCode.ORDER_ALTERED, "")])

    assert deliver(delivery_id=delivery, vault=vault, carrier=NOBODY, now=later(2)) is False
    assert deliver(delivery_id=delivery, vault=vault, carrier=NOBODY, now=later(60)) is False

    assert vault.asked == 1
    assert kinds(talker) == ["paid", "in_review"]
    assert order_view(actor=talker.actor, order_id=order_id).status is OrderStatus.IN_REVIEW
    assert shop.card_states(batch) == {"free": 3, "claimed": 2}


def test_cards_can_be_read_again_by_their_shopper_only(shop: Shop) -> None:
    _, talker, other = shop.a_batch(cards=5), shop.a_shopper(), shop.a_shopper()
    order_id, delivery = a_paid_line(shop, talker)
    vault = OpeningVault(shop)
    deliver(delivery_id=delivery, vault=vault, carrier=NOBODY, now=later(2))

    assert ask_again(talker, "one", order_id=order_id) == 1
    assert ask_again(talker, "two") == 1
    with pytest.raises(NothingDelivered):
        ask_again(other, "one", order_id=order_id)
    first, _ = shop.sql("SELECT id FROM reading ORDER BY asked_at, id")
    assert reread(reading_id=first[0], vault=vault, now=later(3)) is True

    assert kinds(talker) == ["paid", "cards", "cards"]


def test_asking_again_without_end_is_limited(shop: Shop) -> None:
    _, talker = shop.a_batch(cards=5), shop.a_shopper()
    _, delivery = a_paid_line(shop, talker)
    deliver(delivery_id=delivery, vault=OpeningVault(shop), carrier=NOBODY, now=later(2))
    for number in range(30):
        ask_again(talker, f"number {number}")

    with pytest.raises(RereadLimit):
        ask_again(talker, "too many", minutes=4)
    assert ask_again(talker, "an hour later", minutes=64) == 1
