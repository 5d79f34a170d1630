"""Does a large stock slow a sale? Two stores side by side: a fresh small one, and one with millions of cards.

The large one is filled by SQL, since only the queue of cards matters here: nothing of it is opened. Then so many cards
are sold without a vacuum, while a snapshot from before stays open: what a long report does to a shop (performance.md).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import psycopg

from core import db
from core.config import Config
from core.stock.marks import move_marks
from ops.bench.figures import Figure
from ops.bench.order_path import OrderPath, path_of
from ops.races.trial import Trial, trial

SMALL = 10_000
LARGE = 10_000_000
SOLD = 200_000
BATCHES = 5
ROUNDS, EACH = 12, 25
GOAL = 1.5

BATCH = """
INSERT INTO batch (id, sku_id, owner_id, terms, state, source_name, source_hash, card_count, created_at, finished_at)
SELECT uuidv7(), sku_id, owner_id, 'own', 'selling', 'bench', '\\x00', %(count)s, now(), now()
FROM batch ORDER BY no LIMIT 1 RETURNING no
"""
CARDS = """
INSERT INTO card (id, batch_no, owner_id, sku_id, state, mask)
SELECT uuidv7(), b.no, b.owner_id, b.sku_id, 'free', 'A9A9-****'
FROM batch b, generate_series(1, %(count)s) WHERE b.no = %(no)s
"""
SELL = """
UPDATE card SET {change} WHERE batch_no = ANY (%s) AND pos IN (
    SELECT pos FROM card WHERE batch_no = ANY (%s) AND state = '{state}' ORDER BY batch_no, pos LIMIT %s)
"""
LINE_KEYS = """
SELECT conname FROM pg_constraint WHERE conrelid = 'card'::regclass AND confrelid = 'order_line'::regclass
"""
STEPS = (
    ("free", "state = 'held', line_id = uuidv7()"),
    ("held", "state = 'claimed'"),
    ("claimed", "state = 'delivered', opened_at = now(), delivered_at = now()"),
)


@dataclass
class Shop:
    """One of the two stores, and the seconds of its orders so far."""

    trial: Trial
    place: list[float] = field(default_factory=list)
    settle: list[float] = field(default_factory=list)

    @contextlib.contextmanager
    def path(self) -> Iterator[OrderPath]:
        """Its order path, while `core.db` points at it."""
        db.connect(self.trial.running.config.database.url, size=2)
        with db.connection():
            yield path_of(self.trial)


def measured(config: Config, say: Callable[[str], None], *, large: int = LARGE, sold: int = SOLD) -> list[Figure]:
    """The ratio of an order's two parts that touch stock, large store to small one; minutes at full size."""
    with trial(config, cards=SMALL, names=("vault",)) as one, trial(config, cards=SMALL, names=("vault",)) as other:
        small, great = Shop(one), Shop(other)
        with psycopg.connect(other.running.config.database.url, autocommit=True) as owner:
            began = time.monotonic()
            batches = fill(owner, large)
            say(f"{large:,} cards are there after {time.monotonic() - began:.0f} s")
            full = compare(small, great)
            say("measured with the full stock")
            with snapshot(other.running.config.database.url):
                sell(owner, batches, sold)
                with great.path():
                    began = time.monotonic()
                    move_marks(now=other.clock.now(), zone="Asia/Shanghai")
                    swept = time.monotonic() - began
                say(f"{sold:,} cards are sold and not vacuumed, a snapshot from before is open")
                worn = compare(small, great)
    name = f"{SMALL:,} against {large:,} cards"
    return [
        Figure("stock", f"placing, {name}", full[0], "×", GOAL),
        Figure("stock", f"settling, {name}", full[1], "×", GOAL),
        Figure("stock", f"placing after {sold:,} unvacuumed sales under an open snapshot", worn[0], "×", GOAL),
        Figure("stock", f"settling after {sold:,} unvacuumed sales under an open snapshot", worn[1], "×", GOAL),
        Figure("stock", "one round of the sweep of marks then", swept, "s"),
    ]


def fill(owner: psycopg.Connection[Any], cards: int) -> list[int]:
    """Batches of free cards, older than none: they sell after what is there. Returns their numbers."""
    numbers = []
    for _ in range(BATCHES):
        number = owner.execute(BATCH, {"count": cards // BATCHES}).fetchone()[0]  # type: ignore[index]
        owner.execute(CARDS, {"count": cards // BATCHES, "no": number})
        numbers.append(number)
    # What is sold from now on comes from the great batches.
    owner.execute("UPDATE batch SET state = 'locked' WHERE no <> ALL (%s)", (numbers,))
    owner.execute("ANALYZE card")
    return numbers


def sell(owner: psycopg.Connection[Any], batches: list[int], count: int) -> None:
    """Sell the first cards as sales do, state by state, and keep every old version of their rows."""
    owner.execute("ALTER TABLE card SET (autovacuum_enabled = false)")
    for (name,) in owner.execute(LINE_KEYS).fetchall():  # there are no such order lines, in a store that is thrown away
        owner.execute(f"ALTER TABLE card DROP CONSTRAINT {name}")
    for state, change in STEPS:
        owner.execute(SELL.format(state=state, change=change), (batches, batches, count))


@contextlib.contextmanager
def snapshot(url: str) -> Iterator[None]:
    """A report that goes on and on."""
    with psycopg.connect(url) as report:
        report.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        report.execute("SELECT count(*) FROM party")
        yield
        report.rollback()


def compare(small: Shop, great: Shop) -> tuple[float, float]:
    """How much longer placing and settling take in the great store; medians, in turns, in one run."""
    for shop in (small, great):
        shop.place.clear()
        shop.settle.clear()
    for number in range(ROUNDS):
        for shop in (small, great) if number % 2 else (great, small):
            with shop.path() as path:
                walk(shop, path)
    return median(great.place) / median(small.place), median(great.settle) / median(small.settle)


def walk(shop: Shop, path: OrderPath) -> None:
    """Some orders; the first ones of a fresh connection do not count."""
    buyers = shop.trial.buyers(4)
    for number in range(EACH):
        bought = path.buy(buyers[number % 4].session)
        if number >= len(buyers):
            shop.place.append(bought.place)
            shop.settle.append(bought.settle)
