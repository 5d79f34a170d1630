"""kill -9 of the worker anywhere in a delivery: the same cards arrive, once, and none besides (faults 1 and 2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from core.fulfilment.service import deliver
from core.ids import Prefix, public
from core.vault.client import Opened, OpenedCard
from tests.builders import Shop, later
from tests.support.crash import at_every_step, run_until
from tests.support.till import Till

LEASE = timedelta(minutes=2)


class VaultBeside:
    """Opens what a delivery's line claims, on a connection of its own (a child shares none with its parent)."""

    def __init__(self, url: str) -> None:
        self.url = url

    def open_delivery(self, delivery: UUID, /) -> Opened:
        with psycopg.connect(self.url) as connection:
            rows = connection.execute(
                "UPDATE card SET opened_at = coalesce(card.opened_at, now()) FROM delivery d"
                " WHERE d.id = %s AND card.line_id = d.line_id RETURNING card.id, card.mask",
                [delivery],
            ).fetchall()
        return Opened(tuple(OpenedCard(public(Prefix.CARD, card), mask) for card, mask in rows), {}, False)


@pytest.fixture
def sold(shop: Shop) -> UUID:
    """Three cards of five, paid; returns the delivery."""
    listing, _ = shop.a_listing(), shop.a_batch(cards=5)
    till = Till(shop)
    till.pay(shop.place(shop.a_shopper(), listing, 3))
    return till.queued("deliver")[0]


def claimed(shop: Shop) -> set[UUID]:
    return {card for (card,) in shop.sql("SELECT id FROM card WHERE line_id IS NOT NULL")}


def told(shop: Shop) -> list[list[str]]:
    rows = shop.sql("SELECT body FROM message WHERE kind = 'cards' ORDER BY id")
    return [sorted(card["token"] for card in body["cards"]) for (body,) in rows]


def test_fault_1_killed_anywhere_the_same_cards_arrive_once(shop: Shop, sold: UUID, urls: dict[str, str]) -> None:
    first, now = claimed(shop), later(1)
    vault = VaultBeside(urls["owner"])
    clock: list[datetime] = [now]

    def work() -> None:
        deliver(delivery_id=sold, vault=vault, now=clock[-1])

    steps = 0
    for _ in at_every_step(work, url=urls["worker"]):
        steps += 1
        assert claimed(shop) == first
        assert len(told(shop)) <= 1
        clock.append(clock[-1] + LEASE)

    assert steps >= 4
    assert told(shop) == [sorted(public(Prefix.CARD, card) for card in first)]
    assert shop.card_states() == {"free": 2, "delivered": 3}
    assert shop.sql("SELECT state FROM delivery") == [("delivered",)]


def test_fault_2_killed_after_the_opening_the_second_try_sends_the_same_cards(
    shop: Shop, sold: UUID, urls: dict[str, str]
) -> None:
    first, vault = claimed(shop), VaultBeside(urls["owner"])

    def work_of(now: datetime):
        return lambda: deliver(delivery_id=sold, vault=vault, now=now)

    at = next(
        step
        for step in range(1, 50)
        if run_until(work_of(later(1) + step * LEASE), url=urls["worker"], at=step)
        or shop.sql("SELECT count(*) FROM card WHERE opened_at IS NOT NULL") == [(3,)]
    )
    assert shop.card_states() == {"free": 2, "claimed": 3}
    assert told(shop) == []

    assert run_until(work_of(later(1) + (at + 1) * LEASE), url=urls["worker"], at=1000)

    assert told(shop) == [sorted(public(Prefix.CARD, card) for card in first)]
    assert shop.card_states() == {"free": 2, "delivered": 3}
