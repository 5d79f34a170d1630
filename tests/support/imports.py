"""Small files of numbered cards, and whoever brings them."""

from __future__ import annotations

from typing import Any

from core.vault.client import ImportReport, Progress
from tests.builders import Shop
from tests.support.vaults import TestVault

ROWS = 60


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
