"""Money as integer minor units of one currency; no float anywhere (INV-M9)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

from core.errors import Invalid

EXPONENT = {"CNY": 2, "USD": 2, "JPY": 0, "XTR": 0, "USDT": 6}
"""Digits after the point of each currency (ISO 4217; XTR = Telegram Stars, USDT as its gateways count it)."""

GREATEST = 10**15
"""No single amount in the books is larger (minor units)."""

GREATEST_RATE = 10**9
"""Neither side of an exchange rate is larger."""

MICRO = 1_000_000
"""Unit costs are kept in 10⁻⁶ of the major unit and rounded once per line."""


class CurrencyMismatch(TypeError):
    """Arithmetic over two currencies is a defect of ours, never a person's mistake."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount: `minor` units (may be negative in a difference) of `currency`."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.minor, bool) or not isinstance(self.minor, int):
            raise TypeError("money is an integer count of minor units")
        if self.currency not in EXPONENT:
            raise Invalid(what="currency")

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} with {other.currency}")

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __mul__(self, count: int) -> Money:
        return Money(self.minor * count, self.currency)

    def decimal(self) -> str:
        """The amount in major units as text: `Money(1050, "CNY")` is `10.50`."""
        exponent = EXPONENT[self.currency]
        sign, digits = ("-" if self.minor < 0 else ""), str(abs(self.minor)).rjust(exponent + 1, "0")
        return sign + (f"{digits[:-exponent]}.{digits[-exponent:]}" if exponent else digits)


@dataclass(frozen=True, slots=True)
class Rate:
    """An exchange rate as an integer ratio: `minor` minor units of `currency` for `units` minor units of another.

    `Rate(14, 1, "CNY")` of Telegram Stars is 0.14 yuan a Star. Raises `Invalid` for anything but 1 to 10⁹ on each side.
    """

    minor: int
    units: int
    currency: str

    def __post_init__(self) -> None:
        for side in (self.minor, self.units):
            if type(side) is not int or not 1 <= side <= GREATEST_RATE:
                raise Invalid(what="rate")
        if self.currency not in EXPONENT:
            raise Invalid(what="rate")

    def asked_for(self, worth: Money, currency: str) -> Money:
        """What is to be paid in `currency` for `worth`, rounded up to its whole minor units (books.md)."""
        if worth.currency != self.currency:
            raise CurrencyMismatch(f"{worth.currency} at a rate of {self.currency}")
        return Money(-(-worth.minor * self.units // self.minor), currency)


def from_decimal(text: str, currency: str) -> Money:
    """Read an amount in major units. Raises `Invalid` for NaN, signs, exponents, extra digits, too large amounts."""
    exponent = EXPONENT.get(currency)
    if exponent is None or not text.isascii() or not text.replace(".", "", 1).isdigit():
        raise Invalid(what="amount")
    minor = _scaled(text, exponent)
    if minor != minor.to_integral_value() or not 0 <= minor <= GREATEST:
        raise Invalid(what="amount")
    return Money(int(minor), currency)


def micro_from_decimal(text: str) -> int:
    """Read a unit cost in major units as 10⁻⁶ of it. Raises `Invalid` like `from_decimal`."""
    if not text.isascii() or not text.replace(".", "", 1).isdigit():
        raise Invalid(what="unit_cost")
    micro = _scaled(text, 6)
    if micro != micro.to_integral_value() or micro > GREATEST:
        raise Invalid(what="unit_cost")
    return int(micro)


def _scaled(text: str, digits: int) -> Decimal:
    # The default context rounds to 28 digits: 1.0000000000000000000000000001 would become 1 and be taken.
    return Decimal(text).scaleb(digits, Context(prec=len(text) + digits))


def minor_from_micro(micro: int, currency: str) -> int:
    """Round a sum of unit costs (10⁻⁶ major units) to minor units, half to even: done once per line."""
    scaled = Decimal(micro).scaleb(EXPONENT[currency] - 6)
    return int(scaled.to_integral_value(rounding=ROUND_HALF_EVEN))
