"""What a merchant offers now, in the shopper's language: shelves, pages, one product, one code, the public list."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.catalog import sql
from core.catalog.rules import CATEGORY_NAMES, Category, ProductKind, UnknownListing
from core.db import execute
from core.errors import Invalid, NotFound
from core.money import Money
from core.titles import worded

CODE = re.compile(r"[A-Z][A-Z0-9]{0,15}")
"""A short code of a SKU or a listing, as people type it after 买."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a merchant sells under one code: a SKU at a price. `version` grows with every change of the price."""

    id: int
    merchant_id: int
    sku_id: int
    product_id: int
    kind: ProductKind
    code: str
    sku_code: str
    version: int
    price: Money
    names: dict[str, str]
    axes: dict[str, str]
    maximum_quantity: int
    minimum_life_days: int

    def name(self, locale: str) -> str:
        """The full name of the goods in one language."""
        return worded(self.names, locale)


@dataclass(frozen=True, slots=True)
class ProductCard:
    """One product of a list: what it is and under which codes it is sold, cheapest position first."""

    product_id: int
    code: str
    kind: ProductKind
    category: Category
    name: str
    summary: str
    listings: tuple[Listing, ...]


@dataclass(frozen=True, slots=True)
class ProductView:
    """One product with its rules; the texts are empty where the merchant wrote none."""

    card: ProductCard
    redeem: str  # how the key is used, step by step
    refund: str  # when money comes back


@dataclass(frozen=True, slots=True)
class Page:
    """One page of products, counted from 1."""

    items: tuple[ProductCard, ...]
    number: int
    has_more: bool


@dataclass(frozen=True, slots=True)
class PublicPage:
    """A part of the public list; `next` is the cursor of the part after it, None at the end."""

    items: tuple[ProductCard, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Shelf:
    """A category that has goods now."""

    category: Category
    name: str
    products: int


def categories(*, merchant_id: int, locale: str) -> list[Shelf]:
    """The merchant's categories that have goods, in the order of `Category`."""
    counts = {Category(name): int(count) for name, count in execute(sql.CATEGORIES, (merchant_id,))}
    return [Shelf(shelf, worded(CATEGORY_NAMES[shelf], locale), counts[shelf]) for shelf in Category if shelf in counts]


def products_page(
    *, merchant_id: int, category: Category | None = None, page: int = 1, size: int = 8, locale: str
) -> Page:
    """One page of what the merchant sells, all of it or one category; a page past the end is empty."""
    number = min(max(page, 1), 10_000)
    rows = execute(sql.PAGE, (merchant_id, category and category.value, size + 1, (number - 1) * size))
    cards = cards_of(merchant_id=merchant_id, product_ids=[row[0] for row in rows[:size]], locale=locale)
    return Page(tuple(cards), number, len(rows) > size)


def product_view(*, merchant_id: int, product_id: int, locale: str) -> ProductView:
    """One product that the merchant sells now. Raises `NotFound`, also for goods that only others sell."""
    if not execute(sql.PRODUCT, (merchant_id, product_id)):
        raise NotFound("product")
    (card,) = cards_of(merchant_id=merchant_id, product_ids=[product_id], locale=locale)
    texts = execute(sql.PRODUCT_TEXTS, ([product_id],))[0][5]
    return ProductView(card, worded(texts.get("redeem", {}), locale), worded(texts.get("refund", {}), locale))


def find_listing(*, merchant_id: int, code: str) -> Listing:
    """What the merchant sells under this code now, however its letters are cased. Raises `UnknownListing`."""
    rows = execute(sql.LISTING_BY_CODE, (merchant_id, code.upper())) if CODE.fullmatch(code.upper()) else []
    if not rows:
        raise UnknownListing()
    return _listing(rows[0])


def find_listings(*, merchant_id: int, listing_ids: Sequence[int]) -> dict[int, Listing]:
    """Those of the listings that are the merchant's and on sale now, by id."""
    rows = execute(sql.LISTINGS_BY_ID, (merchant_id, list(listing_ids)))
    return {row[0]: _listing(row) for row in rows}


def public_products(*, merchant_id: int, after: str | None, limit: int, locale: str) -> PublicPage:
    """A part of everything the merchant sells; `after` is a cursor that an earlier part gave. Raises `Invalid`."""
    if after is not None and not re.fullmatch(r"[a-z0-9-]{1,60}", after):
        raise Invalid(what="after")
    limit = min(max(limit, 1), 100)
    rows = execute(sql.PUBLIC_PAGE, (merchant_id, after, after, limit + 1))
    cards = cards_of(merchant_id=merchant_id, product_ids=[row[0] for row in rows[:limit]], locale=locale)
    return PublicPage(tuple(cards), cards[-1].code if len(rows) > limit else None)


def cards_of(*, merchant_id: int, product_ids: Sequence[int], locale: str) -> list[ProductCard]:
    """The cards of these products in the order given, with what the merchant sells of each (two statements)."""
    if not product_ids:
        return []
    listings: dict[int, list[Listing]] = {}
    for row in execute(sql.LISTINGS_OF_PRODUCTS, (merchant_id, list(product_ids))):
        listings.setdefault(row[3], []).append(_listing(row))
    texts = {row[0]: row for row in execute(sql.PRODUCT_TEXTS, (list(product_ids),))}
    return [_card(texts[number], tuple(listings[number]), locale) for number in product_ids if number in listings]


def _card(row: tuple[Any, ...], listings: tuple[Listing, ...], locale: str) -> ProductCard:
    number, code, kind, category, names, texts = row
    summary = worded(texts.get("summary", {}), locale)
    return ProductCard(number, code, ProductKind(kind), Category(category), worded(names, locale), summary, listings)


def _listing(row: tuple[Any, ...]) -> Listing:
    number, merchant_id, sku_id, product_id, kind, code, sku_code, version, minor, currency, *rest = row
    return Listing(
        *(number, merchant_id, sku_id, product_id, ProductKind(kind), code, sku_code, version),
        Money(minor, currency),
        *rest,
    )
