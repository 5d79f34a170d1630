"""Roll-ups are what their orders say, whatever happened in which order, and whenever the worker was killed."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from core import db
from core.clock import FixedClock
from core.db import execute, in_transaction
from core.orders.deliveries import begin_sending
from core.orders.service import lock_order
from core.payments.lines import refund_line
from core.reports import rollup
from core.reports.rollup import compare, recount, roll_up
from tests.builders import NOON, Shop
from tests.support.dialog import pay, pay_and_deliver
from tests.support.trade import a_chain

ZONE = "Asia/Shanghai"
MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
SALE = (
    "SELECT terms, supplier_id, lines, quantity, revenue, refunded, hop_cost, own_cost, fees, profit FROM report_sale"
)


def buy(shop: Shop, clock: FixedClock, code: str, quantity: int, *, delivered: bool = True) -> UUID:
    """One paid order at the clock's time."""
    order = shop.place(shop.a_shopper(), shop.a_listing(code), quantity, now=clock.now()).order_id
    (pay_and_deliver if delivered else pay)(shop, clock, order)
    return order


def give_back(order_id: UUID, clock: FixedClock) -> None:
    """The line of an order that was not delivered is refunded."""

    def work() -> None:
        ((delivery,),) = execute("SELECT id FROM delivery WHERE order_id = %s", (order_id,))
        sending = begin_sending(delivery_id=delivery, now=clock.now())
        assert sending is not None
        assert refund_line(order=lock_order(order_id=order_id), sending=sending, problem="test", now=clock.now())

    in_transaction(work)


def rolled(clock: FixedClock) -> None:
    while roll_up(zone=ZONE, now=clock.now()):
        pass


@pytest.fixture
def stocked(shop: Shop, urls: dict[str, str]) -> Shop:
    """With the worker's rights. C1: own cards at 4.00 each, B1: bought out at 5.00, A1: consigned through a chain."""
    shop.a_listing("B1", price=1200)
    shop.a_batch("B1", cards=20, terms="owned", supplier=shop.a_party("maker", "supplier"), unit_cost_micro=5_000_000)
    shop.a_listing("C1", price=900)
    shop.a_batch("C1", cards=20, unit_cost_micro=4_000_000)
    a_chain(shop, cards=20)
    db.connect(urls["worker"], size=2)
    return shop


def test_a_sale_stands_on_its_day_with_everybodys_part_and_its_source(stocked: Shop) -> None:
    """Cost, fee and profit add up to what was paid; whom the merchant buys from is its own hop's seller (INV-T4)."""
    clock = FixedClock(NOON)
    buy(stocked, clock, "A1", 2)
    buy(stocked, clock, "B1", 1, delivered=False)
    buy(stocked, clock, "C1", 3)

    rolled(clock)

    assert execute(SALE + " ORDER BY terms") == [
        ("consigned", stocked.a_party("dist1"), 1, 2, 3980, 0, 3240, 0, 39, 701),
        ("own", 0, 1, 3, 2700, 0, 0, 1200, 27, 1473),
        ("owned", stocked.a_party("maker"), 1, 1, 1200, 0, 0, 500, 12, 688),
    ]
    assert execute("SELECT day, channel, orders, quantity, revenue, profit FROM report_order") == [
        (MONDAY, "web", 3, 6, 7880, 2862)
    ]
    assert execute("SELECT sum(delivered), sum(within_10s), sum(failed) FROM report_sale") == [(2, 2, 0)]
    hops = "SELECT seller_id, buyer_id, cards, earned, returned, delivered FROM report_hop ORDER BY seller_id"
    brand, agent, dist = (stocked.a_party(code) for code in ("brand1", "agent1", "dist1"))
    assert execute(hops) == [
        (brand, agent, 2, 3000, 0, 1),
        (agent, dist, 2, 120, 0, 1),
        (dist, stocked.merchant, 2, 120, 0, 1),
    ]


def test_a_late_refund_corrects_the_day_of_its_sale(stocked: Shop) -> None:
    """The money goes back on Tuesday; Monday's figures change, and those of each seller up the chain."""
    clock = FixedClock(NOON)
    order = buy(stocked, clock, "A1", 1, delivered=False)
    rolled(clock)
    clock.move(timedelta(days=1))
    buy(stocked, clock, "C1", 1)
    give_back(order, clock)

    rolled(clock)

    assert execute("SELECT day, orders, revenue, refunded, profit FROM report_order ORDER BY day") == [
        (MONDAY, 1, 1990, 1990, 0),
        (TUESDAY, 1, 900, 0, 491),
    ]
    assert execute(SALE + " WHERE day = %s", (MONDAY,)) == [
        ("consigned", stocked.a_party("dist1"), 1, 1, 1990, 1990, 0, 0, 0, 0)
    ]
    assert execute("SELECT earned, returned, failed FROM report_hop ORDER BY earned") == [
        (60, 60, 1), (60, 60, 1), (1500, 1500, 1),
    ]  # fmt: skip


