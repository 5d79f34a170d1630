"""Small files of numbered cards, and whoever brings them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from psycopg import connect

from core import db
from core.ids import new_id
from core.stock import sql as stock_sql
from core.vault.client import ImportReport, Progress
from tests.builders import NOON, Shop
from tests.support.vaults import TestVault

ROWS = 60


def at(row: int, act: Callable[[UUID], object]) -> Progress:
    """Does something to the import that runs once so many rows are done."""

    def progress(done: int, about: int) -> None:
        if done == row:
            act(db.execute("SELECT batch_id FROM import_job WHERE state = 'running'")[0][0])

    return progress


class Left(BaseException):
    """The vault was killed."""


def leave(batch: UUID) -> None:
    raise Left


def codes(first: int = 0, count: int = ROWS) -> bytes:
    """So many cards, one a line; the same numbers are the same cards."""
    return "\n".join(f"CODE-{number:06}-{number * 7919 % 10**6:06}" for number in range(first, first + count)).encode()


def bring(
    vault: TestVault, shop: Shop, raw: bytes, *, by: str = "demo", progress: Progress | None = None, **order: Any
) -> ImportReport:
    """Import a file as own stock of the merchant, or for a supplier."""
    supplier = {} if by == "demo" else {"supplier": by}
    owner = shop.a_party(by, "merchant" if by == "demo" else "supplier")
    return vault.import_bytes(raw, "codes.txt", owner=owner, sku="B1", progress=progress, **supplier, **order)


def without_orders(shop: Shop) -> None:
    """Cards of this shop may be held for lines that are not there."""
    shop.sql("ALTER TABLE card DROP CONSTRAINT card_line_sku")


def bought(url: str, shop: Shop, quantity: int = 1) -> int:
    """What a purchase says to the stock, by the statements of the stock room; how many cards it got.

    There is no order behind it: the shop must be `without_orders`.
    """
    wanted = {"merchant": shop.merchant, "sku": shop.a_sku("B1"), "usable_on": NOON.date()}
    wanted |= {"seen": [], "line": new_id(), "quantity": quantity}
    with connect(url) as shopper:
        found = shopper.execute(stock_sql.SELLABLE_BATCHES.encode(), wanted).fetchall()
        which = {"batches": [row[0] for row in found], "low": [row[1] for row in found]}
        return len(shopper.execute(stock_sql.HOLD_FREE_CARDS.encode(), wanted | which).fetchall())
