"""Goods as the first page and the public list show them: name, price, and a coarse figure of what is left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.statuses import stock_badge
from bot.texts import Texts
from core.catalog.service import Listing, products_page
from core.stock.service import available, usable_on

SHELF = 6  # goods on the first page; the rest is one tap away


@dataclass(frozen=True)
class Badge:
    """What is left, in words, and how loudly to say it."""

    text: str
    tone: str


@dataclass(frozen=True)
class Tile:
    """One row of the shelf; `say` is what tapping it says in the chat."""

    name: str
    price: str
    badge: Badge
    say: str


def left_of(*, merchant_id: int, listings: Iterable[Listing], zone: str, now: datetime) -> dict[int, int]:
    """How many of each SKU may be sold now, by SKU id; capped, so never above the truth and cheap to ask."""
    by_life: dict[int, list[int]] = defaultdict(list)
    for listing in listings:
        by_life[listing.minimum_life_days].append(listing.sku_id)
    left: dict[int, int] = {}
    for days, skus in by_life.items():
        day = usable_on(now=now, zone=zone, minimum_life_days=days)
        left |= available(merchant_id=merchant_id, sku_ids=skus, usable_on=day)
    return left


def shelf(*, merchant_id: int, texts: Texts, zone: str, now: datetime) -> list[Tile]:
    """The first goods of a merchant for its front page; `texts` are those of the conversation."""
    page = products_page(merchant_id=merchant_id, size=SHELF, locale=texts.locale)
    listings = [listing for card in page.items for listing in card.listings][:SHELF]
    left = left_of(merchant_id=merchant_id, listings=listings, zone=zone, now=now)
    word = "买" if texts.locale.startswith("zh") else "buy"
    return [
        Tile(
            name=listing.name(texts.locale),
            price=texts.money(listing.price),
            badge=badge(texts, left.get(listing.sku_id, 0)),
            say=f"{word} {listing.code} 1",
        )
        for listing in listings
    ]


def badge(texts: Texts, left: int) -> Badge:
    """In stock, only a few left, sold out."""
    plenty = stock_badge(texts, 10**6)
    words = stock_badge(texts, left)
    if left <= 0:
        return Badge(words, "none")
    return Badge(words, "" if words == plenty else "low")
