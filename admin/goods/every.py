"""All pages and lists of goods, in one place."""

from __future__ import annotations

from flask import Blueprint

from admin.goods import grid, new, offered, products, selling, sheets, variants
from admin.goods.lists import Listings
from admin.goods.rows import GoodRow
from admin.rows import ListingRow
from admin.scoped import ScopedView


def goods() -> list[Blueprint]:
    """Every page about goods."""
    return [selling.pages, new.pages, products.pages, variants.pages, grid.pages, offered.pages, sheets.pages]


def goods_lists() -> list[ScopedView]:
    """Listings and products."""
    return [
        Listings(ListingRow, endpoint="listings", url="/goods"),
        products.Products(GoodRow, endpoint="products", url="/products"),
    ]
