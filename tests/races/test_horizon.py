"""Ids commit out of order; below the commit horizon nothing is under way (books.md)."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest

from core.custody.chains.checkpoints import HorizonBusy, horizon
from tests.builders import NOON, Shop
from tests.races.racing import Beside, at_once
from tests.support.books import Books, move, wallet, world

CONTROL = "DROP TRIGGER transfer_horizon ON transfer"
INSERT = (
    "INSERT INTO transfer (debit_id, credit_id, amount, currency, code, reference, at)"
    " VALUES (%s, %s, 1, 'CNY', 'top_up', gen_random_uuid(), now()) RETURNING id"
)
WRITERS, ROUNDS = 6, 12


@pytest.fixture(autouse=True)
def lent(shop: Shop) -> None:
    """Here the shop's connections read the horizon, which takes a right that only the vault's have."""
    shop.sql("GRANT SELECT ON SEQUENCE transfer_id_seq TO keystall_shop")


@pytest.fixture
def writing(shop: Shop, urls: dict[str, str]) -> Callable[[threading.Event], Callable[[], None]]:
    """A client that adds transfers in short transactions until the race is over."""
    pair = world(), wallet()

    def writer(over: threading.Event) -> Callable[[], None]:
        def run() -> None:
            with psycopg.connect(urls["shop"]) as connection:
                while not over.is_set():
                    connection.execute(INSERT, pair)
                    time.sleep(random.uniform(0, 0.01))
                    connection.commit()

        return run

    return writer


def wrong_horizons(shop: Shop, writing: Callable[[threading.Event], Callable[[], None]]) -> int:
    """How often a transfer at or below a horizon became visible after it was read."""
    over, wrong = threading.Event(), []
    counted = "SELECT count(*) FROM transfer WHERE id <= %s"

    def look() -> None:
        try:
            for _ in range(ROUNDS):
                upto = horizon()
                seen = shop.sql(counted, [upto])
                time.sleep(0.03)  # longer than any of the writers' transactions
                wrong.append(shop.sql(counted, [upto]) != seen)
        finally:
            over.set()

    results = at_once([look, *(writing(over) for _ in range(WRITERS))])
    assert results == [None] * (WRITERS + 1)
    return sum(wrong)


def test_below_the_horizon_nothing_becomes_visible_later(
    shop: Shop, writing: Callable[..., Callable[[], None]]
) -> None:
    """INV-M3: a period that a checkpoint has closed has all its transfers."""
    assert wrong_horizons(shop, writing) == 0


def test_control_without_the_trigger_the_greatest_id_is_no_horizon(
    shop: Shop, writing: Callable[..., Callable[[], None]]
) -> None:
    shop.sql(CONTROL)

    assert wrong_horizons(shop, writing) > 0


def test_a_checkpoint_waits_for_a_transfer_that_is_under_way_and_gives_up_for_this_time(
    shop: Shop, urls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = world(), wallet()
    monkeypatch.setattr("core.custody.chains.checkpoints.TRIES", 2)
    with psycopg.connect(urls["shop"]) as slow:
        slow.execute(INSERT, pair)
        began = time.monotonic()
        with pytest.raises(HorizonBusy):
            horizon()
        waited = time.monotonic() - began
        slow.commit()

    assert 0.4 <= waited < 2  # two times 200 ms and the pauses; whoever sells waits no longer than that
    assert horizon() == shop.sql("SELECT max(id) FROM transfer")[0][0]


def test_a_transfer_waits_for_a_horizon_that_is_being_read_no_longer_than_its_patience(
    shop: Shop, urls: dict[str, str]
) -> None:
    pair = world(), wallet()
    with psycopg.connect(urls["shop"]) as slow:
        slow.execute(INSERT, pair)
        reading = Beside(horizon)
        time.sleep(0.05)
        began = time.monotonic()
        move(*pair, 1)
        waited = time.monotonic() - began
        slow.commit()
        upto = reading.result()

    assert waited < 1
    assert upto == shop.sql("SELECT max(id) FROM transfer")[0][0]


def test_a_horizon_that_waited_sees_what_it_waited_for(shop: Shop, urls: dict[str, str]) -> None:
    """INV-M3: the greatest id is read in a moment after the lock, not in the one when the wait began."""
    pair = world(), wallet()
    waiting = (
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE datname = current_database()"
        " AND locktype = 'advisory' AND objid = 7120 AND NOT granted"
    )
    with psycopg.connect(urls["shop"]) as slow:
        added = slow.execute(INSERT, pair).fetchone()
        reading = Beside(horizon)
        for _ in range(500):
            if shop.sql(waiting) != [(0,)]:
                break
            time.sleep(0.01)
        slow.commit()

    assert (reading.result(),) == added


def test_two_vaults_at_once_make_one_checkpoint(
    shop: Shop, urls: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    pair = world(), wallet()
    move(*pair, 5)
    vaults = [Books(urls, tmp_path_factory.mktemp("vault")) for _ in range(3)]
    with vaults[0].as_vault():
        made = at_once([lambda one=one: one.vault.run(NOON + timedelta(seconds=1)) for one in vaults])

    assert sorted(made) == [0, 0, 1]
    assert shop.sql("SELECT number, transfers FROM checkpoint") == [(1, 1)]
