"""How much the vault opens in an hour beside a merchant's own budget: known to it, and to who takes orders."""

from __future__ import annotations

POOL_TIMES = 5
"""A pool (the SKU of one owner) opens so many times the base budget of one merchant in an hour over all its merchants,
or so many times its own usual peak. Rows of merchants are web's to write, so budgets of merchants alone bound nothing;
and as many times as a busy shop's budget grows by, and never less than the seller's own, so that a pool stalls nobody.
"""
_LEAST_FREE = 20
_FREE_PART = 10


def free_budget(base: int) -> int:
    """How many cards of a pool may be opened in an hour without any money: a total of 0 needs no evidence."""
    return max(_LEAST_FREE, base // _FREE_PART)
