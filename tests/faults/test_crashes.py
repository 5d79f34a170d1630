"""kill -9 of the process at work, before each of its words with the database, then a restart: the same end state.

Allocation happens exactly once; what is sent again has the same content (faults 1 and 2, INV-O7).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from core import db
from core.clock import FixedClock
from core.config import Config
from core.db import execute
from core.fulfilment.service import deliver
from core.messages.service import sealed_answers
from core.orders.lost import enqueue_lost_deliveries
from core.orders.service import PlacedOrder
from core.reports.checks import verify
from core.vault.seal import answer_context, open_answer
from core.work import Work, decode
from tests.builders import Talker
from tests.support.carriers import NOBODY
from tests.support.crash import at_every_step
from tests.support.sales import LINES, Counter, a_counter
from tests.support.till import PUBLIC_KEY, Till
from tests.support.vaults import VaultProcess, vault_process

Sql = Callable[..., list[tuple[Any, ...]]]


@dataclass
class Sale:
    """An order that waits for its payment, and the session that may read its cards."""

    counter: Counter
    till: Till
    talker: Talker
    order: PlacedOrder
    session: UUID
    token: str

    def received(self) -> list[list[str]]:
        """The secrets of each `cards` message in the shopper's chat."""
        told = self.counter.shop.sql("SELECT id, body FROM message WHERE kind = 'cards' ORDER BY id")
        answers = sealed_answers(message_ids=[row[0] for row in told], session_id=self.session)
        read = []
        for message_id, body in told:
            context = answer_context(delivery=UUID(body["delivery"]), session=self.session)
            cards = json.loads(open_answer(self.token, answers[message_id], context))["cards"]
            read.append([card["secret"] for card in cards])
        return read

    def lost_deliveries(self) -> list[UUID]:
        """What the sweep of a worker that has just started finds and queues, a minute later."""
        self.till.wait(seconds=61)
        self.counter.shop.sql("DELETE FROM keystall_task")
        enqueue_lost_deliveries(now=self.till.now)
        rows = [decode(bytes(row[0])) for row in self.counter.shop.sql("SELECT data FROM keystall_task")]
        return [reference for kind, reference in rows if kind is Work.DELIVER]


@pytest.fixture
def vault(sql: Sql, store_db: db.StoreDatabase, config: Config) -> Iterator[VaultProcess]:
    """A real vault that takes the notices of the till's sandbox for genuine."""
    sql("UPDATE installation SET sandbox_public_key = %s", [PUBLIC_KEY])
    with vault_process(config) as running:
        yield running


@pytest.fixture
def sale(vault: VaultProcess, sql: Sql) -> Sale:
    """Three cards, ordered and not yet paid."""
    counter = a_counter(vault, sql)
    till, talker = Till(counter.shop, clock=FixedClock(db.database_now())), counter.shop.a_shopper()
    session, token = counter.a_session(talker)
    order = counter.shop.place(talker, counter.listing, 3, now=till.now)
    return Sale(counter, till, talker, order, session, token)


def violations() -> dict[str, int]:
    return {finding.invariant: finding.violations for finding in verify() if finding.violations}


def test_faults_1_and_2_a_worker_killed_at_any_step_of_a_delivery_sends_the_same_cards_and_none_extra(
    sale: Sale, vault: VaultProcess, urls: dict[str, str]
) -> None:
    sale.till.pay(sale.order)
    delivery = execute("SELECT id FROM delivery")[0][0]
    opened_after: list[int] = []

    def work() -> None:
        deliver(delivery_id=delivery, vault=vault.client, carrier=NOBODY, now=sale.till.now)

    for _ in at_every_step(work, url=urls["worker"]):
        assert sale.lost_deliveries() == [delivery]
        opened_after.append(execute("SELECT count(*) FROM card WHERE opened_at IS NOT NULL")[0][0])

    assert {0, 3} == set(opened_after)  # killed before the vault opened them, and after
    (received,) = sale.received()
    assert len(set(received)) == 3
    assert set(received) <= set(LINES)
    assert sale.till.order_state(sale.order) == "closed"
    assert sale.counter.shop.card_states() == {"free": 37, "delivered": 3}
    assert sale.lost_deliveries() == []
    assert violations() == {}


def test_a_web_process_killed_at_any_step_of_settling_leaves_nothing_and_the_notices_repeat_settles(
    sale: Sale, urls: dict[str, str]
) -> None:
    payment = sale.till.start(sale.order)
    notice = sale.till.notice(payment, sale.order.total.minor)
    before = sale.counter.shop.fingerprint()
    kills = 0

    def work() -> None:
        assert sale.till.receive(notice).status == 200

    for _ in at_every_step(work, url=urls["shop"]):
        kills += 1
        assert sale.counter.shop.fingerprint() == before

    assert kills >= 5
    assert sale.till.order_state(sale.order) == "paid"
    assert sale.counter.shop.card_states() == {"free": 37, "claimed": 3}
    assert sale.till.events() == [("order", None, None)]
    assert violations() == {}


def test_inv_o7_a_process_killed_at_any_step_of_placing_leaves_nothing_and_a_repeat_places_once(
    sale: Sale, urls: dict[str, str]
) -> None:
    shop, talker = sale.counter.shop, sale.counter.shop.a_shopper()
    before = shop.fingerprint()

    for _ in at_every_step(
        lambda: shop.place(talker, sale.counter.listing, 2, submission="tap", now=sale.till.now), url=urls["shop"]
    ):
        assert shop.fingerprint() == before

    assert shop.place(talker, sale.counter.listing, 2, submission="tap").repeated is True
    assert shop.card_states() == {"free": 35, "held": 5}
    assert violations() == {}
