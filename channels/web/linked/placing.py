"""The page before an order: what it costs now, how many, and one button that places it, once."""

from __future__ import annotations

from dataclasses import dataclass

from bot.texts import Texts
from channels.network import network_mark
from channels.web.bill import Trouble
from channels.web.door import Door
from channels.web.goods import Badge, badge, left_of
from channels.web.linked.visits import Visit
from channels.web.till import check_of
from core.catalog.rules import ProductKind, UnknownListing
from core.catalog.service import Listing, find_listings, product_view
from core.errors import NotFound
from core.money import Money
from core.orders.service import OrderView, WantedLine, place_order, placed_by
from core.pricing.rules import quote
from core.stock.service import hands_out
from core.submission import OtherContent

BUTTON = "place"
LONGEST_COUPON = 40


@dataclass(frozen=True, slots=True)
class Wish:
    """What the link names, at the price of now."""

    listing: Listing
    quantity: int
    total: Money
    seen: Money  # the price each that the link was made with
    coupon: str
    left: int
    refund: str


def placed(visit: Visit) -> OrderView | None:
    """The order that this link placed; None before."""
    return placed_by(actor=visit.actor, submission_id=visit.link.submission)


def wish_of(door: Door, visit: Visit, asked: str, texts: Texts) -> Wish:
    """What would be ordered. `asked` is the quantity in the address, the link's own where it is none.

    Raises `UnknownListing` for goods that are no longer sold here.
    """
    params = visit.link.params
    number, named = int(params["listing"]), int(params["quantity"])
    listing = find_listings(merchant_id=visit.chat.merchant_id, listing_ids=[number]).get(number)
    if listing is None:
        raise UnknownListing()
    most = min(listing.maximum_quantity, door.shop.order_policy.largest_line)
    quantity = min(max(1, int(asked) if is_count(asked) else named), most)
    currency = listing.price.currency
    priced = quote(list_price_minor=listing.price.minor, quantity=quantity)
    now, zone = door.shop.clock.now(), door.shop.order_policy.zone
    left = left_of(merchant_id=visit.chat.merchant_id, listings=[listing], zone=zone, now=now)
    return Wish(
        listing=listing,
        quantity=quantity,
        total=Money(priced.total_minor, currency),
        seen=Money(int(params["price"]), currency),
        coupon=str(params.get("coupon", ""))[:LONGEST_COUPON],
        left=left.get(listing.sku_id, 0) if hands_out() else 0,
        refund=refund_of(listing, texts),
    )


def is_count(text: str) -> bool:
    """Whether a text is a plain number of a few digits."""
    return text.isascii() and text.isdigit() and len(text) <= 4


def refund_of(listing: Listing, texts: Texts) -> str:
    """When money comes back; empty where the merchant wrote nothing."""
    try:
        found = product_view(merchant_id=listing.merchant_id, product_id=listing.product_id, locale=texts.locale)
    except NotFound:
        return ""
    return found.refund


def values_of(door: Door, visit: Visit, wish: Wish, texts: Texts, trouble: Trouble | None) -> dict[str, object]:
    """What the template needs of a wish."""
    listing, count = wish.listing, wish.quantity
    most = min(listing.maximum_quantity, door.shop.order_policy.largest_line)
    chat_texts = door.shop.phrasebook.texts(texts.locale)
    return {
        "url": visit.url,
        "live_url": f"{visit.url}/state",
        "check": check_of(door, visit.token),
        "name": texts.name(listing.names),
        "code": listing.code,
        "each": texts.money(listing.price),
        "price_before": texts.money(wish.seen) if wish.seen != listing.price else "",
        "version": listing.version,
        "quantity": count,
        "fewer": count - 1 if count > 1 else 0,
        "more": count + 1 if count < most else 0,
        "most": most,
        "total": texts.money(wish.total),
        "badge": badge(chat_texts, wish.left),
        "is_sold_out": wish.left < 1,
        "coupon": wish.coupon,
        "refund": wish.refund,
        "is_plan": listing.kind is ProductKind.PLAN,
        "trouble": trouble,
    }


def gone_values(visit: Visit) -> dict[str, object]:
    """The same where the goods are no longer sold."""
    return {"live_url": f"{visit.url}/state", "badge": Badge("", "none")}


def place(door: Door, visit: Visit, *, quantity: int, version: int) -> None:
    """付款: place the order, once however often it is pressed (fault 39); an order that was placed stays as it is.

    Raises what `place_order` refuses with, `PriceChanged` among it.
    """
    wanted = WantedLine(int(visit.link.params["listing"]), quantity, seen_version=version)
    try:
        place_order(
            actor=visit.actor,
            conversation_id=visit.chat.id,
            lines=[wanted],
            submission_id=visit.link.submission,
            network=network_mark(door.session_key, f"wechat:{visit.chat.identity_id}"),
            policy=door.shop.order_policy,
            keys=door.shop.order_keys,
            now=door.shop.clock.now(),
        )
    except OtherContent:  # pressed before with another quantity: that order counts
        return
