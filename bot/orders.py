"""Orders after they were placed: the list, one order, its cards again, how to use them, 找单."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.buying import confirm_listing
from bot.home import draw_home
from bot.intents import Act, Intent
from bot.memberships import is_membership
from bot.paying import order_of, show_order, summary_of, told_apart
from bot.screens import Option, Screen, ScreenKind
from bot.statuses import status_words
from bot.talk import Talk, choice, home_option
from bot.texts import Texts, mark
from bot.words import echo
from core.catalog.rules import UnknownListing
from core.catalog.service import find_listings, product_view
from core.errors import NotFound
from core.fulfilment.service import NothingDelivered, request_reread
from core.ids import Prefix, public
from core.orders.rules import OrderStatus
from core.orders.service import OrderView, order_view, orders_of
from core.payments.bills import order_of_bill

WAITING = {
    OrderStatus.PAID: mark("Order {number} ({goods}) is paid, its cards are on their way."),
    OrderStatus.IN_REVIEW: mark("Order {number} ({goods}) is paid, the shop checks it first; your money is safe."),
}
"""What is said of an order that waits for its cards."""


def orders(talk: Talk, act: Act) -> Screen:
    """The shopper's latest orders."""
    return draw_orders(talk.texts, orders_of(actor=talk.actor, limit=8), now=talk.now)


def order(talk: Talk, act: Act) -> Screen:
    """One order: how to pay it, or how it stands."""
    return show_order(talk, order_of(act))


def again(talk: Talk, act: Act) -> Screen:
    """再来一单: the goods of an order at today's price, to be confirmed."""
    line = order_view(actor=talk.actor, order_id=order_of(act)).lines[0]
    listing = find_listings(merchant_id=talk.merchant_id, listing_ids=[line.listing_id]).get(line.listing_id)
    if listing is None:
        raise UnknownListing()
    quantity = min(line.quantity, listing.maximum_quantity)
    return confirm_listing(talk, listing, Act(Intent.CONFIRM, {"code": listing.code, "quantity": quantity}))


def cards(talk: Talk, act: Act) -> Screen:
    """取卡: asks for the cards again; they are never in this answer, they come as messages of their own."""
    wanted = order_of(act) if act.text("order") else None
    try:
        lines = request_reread(
            actor=talk.actor,
            conversation_id=talk.conversation_id,
            order_id=wanted,
            submission_id=talk.message,
            now=talk.now,
        )
    except NothingDelivered:
        waiting = [view for view in waiting_of(talk) if wanted in {None, view.id}]
        return draw_waiting(talk.texts, waiting) if waiting else draw_no_cards(talk.texts)
    return replace(draw_cards_come(talk.texts), cards_follow=lines)


def waiting_of(talk: Talk) -> list[OrderView]:
    """The shopper's latest orders that are paid and wait for their cards."""
    return [view for view in orders_of(actor=talk.actor) if view.status in WAITING and not is_membership(view)]


def redeem(talk: Talk, act: Act) -> Screen:
    """使用方法: the steps of every product of an order."""
    view = order_view(actor=talk.actor, order_id=order_of(act))
    listings = find_listings(merchant_id=talk.merchant_id, listing_ids=[line.listing_id for line in view.lines])
    steps = {}
    for listing in listings.values():
        found = product_view(merchant_id=talk.merchant_id, product_id=listing.product_id, locale=talk.texts.locale)
        steps[found.card.name] = found.redeem
    return draw_steps(talk.texts, view, steps)


def found(talk: Talk, act: Act) -> Screen:
    """找单: the state of the shopper's own order behind a bill's number, never its cards."""
    number = act.text("number")
    if not number:
        return draw_which_bill(talk.texts)
    try:
        order_id = order_of_bill(actor=talk.actor, number=number)
        return draw_found_order(talk.texts, order_view(actor=talk.actor, order_id=order_id))
    except NotFound:
        return draw_no_bill(talk.texts, number)


