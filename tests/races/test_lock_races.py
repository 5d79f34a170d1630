"""Fault 110: a batch is locked while it sells, and two imports overlap while their cards are sold."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest

from core import db
from core.actor import OPERATOR
from core.ids import new_id
from core.orders import place
from core.orders.service import OrderPolicy
from core.risk.rules import HoldPolicy
from core.stock import marks
from core.stock import service as stock
from core.stock import sql as stock_sql
from core.stock.marks import move_marks
from core.stock.moving import move_batch
from core.stock.rules import BatchState, HeldByOthers, OutOfStock
from tests.builders import NOON, Shop
from tests.races.racing import at_once

BUYERS = 12


def everybody_may_hold(shop: Shop) -> None:
    shop.policy = OrderPolicy(holds=HoldPolicy(share_percent=100))


def locked_while_it_sells(shop: Shop, monkeypatch: pytest.MonkeyPatch, state: BatchState) -> tuple[int, int]:
    """Buyers have seen the batch and take cards of it while it is locked: what it had sold at the commit, and later."""
    everybody_may_hold(shop)
    listing, batch = shop.a_listing(), shop.a_batch(cards=100)
    batch_id = shop.sql("SELECT id FROM batch WHERE no = %s", [batch])[0][0]
    seen, locked = threading.Barrier(BUYERS + 1, timeout=20), threading.Event()
    sellable = stock._sellable
    at_commit: list[int] = []

    def all_have_seen_it(*asked: Any) -> Any:
        batches = sellable(*asked)
        if not locked.is_set():
            seen.wait()
            locked.wait(0.3)  # long enough for a lock that does not wait for us
        return batches

    def lock() -> None:
        seen.wait()
        move_batch(actor=OPERATOR, batch_id=batch_id, to=state, reason="bad", now=NOON)
        at_commit.append(shop.card_states(batch).get("held", 0))
        locked.set()

    monkeypatch.setattr(stock, "_sellable", all_have_seen_it)
    monkeypatch.setattr(place, "is_near_a_cap", lambda *_: False)
    talkers = [shop.a_shopper() for _ in range(BUYERS)]
    at_once([lock, *(lambda talker=talker: shop.place(talker, listing) for talker in talkers)])
    with pytest.raises((OutOfStock, HeldByOthers)):
        shop.place(shop.a_shopper(), listing)
    return at_commit[0], shop.card_states(batch).get("held", 0)


@pytest.mark.parametrize("state", [BatchState.LOCKED, BatchState.RECALLED])
def test_fault_110_nothing_is_sold_after_the_commit_of_a_lock_or_recall(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, state: BatchState
) -> None:
    """INV-S8: whoever had seen the batch before is waited for."""
    assert locked_while_it_sells(shop, monkeypatch, state) == (BUYERS, BUYERS)


def test_control_without_lock_and_second_look_cards_are_sold_after_the_commit(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 110: the batch was on sale when they looked."""
    shared, state = "pg_advisory_xact_lock_shared(7101, f.no)", "JOIN batch s ON s.no = b.no AND s.state = 'selling'"
    monkeypatch.setattr(stock_sql, "SELLABLE_BATCHES", stock_sql.SELLABLE_BATCHES.replace(shared, "NULL"))
    for name in ("HOLD_FREE_CARDS", "HOLD_CARDS_WAITING"):
        monkeypatch.setattr(stock_sql, name, getattr(stock_sql, name).replace(state, ""))

    at_commit, later = locked_while_it_sells(shop, monkeypatch, BatchState.LOCKED)

    assert later > at_commit


class Import:
    """An import under way: its batch and a transaction that adds cards to it."""

    def __init__(self, shop: Shop, url: str) -> None:
        self.no = shop.a_batch(cards=0, state="importing")
        self._shop = shop
        self._connection = psycopg.connect(url)

    def brings(self, count: int) -> None:
        """Cards, not yet committed; their places come from the one sequence that all imports share."""
        self._connection.execute(
            "INSERT INTO card (id, batch_no, owner_id, sku_id, state, mask)"
            " SELECT gen_random_uuid(), %s, %s, %s, 'free', 'A9A9' FROM generate_series(1, %s)",
            [self.no, self._shop.merchant, self._shop.a_sku(), count],
        )

    def ends(self) -> None:
        """The last chunk: the batch goes on sale in the same commit."""
        self._connection.execute("UPDATE batch SET state = 'selling', card_count = 3 WHERE no = %s", [self.no])
        self._connection.commit()
        self._connection.close()


@pytest.fixture
def worker(shop: Shop, urls: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The store as the worker, whose sweep moves the marks."""
    everybody_may_hold(shop)
    monkeypatch.setattr(marks, "PATIENCE", 0.05)
    db.connect(urls["worker"], size=4)
    shop.a_listing()
    return shop


def sold(shop: Shop, count: int) -> int:
    """How many of so many orders of one card find one."""
    found = 0
    for _ in range(count):
        try:
            shop.place(shop.a_shopper(), shop.a_listing(), submission=str(new_id()))
        except (OutOfStock, HeldByOthers):
            return found
        found += 1
    return found


def two_imports_overlap(shop: Shop, url: str, sweep: Any) -> tuple[int, int]:
    """One import ends and is sold out while the other, whose places lie between, is still under way."""
    first, second = Import(shop, url), Import(shop, url)
    for _ in range(3):
        second.brings(1)
        first.brings(1)
    first.ends()
    before = sold(shop, 3)
    sweep()
    second.ends()
    sweep()
    return before, sold(shop, 3)


def test_fault_110_every_card_of_two_imports_that_overlap_is_reachable(worker: Shop, urls: dict[str, str]) -> None:
    def sweep() -> None:
        move_marks(now=NOON, zone="Asia/Shanghai")

    assert two_imports_overlap(worker, urls["owner"], sweep) == (3, 3)


def test_control_one_mark_for_all_batches_loses_the_cards_of_the_slower_import(
    worker: Shop, urls: dict[str, str]
) -> None:
    """Fault 110: what could be seen then was sold, so the mark went on to the end."""

    def sweep() -> None:
        worker.sql(
            "INSERT INTO batch_mark (batch_no, low_pos, updated_at)"
            " SELECT no, (SELECT last_value FROM card_pos), now() FROM batch ON CONFLICT (batch_no) DO NOTHING"
        )

    assert two_imports_overlap(worker, urls["owner"], sweep) == (3, 0)
