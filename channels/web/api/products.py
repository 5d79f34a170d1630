"""What a merchant sells, for anyone who asks: no key needed, nothing secret in it."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.texts import Texts
from channels.web.door import Door
from channels.web.goods import left_of
from channels.web.problems import Problem
from channels.web.render import SAFE_HEADERS
from channels.web.tokens import refuse_in_address
from core.catalog.service import public_products
from core.parties.service import find_merchant

PAGE = 50


async def index(request: Request) -> Response:
    """`{"items": [{"code", "name", "kind", "skus": [{"code", "name", "price", "available"}]}], "next"}`."""
    refuse_in_address(request)
    door: Door = request.app.state.door
    limit = request.query_params.get("limit", str(PAGE))
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 4):
        raise Problem(422, "limit must be a whole number from 1 to 100.")
    part = await door.run(
        public_part,
        door,
        merchant=request.query_params.get("merchant"),
        after=request.query_params.get("after"),
        limit=int(limit),
        texts=door.pages.language(request),
    )
    return JSONResponse(part, headers={**SAFE_HEADERS, "Access-Control-Allow-Origin": "*"})


def public_part(door: Door, *, merchant: str | None, after: str | None, limit: int, texts: Texts) -> dict[str, Any]:
    """One part of the list, as JSON; `available` is capped and never above the truth."""
    seller = find_merchant(merchant)
    page = public_products(merchant_id=seller.id, after=after, limit=limit, locale=texts.locale)
    listings = [listing for card in page.items for listing in card.listings]
    zone = door.shop.order_policy.zone
    left = left_of(merchant_id=seller.id, listings=listings, zone=zone, now=door.shop.clock.now())
    return {
        "items": [
            {
                "code": card.code,
                "name": card.name,
                "kind": card.kind.value,
                "skus": [
                    {
                        "code": listing.sku_code,
                        "name": listing.name(texts.locale),
                        "price": {"minor": listing.price.minor, "currency": listing.price.currency},
                        "available": left.get(listing.sku_id, 0),
                    }
                    for listing in card.listings
                ],
            }
            for card in page.items
        ],
        "next": page.next,
    }
