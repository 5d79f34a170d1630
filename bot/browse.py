"""Looking at goods: shelves, pages, search, one product, its variants one axis after another, words nobody knows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import TypedDict

from bot.home import draw_home, home, home_options
from bot.intents import Act, Intent
from bot.screens import Option, Screen, ScreenKind
from bot.statuses import stock_badge
from bot.talk import Talk, back_to, choice, home_option
from bot.texts import Texts
from bot.words import echo
from core.catalog.rules import AXIS_NAMES, Category, ProductKind, axis_name, axis_value
from core.catalog.search import alike, nearest, search
from core.catalog.service import (
    Listing,
    Page,
    ProductCard,
    ProductView,
    Shelf,
    categories,
    find_listing,
    product_view,
    products_page,
)
from core.errors import NotFound
from core.stock.service import available, hands_out, usable_on

Figures = dict[int, int]
"""How many of each SKU can be sold, by SKU id, counted to 100."""

FOUND_AT_MOST = 8
NEAREST = 3


class Asked(TypedDict):
    """What the three ways to look for goods are asked alike."""

    merchant_id: int
    text: str
    locale: str


def catalog(talk: Talk, act: Act) -> Screen:
    """The shelves; where there is only one, what stands on it."""
    shelves = categories(merchant_id=talk.merchant_id, locale=talk.texts.locale)
    return draw_shelves(talk.texts, shelves) if len(shelves) > 1 else page(talk, act)


def page(talk: Talk, act: Act) -> Screen:
    """One page of a shelf, or of everything."""
    wanted = act.text("category") if act.text("category") in set(Category) else ""
    shown = products_page(
        merchant_id=talk.merchant_id,
        category=Category(wanted) if wanted else None,
        page=act.number("page", 1),
        locale=talk.texts.locale,
    )
    if len(shown.items) == 1 and shown.number == 1 and not act.number("from_product"):
        return product(talk, Act(Intent.PRODUCT, {"product": shown.items[0].product_id}))
    if len(shown.items) == 1 and shown.number == 1:
        return draw_shelves(talk.texts, categories(merchant_id=talk.merchant_id, locale=talk.texts.locale))
    return draw_page(talk.texts, shown, figures_of(talk, shown.items), category=wanted)


def searched(talk: Talk, act: Act) -> Screen:
    """Goods that resemble some words; without words the question what to look for."""
    words = act.text("words")
    if not words:
        return draw_what_to_find(talk.texts)
    return not_found(talk, words)


def unknown(talk: Talk, act: Act) -> Screen:
    """Words that mean nothing here; a message without any gets the menu."""
    return not_found(talk, act.text("said")) if act.text("said") else draw_home(talk.texts)


def not_found(talk: Talk, said: str) -> Screen:
    """Goods of that name, the only one at once; else those that may be meant, to choose from; never silence."""
    asked: Asked = {"merchant_id": talk.merchant_id, "text": said, "locale": talk.texts.locale}
    found = search(**asked, limit=FOUND_AT_MOST)
    if len(found) == 1:
        return product(talk, Act(Intent.PRODUCT, {"product": found[0].product_id}))
    if found:
        return draw_found(talk.texts, said, found, figures_of(talk, found))
    near = alike(**asked, limit=NEAREST) or nearest(**asked, limit=NEAREST)
    figures = figures_of(talk, near)
    return draw_nearest(talk.texts, said, sorted(near, key=lambda card: is_sold_out(card, figures)), figures)


def product(talk: Talk, act: Act) -> Screen:
    """One product; with the axes chosen so far, the variants that are left."""
    view = product_view(merchant_id=talk.merchant_id, product_id=act.number("product"), locale=talk.texts.locale)
    chosen = {axis: act.text(axis) for axis in AXIS_NAMES if act.text(axis)}
    return said_if_closed(talk, draw_product(talk.texts, view, figures_of(talk, [view.card]), chosen))


def product_of(talk: Talk, listing: Listing) -> Screen:
    """The product of one code, with exactly that variant chosen."""
    view = product_view(merchant_id=talk.merchant_id, product_id=listing.product_id, locale=talk.texts.locale)
    return said_if_closed(talk, draw_variant(talk.texts, view, listing, figures_of(talk, [view.card])))


def said_if_closed(talk: Talk, screen: Screen) -> Screen:
    """The same screen; while no card can be handed out it says so, before anybody wants to pay for one."""
    return screen if hands_out() else draw_closed(talk.texts, screen)


def start(talk: Talk, act: Act) -> Screen:
    """`/start`, with a code behind it in a link to one product; anything else there leads to the menu."""
    if not act.text("code"):
        return home(talk, act)
    try:
        return product_of(talk, find_listing(merchant_id=talk.merchant_id, code=act.text("code")))
    except NotFound:
        return home(talk, act)


def figures_of(talk: Talk, cards: Sequence[ProductCard]) -> Figures:
    """The stock of all that these products are sold as."""
    by_life: dict[int, list[int]] = defaultdict(list)
    for listing in (listing for card in cards for listing in card.listings):
        by_life[listing.minimum_life_days].append(listing.sku_id)
    figures: dict[int, int] = {}
    for days, skus in by_life.items():
        day = usable_on(now=talk.now, zone=talk.shop.order_policy.zone, minimum_life_days=days)
        figures |= available(merchant_id=talk.merchant_id, sku_ids=skus, usable_on=day)
    return figures


def is_sold_out(card: ProductCard, figures: Figures) -> bool:
    """Whether nothing of a product is left."""
    return not any(figures.get(listing.sku_id) for listing in card.listings)


def draw_closed(texts: Texts, screen: Screen) -> Screen:
    """A product while the shop sells nothing."""
    closed = texts.say("The shop cannot hand out cards right now, so it takes no orders.")
    return replace(screen, text="\n".join((screen.text, closed, texts.say("Please come back a little later."))))


def draw_shelves(texts: Texts, shelves: Sequence[Shelf]) -> Screen:
    """One option a shelf."""
    options = (
        choice(f"{shelf.name} ({shelf.products})", Intent.CATEGORY, category=shelf.category.value) for shelf in shelves
    )
    text = texts.say("What are you looking for?")
    return Screen(ScreenKind.MENU, text, (*options, choice(texts.say("Search"), Intent.SEARCH), home_option(texts)))


def draw_page(texts: Texts, shown: Page, figures: Figures, *, category: str) -> Screen:
    """At most eight products, then the ways on and back."""
    options = [goods_option(texts, card, figures) for card in shown.items]
    of_shelf: dict[str, str | int] = {"category": category} if category else {}
    if shown.has_more:
        options.append(choice(texts.say("More"), Intent.CATEGORY, page=shown.number + 1, **of_shelf))
    back = back_to(texts.say("Back"), Intent.CATALOG) if category else home_option(texts)
    if shown.number > 1 and texts.manner.has_buttons:
        options.append(choice(texts.say("Previous page"), Intent.CATEGORY, page=shown.number - 1, **of_shelf))
    elif shown.number > 1:  # eight items and the way on take all nine numbers
        back = back_to(texts.say("Previous page"), Intent.CATEGORY, page=shown.number - 1, **of_shelf)
    text = texts.say("Tap an item to see it.") if shown.items else texts.say("There is nothing here right now.")
    return Screen(ScreenKind.MENU, text, (*options, back))


def goods_option(texts: Texts, card: ProductCard, figures: Figures) -> Option:
    """`腾讯视频月卡 · ¥25.00 · 充足`: name (the variant's, where there is one), price (the lowest), stock."""
    name = (texts.name(card.listings[0].names) if len(card.listings) == 1 else "") or card.name
    prices = sorted({listing.price.minor for listing in card.listings})
    lowest = min(card.listings, key=lambda listing: listing.price.minor).price
    price = texts.price(lowest)
    if price and len(prices) > 1:
        price = texts.say("{price} and up", price=price)
    badge = stock_badge(texts, sum(figures.get(listing.sku_id, 0) for listing in card.listings))
    code = code_beside(texts, card.listings[0]) if len(card.listings) == 1 else ""
    return choice(texts.beside(name, code, price, badge), Intent.PRODUCT, product=card.product_id)


def code_beside(texts: Texts, listing: Listing) -> str:
    """The code, where goods are ordered by typing it."""
    return "" if texts.manner.has_buttons else listing.code


def draw_what_to_find(texts: Texts) -> Screen:
    """搜索 without words."""
    text = texts.say("What are you looking for? Write its name, for example “video” or “steam 50”.")
    return Screen(ScreenKind.INPUT, text, (choice(texts.say("See all goods"), Intent.CATALOG), home_option(texts)))


def draw_found(texts: Texts, words: str, found: Sequence[ProductCard], figures: Figures) -> Screen:
    """What a search found."""
    options = [goods_option(texts, card, figures) for card in found]
    text = texts.say("Results for “{words}”", words=echo(words))
    return Screen(ScreenKind.MENU, text, (*options, *lost_options(texts)))


def lost_options(texts: Texts) -> tuple[Option, ...]:
    """The ways on for somebody who did not find it."""
    goods = choice(texts.say("See all goods"), Intent.CATALOG)
    help_ = (choice(texts.say("Help"), Intent.HELP),) if texts.manner.has_buttons else ()  # no tenth number for a word
    return (goods, *help_, home_option(texts))


def draw_nearest(texts: Texts, said: str, near: Sequence[ProductCard], figures: Figures) -> Screen:
    """An answer to words nobody knows."""
    if not near:
        lines = [texts.say("Sorry, I did not understand “{words}”.", words=echo(said))]
        lines.append(texts.say("Tap below, or just write: “search video”, “buy A1 2”."))
        return Screen(ScreenKind.MENU, "\n".join(lines), home_options(texts))
    lines = [texts.say("Nothing is called “{words}” here. Did you mean one of these?", words=echo(said))]
    lines.append(texts.say("“help” lists the words that always work."))
    options = [goods_option(texts, card, figures) for card in near]
    return Screen(ScreenKind.MENU, "\n".join(lines), (*options, *lost_options(texts)))


def draw_product(texts: Texts, view: ProductView, figures: Figures, chosen: dict[str, str]) -> Screen:
    """The product and the next thing to choose; what has one possible answer is not asked."""
    left = [
        listing
        for listing in view.card.listings
        if all(listing.axes.get(axis) == value for axis, value in chosen.items())
    ] or list(view.card.listings)
    if len(left) == 1:
        return draw_variant(texts, view, left[0], figures)
    axis = next_axis(left)
    if axis is None:
        options = [variant_option(texts, listing, figures) for listing in left]
        question = texts.say("Which one?")
    else:
        options = axis_options(texts, view.card, left, axis, chosen, figures)
        question = texts.say("Choose: {axis}", axis=axis_name(axis, texts.locale))
    summary = texts.of_the_shop(view.card.summary)
    lines = [view.card.name, *([summary] if summary else []), question]
    back = back_to(texts.say("Back"), Intent.CATEGORY, category=view.card.category.value, from_product=1)
    return Screen(ScreenKind.PRODUCT, "\n".join(lines), (*options, back))


def next_axis(listings: Sequence[Listing]) -> str | None:
    """The first axis along which these variants differ."""
    return next((axis for axis in AXIS_NAMES if len({listing.axes.get(axis) for listing in listings}) > 1), None)


def axis_options(
    texts: Texts, card: ProductCard, left: Sequence[Listing], axis: str, chosen: dict[str, str], figures: Figures
) -> list[Option]:
    """One option for each value of an axis; a value that leaves one variant shows its price and stock."""
    options = []
    for value in dict.fromkeys(listing.axes.get(axis, "") for listing in left):
        of_value = [listing for listing in left if listing.axes.get(axis, "") == value]
        if len(of_value) == 1:
            options.append(variant_option(texts, of_value[0], figures, label=axis_value(value, texts.locale)))
        else:
            label = axis_value(value, texts.locale) or texts.say("Other")
            options.append(choice(label, Intent.PRODUCT, product=card.product_id, **chosen, **{axis: value}))
    return options


def variant_option(texts: Texts, listing: Listing, figures: Figures, label: str = "") -> Option:
    """`月卡 · ¥25.00 · 充足`, which leads to the confirm screen."""
    badge = stock_badge(texts, figures.get(listing.sku_id, 0))
    name = label or texts.name(listing.names)
    words = texts.beside(name, code_beside(texts, listing), texts.price(listing.price), badge)
    return choice(words, Intent.CONFIRM, code=listing.code)


def draw_variant(texts: Texts, view: ProductView, listing: Listing, figures: Figures) -> Screen:
    """One variant with its rules, and the way to buy it."""
    left = figures.get(listing.sku_id, 0)
    lines = [texts.name(listing.names)]
    lines += texts.money_row(texts.say("Price"), listing.price)
    if view.card.kind is not ProductKind.PLAN:
        lines.append(texts.row(texts.say("Stock"), stock_badge(texts, left)))
    lines.append(texts.row(texts.say("Code"), listing.code))
    lines.append(texts.row(texts.say("Delivery"), texts.say("in this chat, seconds after payment")))
    if refund := texts.of_the_shop(view.refund):
        lines.append(texts.row(texts.say("Refunds"), " ".join(refund.split())))
    if summary := texts.of_the_shop(view.card.summary):
        lines.append(summary)
    if left and listing.maximum_quantity > 1 and not texts.manner.has_buttons:
        lines.append(texts.say("For two, just send “{code} 2”.", code=listing.code))
    buy = [choice(texts.say("Buy"), Intent.CONFIRM, code=listing.code)] if left else []
    back = back_to(texts.say("Back"), Intent.CATEGORY, category=view.card.category.value, from_product=1)
    return Screen(ScreenKind.PRODUCT, "\n".join(lines), (*buy, back))