def test_a_day_begins_at_the_stores_midnight(stocked: Shop) -> None:
    """15:59 UTC is Monday in Shanghai, 16:00 is Tuesday; a store that moves has its days computed again."""
    clock = FixedClock(datetime(2026, 3, 2, 15, 59, 59, tzinfo=UTC))
    buy(stocked, clock, "C1", 1)
    clock.move(timedelta(seconds=1))
    buy(stocked, clock, "C1", 2)
    rolled(clock)
    days = "SELECT day, quantity FROM report_order ORDER BY day"
    assert execute(days) == [(MONDAY, 1), (TUESDAY, 2)]

    while roll_up(zone="UTC", now=clock.now()):
        pass

    assert execute(days) == [(MONDAY, 3)]


def test_an_entry_that_is_committed_late_is_not_passed_over(
    stocked: Shop, urls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries become visible out of order: one with a lower id, still under way, keeps the mark behind it."""
    monkeypatch.setattr(rollup, "PATIENCE", 0.0)
    clock = FixedClock(NOON)
    slow = buy(stocked, clock, "C1", 1)
    with psycopg.connect(urls["owner"]) as late:
        late.execute(
            "INSERT INTO audit_entry (at, actor_kind, action, object_kind, object_id)"
            " VALUES (now(), 'system', 'line.refunded', 'order', %s)",
            [str(slow)],
        )
        buy(stocked, clock, "C1", 2)
        rolled_days = roll_up(zone=ZONE, now=clock.now())
        stocked.sql("DELETE FROM report_order; DELETE FROM report_sale")
        late.commit()

    assert rolled_days == 1
    assert roll_up(zone=ZONE, now=clock.now()) == 1
    assert execute("SELECT orders FROM report_order") == [(2,)]
    assert roll_up(zone=ZONE, now=clock.now()) == 0


class Killed(Exception):
    """The worker is gone in the middle of a round."""


def dying(monkeypatch: pytest.MonkeyPatch, at: int) -> Callable[[], None]:
    """A worker that dies at its n-th statement; returns what brings the next one."""
    real, left = execute, [at]

    def maybe(statement: str, *values: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return real(statement, *values)

    monkeypatch.setattr(rollup, "execute", maybe)
    return monkeypatch.undo


@pytest.mark.parametrize("seed", [3, 8])
def test_roll_ups_are_what_is_computed_from_orders_whatever_happened(
    stocked: Shop, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Orders, deliveries and refunds in any order, over days, with a clock that jumps and a worker that is killed."""
    chance, clock, open_orders = random.Random(seed), FixedClock(NOON), []
    for _ in range(12):
        clock.move(timedelta(hours=chance.choice([-30, 1, 5, 26])))
        code, quantity = chance.choice(["A1", "B1", "C1"]), chance.randint(1, 2)
        order = buy(stocked, clock, code, quantity, delivered=chance.random() < 0.5)
        if execute("SELECT state FROM shop_order WHERE id = %s", (order,)) == [("paid",)]:
            open_orders.append(order)
        if open_orders and chance.random() < 0.5:
            give_back(open_orders.pop(chance.randrange(len(open_orders))), clock)
        revive = dying(monkeypatch, chance.randint(1, 20))
        with contextlib.suppress(Killed):
            rolled(clock)
        revive()

    rolled(clock)

    found = compare(zone=ZONE, first=MONDAY - timedelta(days=20), last=MONDAY + timedelta(days=20))
    assert (found.is_right, found.unbalanced) == (True, 0), found
    assert execute("SELECT sum(orders), sum(revenue), sum(refunded) FROM report_order") == execute(
        "SELECT count(*), sum(total_minor), sum(refunded_minor) FROM shop_order WHERE paid_at IS NOT NULL"
    )


def test_a_figure_that_somebody_changed_is_found_and_counted_again(stocked: Shop) -> None:
    clock = FixedClock(NOON)
    buy(stocked, clock, "C1", 1)
    rolled(clock)
    stocked.sql("UPDATE report_sale SET revenue = revenue + 1; UPDATE report_order SET orders = 7")

    found = compare(zone=ZONE, first=MONDAY, last=MONDAY)
    recount(zone=ZONE, first=MONDAY, last=MONDAY)
    rolled(clock)

    assert (found.differing, found.unbalanced) == ({"report_sale": 2, "report_order": 2, "report_hop": 0}, 1)
    assert compare(zone=ZONE, first=MONDAY, last=MONDAY).is_right
    assert execute("SELECT orders FROM report_order") == [(1,)]


def test_what_the_panel_may_read_of_roll_ups_is_a_partys_own(stocked: Shop, urls: dict[str, str]) -> None:
    """INV-T1, INV-T3: a merchant its sales, a seller its own hop; of what the merchant earns it sees nothing."""
    clock = FixedClock(NOON)
    buy(stocked, clock, "A1", 2)
    rolled(clock)
    counts = "(SELECT count(*) FROM report_sale), (SELECT count(*) FROM report_order)"

    def seen_by(party: int) -> Any:
        with psycopg.connect(urls["panel"]) as panel:
            panel.execute("SELECT set_config('keystall.party', %s, true)", [str(party)])
            return panel.execute(f"SELECT {counts}, array(SELECT seller_id FROM report_hop)").fetchone()

    agent = stocked.a_party("agent1")
    assert seen_by(stocked.merchant) == (1, 1, [])
    assert seen_by(agent) == (0, 0, [agent])
    assert seen_by(stocked.a_party("other")) == (0, 0, [])
    with psycopg.connect(urls["panel"]) as panel, pytest.raises(psycopg.errors.InsufficientPrivilege):
        panel.execute("SELECT merchant_id FROM report_hop")
