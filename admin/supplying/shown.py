"""Prices a card and days as pages of a supplier show them."""

from __future__ import annotations

from decimal import Decimal

from admin.panel import words
from core.money import EXPONENT, Money, minor_from_micro


def price(micro: int, currency: str) -> str:
    """A price a card, which may have more digits than its currency: ¥12.50, 0.0125 CNY."""
    finer = micro % 10 ** max(6 - EXPONENT[currency], 0)
    if not finer:
        return words().money(Money(minor_from_micro(micro, currency), currency))
    return f"{decimal(micro)} {currency}"


def decimal(micro: int) -> str:
    """10⁻⁶ of the major unit as people type it: 12500000 is 12.5."""
    return f"{Decimal(micro).scaleb(-6).normalize():f}"
