"""What placing an order must know first: the shopper, the listings, what is unpaid, where shares are booked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.actor import Actor
from core.catalog.rules import ProductKind, UnknownListing
from core.db import execute
from core.errors import Invalid, NotFound
from core.members.periods import Unit
from core.orders import sql
from core.orders.rules import NothingIsSold
from core.orders.shares import Seller
from core.orders.values import WantedLine
from core.risk.rules import ShopperBlocked


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """What a piece of a plan's goods gives now: `count` units of a membership; frozen on the line that buys it."""

    plan_id: int
    count: int
    unit: Unit


@dataclass(frozen=True, slots=True)
class ListingFacts:
    """A wanted listing as it is now (price in minor units)."""

    id: int
    code: str
    sku_id: int
    price_minor: int
    currency: str
    version: int
    maximum_quantity: int
    names: dict[str, str]
    minimum_life_days: int
    kind: ProductKind
    plan: PlanTerms | None = None


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    """What `PLACE_FACTS` and `UNPAID` found."""

    merchant_id: int
    shopper_id: UUID
    identity_id: UUID
    conversation_id: UUID
    chat_address: str
    stranger: bool
    seller: Seller
    listings: dict[int, ListingFacts]
    unpaid_of_shopper: int
    unpaid_of_network: int

    @property
    def currency(self) -> str:
        """Of every wanted listing."""
        return self.seller.currency


def place_facts(actor: Actor, conversation_id: UUID, lines: Sequence[WantedLine], network: str) -> PlaceFacts:
    """Lock the shopper and read what placing needs. Raises `NotFound`, the refusals of what is wanted."""
    rows = execute(
        sql.PLACE_FACTS,
        {
            "conversation": conversation_id,
            "shopper": actor.id,
            "merchant": actor.party_id,
            "listings": [line.listing_id for line in lines],
            "network": network,
        },
    )
    if not rows:
        raise NotFound("conversation")
    if rows[0][19]:
        raise NothingIsSold
    if rows[0][25]:
        raise ShopperBlocked
    merchant_id, shopper_id, identity_id, chat_address, paid_orders, basis_points = rows[0][:6]
    listings = {row[6]: _listing(row) for row in rows if row[6] is not None and row[13] and row[17] == "active"}
    listings = {number: one for number, one in listings.items() if (one.kind is ProductKind.PLAN) == bool(one.plan)}
    if set(listings) != {line.listing_id for line in lines}:
        raise UnknownListing()
    currencies = {listing.currency for listing in listings.values()}
    if len(currencies) != 1:
        raise Invalid(what="currency")
    currency = currencies.pop()
    of_shopper, of_network, accounts, fee_account_id = execute(
        sql.UNPAID, {"shopper": shopper_id, "merchant": merchant_id, "network": network, "currency": currency}
    )[0]
    return PlaceFacts(
        merchant_id=merchant_id,
        shopper_id=shopper_id,
        identity_id=identity_id,
        conversation_id=conversation_id,
        chat_address=chat_address,
        stranger=paid_orders == 0,
        seller=Seller(merchant_id, rows[0][18], basis_points, currency, accounts or {}, fee_account_id),
        listings=listings,
        unpaid_of_shopper=of_shopper,
        unpaid_of_network=of_network,
    )


def _listing(row: tuple[Any, ...]) -> ListingFacts:
    product_names, sku_names = row[14], row[15]
    names = product_names | {locale: name for locale, name in sku_names.items() if name}
    return ListingFacts(
        id=row[6],
        code=row[7],
        sku_id=row[8],
        price_minor=row[9],
        currency=row[10],
        version=row[11],
        maximum_quantity=row[12],
        names=names,
        minimum_life_days=row[16],
        kind=ProductKind(row[20]),
        plan=None if row[21] is None else PlanTerms(row[21], row[22], Unit(row[23])),
    )