def draw_orders(texts: Texts, views: list[OrderView], *, now: datetime) -> Screen:
    """One option an order, the newest first."""
    if not views:
        return draw_home(texts, first=texts.say("You have no orders yet."))
    options: list[Option] = [
        choice(
            texts.beside(
                summary_of(texts, view),
                texts.price(view.total),
                status_words(texts, view.status),
                told_apart(texts, view, now=now),
            ),
            Intent.ORDER,
            order=public(Prefix.ORDER, view.id),
        )
        for view in views
    ]
    return Screen(ScreenKind.MENU, texts.say("Your latest orders"), (*options, home_option(texts)))


def draw_no_cards(texts: Texts) -> Screen:
    """取卡 before anything was delivered."""
    text = texts.say(
        "No cards have been delivered to you in this shop yet. An order that is paid shows its cards here."
    )
    return Screen(ScreenKind.TEXT, text, (choice(texts.say("My orders"), Intent.ORDERS), home_option(texts)))


def draw_waiting(texts: Texts, views: list[OrderView]) -> Screen:
    """取卡 while orders are paid and their cards have not come yet: which ones, and how they stand."""
    lines = [
        texts.say(WAITING[view.status], number=public(Prefix.ORDER, view.id), goods=summary_of(texts, view))
        for view in views
    ]
    lines.append(texts.say("Nothing is lost: they arrive here as soon as they can."))
    see = (choice(texts.say("See the order"), Intent.ORDER, order=public(Prefix.ORDER, view.id)) for view in views[:1])
    options = (*see, choice(texts.say("My orders"), Intent.ORDERS), home_option(texts))
    return Screen(ScreenKind.TEXT, "\n".join(lines), options)


def draw_cards_come(texts: Texts) -> Screen:
    """What is said while the cards are on their way."""
    text = texts.say("Your cards are on their way and appear right below.")
    return Screen(
        ScreenKind.TEXT, text, (choice(texts.say("Cards of another order"), Intent.ORDERS), home_option(texts))
    )


def draw_steps(texts: Texts, view: OrderView, steps: dict[str, str]) -> Screen:
    """How to use what was bought."""
    known = {name: how for name, written in steps.items() if (how := texts.of_the_shop(written))}
    lines = [texts.say("How to use")]
    for name, how in known.items():
        lines += [name, how] if len(known) > 1 else [how]
    if not known:
        lines.append(texts.say("The shop has left no instructions for this one. Use the card where its issuer says."))
    option = choice(texts.say("See the cards again"), Intent.CARDS, order=public(Prefix.ORDER, view.id))
    return Screen(ScreenKind.TEXT, "\n".join(lines), (option, home_option(texts)), order=view.id)


def draw_which_bill(texts: Texts) -> Screen:
    """找单 without a number."""
    text = texts.say("Send “find” and the number on your bill, for example “find 4200001234”.")
    return Screen(ScreenKind.INPUT, text, (choice(texts.say("My orders"), Intent.ORDERS), home_option(texts)))


def draw_found_order(texts: Texts, view: OrderView) -> Screen:
    """What an order behind a bill is and how it stands."""
    lines = [
        texts.say("Found your order"),
        texts.row(texts.say("Item"), summary_of(texts, view)),
        *texts.money_row(texts.say("Total"), view.total),
        texts.row(texts.say("State"), status_words(texts, view.status)),
    ]
    see = choice(texts.say("See the order"), Intent.ORDER, order=public(Prefix.ORDER, view.id))
    return Screen(ScreenKind.RECEIPT, "\n".join(lines), (see, home_option(texts)), order=view.id)


def draw_no_bill(texts: Texts, number: str) -> Screen:
    """A number that belongs to no order of this shopper, or to somebody else's: the same answer."""
    lines = [
        texts.say("No order of yours has the number “{number}”.", number=echo(number)),
        texts.say("Check it once more. If you paid from another account, ask the shop and name the number."),
    ]
    return Screen(
        ScreenKind.TEXT, "\n".join(lines), (choice(texts.say("My orders"), Intent.ORDERS), home_option(texts))
    )
