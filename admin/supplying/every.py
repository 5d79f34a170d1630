"""The pages of suppliers and of money, in one place."""

from __future__ import annotations

from flask import Blueprint

from admin.money import overview, payouts
from admin.supplying import applying, hop, keys, offers


def supplying() -> list[Blueprint]:
    """Every page of these two rooms."""
    return [applying.pages, offers.pages, hop.pages, keys.pages, overview.pages, payouts.pages]
