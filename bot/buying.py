"""From a chosen listing to a placed order: how many, confirm, place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from bot.browse import not_found, product_of
from bot.home import draw_home
from bot.intents import Act, Intent
from bot.memberships import before_payment, period_words
from bot.pages import PAGE_LASTS, Page, PageKind
from bot.paying import placed_from_wallet, show_order
from bot.refusals import refuse
from bot.screens import Option, Screen, ScreenKind
from bot.talk import Talk, choice
from bot.texts import Texts
from bot.words import BadQuantity, echo, read_quantity
from core.catalog.service import Listing, ProductKind, UnknownListing, find_listing, find_listings
from core.errors import NotFound
from core.members.periods import Unit
from core.members.plans import period_of
from core.members.service import access_shopper
from core.money import Money
from core.orders.rules import NothingIsSold, PriceChanged
from core.orders.service import WantedLine, place_order
from core.payments.service import wallet_balance
from core.pricing.rules import Quote, quote
from core.stock.rules import HeldByOthers, OutOfStock
from core.stock.service import COUNTED_TO, available, hands_out, usable_on


@dataclass(frozen=True, slots=True)
class Offer:
    """What is about to be ordered: a listing, how many, at which price, and how long it is kept unpaid."""

    listing: Listing
    quote: Quote
    kept_for: timedelta
    old_price: Money | None = None  # the price that was shown before, when it changed
    balance: Money | None = None  # of the wallet, where a word may pay from it at once
    coupon: str = ""  # a coupon that was named and cannot be used yet
    period: tuple[int, Unit] | None = None  # for how long a piece makes somebody a member


def confirm(talk: Talk, act: Act) -> Screen:
    """`买 A1 2`: what it costs, to be confirmed."""
    if not act.text("code"):
        return draw_how_to_buy(talk.texts)
    try:
        listing = find_listing(merchant_id=talk.merchant_id, code=act.text("code"))
    except NotFound:
        return not_found(talk, act.text("said"))
    return confirm_listing(talk, listing, act)


def code(talk: Talk, act: Act) -> Screen:
    """`A1 2`: the same without a word before it; `A1` alone shows the goods; what is no code is only words."""
    try:
        listing = find_listing(merchant_id=talk.merchant_id, code=act.text("code"))
    except NotFound:
        return not_found(talk, act.text("said"))
    if not act.text("quantity") and not act.text("coupon"):
        return product_of(talk, listing)
    return confirm_listing(talk, listing, act)


def confirm_listing(talk: Talk, listing: Listing, act: Act) -> Screen:
    """The confirm screen of a listing, or a clear no while nothing has happened yet."""
    try:
        quantity = read_quantity(act.text("quantity"), maximum=listing.maximum_quantity)
    except BadQuantity as refusal:
        return replace(refuse(talk.texts, refusal), asks=Act(Intent.QUANTITY, {"code": listing.code}))
    if not hands_out():
        return refuse(talk.texts, NothingIsSold())
    left = stock_of(talk, listing)
    if left < quantity and left < COUNTED_TO:
        fewer = choice(
            talk.texts.say("Take {count} instead", count=left), Intent.CONFIRM, code=listing.code, quantity=left
        )
        return refuse(talk.texts, OutOfStock(code=listing.code, left=left), *([fewer] if left else []))
    return draw_confirm(talk.texts, offer_of(talk, listing, quantity, coupon=act.text("coupon")))


def stock_of(talk: Talk, listing: Listing) -> int:
    """How many of a listing can be sold now, counted to `COUNTED_TO`."""
    day = usable_on(now=talk.now, zone=talk.shop.order_policy.zone, minimum_life_days=listing.minimum_life_days)
    figures = available(merchant_id=talk.merchant_id, sku_ids=[listing.sku_id], usable_on=day)
    return figures.get(listing.sku_id, 0)


def offer_of(talk: Talk, listing: Listing, quantity: int, *, old_price: Money | None = None, coupon: str = "") -> Offer:
    """Quantity and price of a listing for this shopper."""
    policy = talk.shop.order_policy
    shopper = access_shopper(actor=talk.actor, shopper_id=talk.incoming.shopper_id)
    currency, asks_wallet = listing.price.currency, not talk.texts.manner.has_buttons
    balance = wallet_balance(actor=talk.actor, currency=currency) if asks_wallet else None
    return Offer(
        listing=listing,
        quote=quote(list_price_minor=listing.price.minor, quantity=quantity),
        kept_for=policy.hold_for if shopper.paid_orders else policy.stranger_hold_for,
        old_price=old_price,
        coupon=coupon,
        balance=balance,
        period=period_of(listing_id=listing.id) if listing.kind is ProductKind.PLAN else None,
    )


def ask_quantity(talk: Talk, act: Act) -> Screen:
    """改: how many?"""
    listing = find_listing(merchant_id=talk.merchant_id, code=act.text("code"))
    return draw_ask_quantity(talk.texts, listing)


def place(talk: Talk, act: Act) -> Screen:
    """确认: the order, placed once however often it is tapped, and how to pay it; Y also pays it from the wallet."""
    wanted = WantedLine(act.number("listing"), act.number("quantity"), seen_version=act.number("version"))
    try:
        placed = place_order(
            actor=talk.actor,
            conversation_id=talk.conversation_id,
            lines=[wanted],
            submission_id=talk.submission,
            network=talk.incoming.network,
            policy=talk.shop.order_policy,
            keys=talk.shop.order_keys,
            now=talk.now,
        )
    except PriceChanged:
        return price_changed(talk, act)
    except (OutOfStock, HeldByOthers) as refusal:
        return refuse(talk.texts, refusal, *fewer_options(talk.texts, refusal))
    return placed_from_wallet(talk, placed.order_id) if act.number("wallet") else show_order(talk, placed.order_id)


def price_changed(talk: Talk, act: Act) -> Screen:
    """价格已更新: nothing was placed; the same goods at the new price, to be confirmed."""
    number = act.number("listing")
    listing = find_listings(merchant_id=talk.merchant_id, listing_ids=[number]).get(number)
    if listing is None:
        raise UnknownListing()
    seen = Money(act.number("price"), listing.price.currency)
    return draw_confirm(talk.texts, offer_of(talk, listing, act.number("quantity"), old_price=seen))


def fewer_options(texts: Texts, refusal: OutOfStock | HeldByOthers) -> tuple[Option, ...]:
    """The way out of a short stock: as many as are left."""
    left, code = int(refusal.params.get("left", 0)), str(refusal.params["code"])
    if left < 1:
        return ()
    return (choice(texts.say("Take {count} instead", count=left), Intent.CONFIRM, code=code, quantity=left),)


def dismiss(talk: Talk, act: Act) -> Screen:
    """取消 on the confirm screen: nothing was placed, so nothing has to be undone."""
    return draw_home(talk.texts, first=talk.texts.say("All right, nothing was ordered. Anything else?"))


def draw_confirm(texts: Texts, offer: Offer) -> Screen:
    """Exactly one option places the order and one cancels; the others change the quantity."""
    listing, priced = offer.listing, offer.quote
    currency = listing.price.currency
    lines = [texts.say("The price was updated") if offer.old_price else texts.say("Please confirm your order")]
    lines.append(texts.row(texts.say("Item"), f"{texts.name(listing.names)} ({listing.code})".strip()))
    if offer.old_price:
        lines += texts.money_row(texts.say("Price before"), offer.old_price)
    lines += texts.money_row(texts.say("Price each"), listing.price)
    lines.append(texts.row(texts.say("Quantity"), str(priced.quantity)))
    if offer.period:
        count, unit = offer.period
        lines.append(texts.row(texts.say("Duration"), period_words(texts, count * priced.quantity, unit)))
    if priced.discount_minor and texts.manner.shows_prices:
        lines.append(texts.row(texts.say("Discount"), "−" + texts.money(Money(priced.discount_minor, currency))))
    lines += texts.money_row(texts.say("Total"), Money(priced.total_minor, currency))
    lines.append(how_to_pay(texts, offer))
    is_plan = listing.kind is ProductKind.PLAN
    arrives = texts.say("As soon as you have paid, your cards arrive in this chat.")
    lines.append(before_payment(texts) if is_plan else arrives)
    if offer.coupon:
        lines.append(texts.say("Coupons have not opened yet: {coupon} was not used.", coupon=echo(offer.coupon)))
    if listing.maximum_quantity > 1 and not texts.manner.has_buttons:
        lines.append(texts.say("To change the quantity, send the number."))
    return Screen(
        ScreenKind.CONFIRM,
        "\n".join(lines),
        confirm_options(texts, offer) if texts.manner.has_buttons else page_options(texts, offer),
        asks=Act(Intent.QUANTITY, {"code": listing.code}),
    )


def how_to_pay(texts: Texts, offer: Offer) -> str:
    """Until when, and where."""
    if not texts.manner.has_buttons:
        minutes = int(PAGE_LASTS.total_seconds()) // 60
        return texts.say("Open the link to pay, within {minutes} min; it is for you alone.", minutes=minutes)
    minutes = int(offer.kept_for.total_seconds()) // 60
    if offer.listing.kind is ProductKind.PLAN:
        return texts.say("Please pay within {minutes} min.", minutes=minutes)
    return texts.say("We keep your cards for {minutes} min, please pay within that time.", minutes=minutes)


def place_params(offer: Offer) -> dict[str, str | int]:
    """What is wanted, as it was shown: the price is compared, never charged."""
    listing = offer.listing
    shown = {"quantity": offer.quote.quantity, "version": listing.version, "price": listing.price.minor}
    return {"listing": listing.id, **shown}


def page_options(texts: Texts, offer: Offer) -> tuple[Option, ...]:
    """One turn: the page places the order and takes the payment; the word pays it too where the wallet covers it.

    Nothing is placed before either, so a code typed out of curiosity holds no card.
    """
    total = Money(offer.quote.total_minor, offer.listing.price.currency)
    named = {"code": offer.listing.code, **({"coupon": offer.coupon} if offer.coupon else {})}
    page = Option(
        texts.say("Pay {amount}", amount=texts.money(total)),
        page=Page(PageKind.CHECKOUT, {**place_params(offer), **named}),
    )
    no = Option(texts.say("Cancel"), act=Act(Intent.DISMISS), is_back=True)
    if offer.balance is None or not offer.balance.minor >= total.minor > 0 or not texts.manner.shows_prices:
        return (page, no)
    label = texts.say("Pay from my wallet ({amount})", amount=texts.money(offer.balance))
    return (page, choice(label, Intent.PLACE, **place_params(offer), wallet=1), no)


def confirm_options(texts: Texts, offer: Offer) -> tuple[Option, ...]:
    """确认, −, +, 改, 取消; − only above one, + only below the maximum."""
    listing, count = offer.listing, offer.quote.quantity
    yes = choice(texts.say("Confirm order"), Intent.PLACE, **place_params(offer))
    steps = [(count - 1, "−1"), (count + 1, "+1")]
    changes = [
        choice(label, Intent.CONFIRM, code=listing.code, quantity=to)
        for to, label in steps
        if 1 <= to <= listing.maximum_quantity
    ]
    if listing.maximum_quantity > 1:
        changes.append(choice(texts.say("Change quantity"), Intent.ASK_QUANTITY, code=listing.code))
    no = Option(texts.say("Cancel"), act=Act(Intent.DISMISS), is_back=True)
    return (yes, *changes, no)


def draw_ask_quantity(texts: Texts, listing: Listing) -> Screen:
    """How many? A number is the answer; the usual ones are one tap."""
    usual = [count for count in (1, 2, 3, 5, 10) if count <= listing.maximum_quantity]
    options = [choice(str(count), Intent.CONFIRM, code=listing.code, quantity=count) for count in usual]
    no = Option(texts.say("Cancel"), act=Act(Intent.DISMISS), is_back=True)
    question = texts.say("How many of {name}? Send a number from 1 to {maximum}.", name=texts.name(listing.names),
                         maximum=listing.maximum_quantity)  # fmt: skip
    return Screen(ScreenKind.INPUT, question, (*options, no), asks=Act(Intent.QUANTITY, {"code": listing.code}))


def draw_how_to_buy(texts: Texts) -> Screen:
    """`买` without a code."""
    text = texts.say("Which one? Send the code and how many, for example “buy A1 2”. You find the code on each item.")
    return Screen(ScreenKind.INPUT, text, (choice(texts.say("See all goods"), Intent.CATALOG),))
