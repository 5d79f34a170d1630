"""`python -m tests.tradebench [ORDERS]`: what trade accounts cost an order, placed and paid, with own stock beside.

One run, the two turn by turn: own stock, and one SKU whose cards come along three hops that all orders share. The
clients are threads of one process, so the figures compare the two and say nothing about a machine.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psycopg

from core import db
from core.orders.service import OrderPolicy
from core.reports.checks import verify
from core.risk.rules import HoldPolicy
from tests.builders import Shop, Talker
from tests.support.engines import Databases, TestEngines
from tests.support.till import Till

CLIENTS = (1, 4, 16)
ROUNDS = 3


def a_shop(url: str) -> tuple[Shop, Till, dict[str, int]]:
    """Two SKUs with plenty of cards: the merchant's own, and brand1's along three hops."""
    connection = psycopg.connect(url, autocommit=True)

    def run(statement: str, params: Any = None, *, role: str = "owner") -> list[tuple[Any, ...]]:
        cursor = connection.execute(statement.encode(), params)
        return cursor.fetchall() if cursor.description else []

    shop = Shop(run)
    shop.policy = OrderPolicy(holds=HoldPolicy(unpaid_per_network=10**6, share_percent=100))
    chain = [*(shop.a_party(code, "supplier") for code in ("brand1", "agent1", "dist1")), shop.merchant]
    listings = {"own stock": shop.a_listing("A1"), "three hops": shop.a_listing("B1")}
    shop.a_batch("A1", 40_000)
    shop.a_batch("B1", 40_000, owner=chain[0], supplier=chain[0], terms="consigned")
    for seller, buyer in itertools.pairwise(chain):
        shop.an_offer(seller, buyer, price_micro=7_000_000, code="B1")
    till = Till(shop)
    till.account()
    run("ANALYZE")
    return shop, till, listings


def rate(buy: Callable[[Talker], None], talkers: list[Talker], clients: int) -> tuple[float, list[float]]:
    """Orders a second, and how long each took in seconds, over so many clients at once."""
    took: list[float] = []
    left, lock = iter(talkers), threading.Lock()

    def client(_: int) -> None:
        with db.connection():
            while True:
                with lock:
                    talker = next(left, None)
                if talker is None:
                    return
                began = time.perf_counter()
                buy(talker)
                took.append(time.perf_counter() - began)

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        list(threads.map(client, range(clients)))
    return len(talkers) / (time.perf_counter() - began), took


def one_order(shop: Shop, till: Till, listing: int, talker: Talker) -> None:
    """Placed and paid."""
    till.pay(shop.place(talker, listing))


def main(orders: int) -> None:
    """Measure and print."""
    engines = TestEngines()
    try:
        databases = Databases(engines.start())
        urls = databases.addresses.of(databases.copy())
        db.connect(urls["shop"], size=20)
        shop, till, listings = a_shop(urls["owner"])
        for name in listings:
            rate(partial(one_order, shop, till, listings[name]), [shop.a_shopper() for _ in range(20)], 1)
        print(f"{'clients':>7}  {'':<10}  {'orders/s':>8}  {'median ms':>9}  {'p99 ms':>7}")
        for clients in CLIENTS:
            rates: dict[str, list[float]] = {name: [] for name in listings}
            times: dict[str, list[float]] = {name: [] for name in listings}
            for _ in range(ROUNDS):
                for name, listing in listings.items():
                    talkers = [shop.a_shopper() for _ in range(orders)]
                    found, took = rate(partial(one_order, shop, till, listing), talkers, clients)
                    rates[name].append(found)
                    times[name] += took
            for name in listings:
                ordered = sorted(times[name])
                median, late = (1000 * ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99))
                print(f"{clients:>7}  {name:<10}  {statistics.median(rates[name]):>8.0f}  {median:>9.1f}  {late:>7.1f}")
        print("violations", sum(finding.violations for finding in verify()))
        db.disconnect()
        databases.close()
    finally:
        engines.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
