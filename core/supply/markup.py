"""Prices that follow a cost: so many percent on top, and an ending that reads well."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.errors import Invalid
from core.money import EXPONENT, GREATEST, Money

MOST_BASIS_POINTS = 1_000_000
"""A hundred times the cost on top."""


class Ending(StrEnum):
    """How a price ends; it is rounded up to that, so that no ending eats the margin."""

    EXACT = "exact"  # as it comes, in whole minor units
    WHOLE = "00"
    HALF = "50"
    NINETY = "90"
    NINETY_NINE = "99"


@dataclass(frozen=True, slots=True)
class Markup:
    """A rule: `basis_points` (hundredths of a percent) on top of the cost, up to the next price of this ending."""

    basis_points: int
    ending: Ending

    def __post_init__(self) -> None:
        if not 0 <= self.basis_points <= MOST_BASIS_POINTS:
            raise Invalid(what="percent")

    def price(self, cost_micro: int, currency: str) -> Money:
        """The price of what costs `cost_micro` (10⁻⁶ major units); in a currency of no cents every ending is exact.

        Raises `Invalid` for more than the books hold.
        """
        unit = 10 ** EXPONENT[currency]
        minor = -(-cost_micro * (10_000 + self.basis_points) * unit // (10_000 * 1_000_000))
        if self.ending is not Ending.EXACT and unit >= 100:
            tail = int(self.ending.value) * unit // 100
            minor = minor - minor % unit + tail + (unit if minor % unit > tail else 0)
        if minor > GREATEST:
            raise Invalid(what="price")
        return Money(minor, currency)


def margin(price: Money, cost_micro: int) -> Money:
    """What is left of a price above its cost, which is rounded up; below 0 where it is sold at a loss."""
    cost = -(-cost_micro * 10 ** EXPONENT[price.currency] // 1_000_000)
    return Money(price.minor - cost, price.currency)
