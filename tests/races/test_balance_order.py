"""Balances of several accounts at once: locked in the order of ids none waits in a ring; in no order many do."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from core import db
from core.db import atomic, execute, sqlstate
from core.ledger import sql as statements
from core.ledger.service import change_balances
from tests.builders import Shop
from tests.races.racing import at_once
from tests.support.books import move, wallet, world

CLIENTS, TIMES, ACCOUNTS, AT_A_TIME = 8, 25, 6, 4
DEADLOCK = "40P01"


@pytest.fixture
def accounts(shop: Shop, urls: dict[str, str]) -> list[int]:
    """Wallets with money, in a database that notices a ring after 20 ms instead of a second."""
    name = shop.sql("SELECT current_database()")[0][0]
    shop.sql(f"ALTER DATABASE {name} SET deadlock_timeout = '20ms'", role="superuser")
    ids = [wallet(str(number)) for number in range(ACCOUNTS)]
    for one in ids:
        move(world(), one, 10_000)
    db.connect(urls["shop"], size=24)
    return ids


def deadlocks(accounts: list[int], change: Callable[[dict[int, int]], None]) -> int:
    """How many of the transactions ended in a ring; money goes round among four random accounts."""
    rings = []

    def client(seed: int) -> Callable[[], None]:
        rolled = random.Random(seed)

        def run() -> None:
            for _ in range(TIMES):
                chosen = rolled.sample(accounts, AT_A_TIME)
                try:
                    with atomic():
                        change(dict(zip(chosen, (1, -1, 2, -2), strict=True)))
                except db.peewee.OperationalError as error:
                    rings.append(sqlstate(error))

        return run

    results = at_once([client(seed) for seed in range(CLIENTS)])
    assert results == [None] * CLIENTS
    assert set(rings) <= {DEADLOCK}
    return len(rings)


def total(shop: Shop) -> int:
    return int(shop.sql("SELECT sum(balance) FROM account WHERE bounded")[0][0])


def test_inv_m4_balances_locked_in_the_order_of_ids_never_deadlock(shop: Shop, accounts: list[int]) -> None:
    assert deadlocks(accounts, change_balances) == 0
    assert total(shop) == ACCOUNTS * 10_000


def test_control_in_no_order_they_deadlock(shop: Shop, accounts: list[int]) -> None:
    def in_no_order(changes: dict[int, int]) -> None:
        for account, change in changes.items():
            execute(statements.TOUCH, ([account], [change]))

    assert deadlocks(accounts, in_no_order) > 0
    assert total(shop) == ACCOUNTS * 10_000
