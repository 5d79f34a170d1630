"""Refusals in words, in one place: what happened, what it means for the money, what to do now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from bot.intents import Intent
from bot.screens import Option, Screen, ScreenKind
from bot.staff_words import FileNotFetched, SignsChanged
from bot.statuses import status_words
from bot.talk import choice, home_option
from bot.texts import Texts, mark
from bot.words import BadQuantity
from core.catalog.rules import UnknownListing
from core.conversations.binding import AlreadyBound, OwnCode, TooManyAccounts, TooManyWrongCodes, UnknownCode
from core.conversations.requests import RequestOver
from core.conversations.restocking import BadCost, ChatLeft, CostNotYours, RestockTooOften, UnknownGoods
from core.conversations.service import StaleButton, StaleMenu
from core.conversations.staff import UnknownStaffCode
from core.errors import Conflict, Invalid, Limited, NotAllowed, NotFound, Refusal, Unavailable, error_id
from core.fulfilment.pickup import PickupLater, PickupRefused, TooManyPickups
from core.fulfilment.service import NothingDelivered, RereadLimit
from core.members.code_quotas import TooManyCodes
from core.members.contacts import BadAddress, CodeOver, PhoneNeedsOrder, WrongCode
from core.members.memberships import MembershipTooLong
from core.orders.rules import CannotSettle, NothingIsSold, OrderIs, PriceChanged, QuantityRefused
from core.payments.rules import AlreadyDecided, NotEnough, NotForSale, OrderNotPayable
from core.payments.unbinding import NotBound, WalletMoneyHeld
from core.risk.rules import ShopperBlocked, StockKeptForOthers, TooManyOnNetwork, TooManyUnpaid
from core.stock.rules import HeldByOthers, OutOfStock
from core.submission import OtherContent
from core.vault.uploads import FileTooLarge

log = structlog.get_logger()

NOT_CHARGED = mark("Nothing was ordered or charged.")
NOT_CHANGED = mark("Your orders and your money are as they were.")
NOT_IMPORTED = mark("Nothing was imported, and your message is still here: delete it once you need it no more.")
NOT_TAKEN = mark("Nothing was charged.")
ASK_US = mark("If it happens again, tell the shop the error id.")


@dataclass(frozen=True, slots=True)
class Wording:
    """The three parts of a refusal, and where to go from there. `{…}` stands for the refusal's parameters."""

    what: str
    money: str = NOT_CHARGED
    now: str = ""
    ways: tuple[Intent, ...] = ()


FAMILIES: Mapping[type[Refusal], Wording] = {
    NotFound: Wording(mark("That could not be found."), now=mark("Please start again from the menu.")),
    NotAllowed: Wording(mark("That is not possible here."), NOT_CHANGED, ASK_US),
    Invalid: Wording(mark("That does not look right."), now=mark("Please check what you wrote and send it again.")),
    Conflict: Wording(
        mark("Something has changed in the meantime, so this was not done."),
        now=mark("Have a look at your orders, then try again."),
        ways=(Intent.ORDERS,),
    ),
    Limited: Wording(mark("That was too much at once."), now=mark("Please try again in a few minutes.")),
    Unavailable: Wording(mark("The shop is busy for a moment."), now=mark("Please try again in a minute.")),
    Refusal: Wording(mark("That did not work."), NOT_CHANGED, ASK_US),
}
"""What is said of a refusal that needs no words of its own."""

OWN_WORDS: Mapping[type[Refusal], Wording] = {
    BadQuantity: Wording(
        mark("“{written}” is not a quantity we can take."), now=mark("Please send a whole number from 1 to {maximum}.")
    ),
    QuantityRefused: Wording(
        mark("That quantity cannot be ordered."), now=mark("Please send a whole number from 1 to {most}.")
    ),
    UnknownListing: Wording(
        mark("This item is not on sale here."), now=mark("Have a look at what is."), ways=(Intent.CATALOG,)
    ),
    PriceChanged: Wording(
        mark("The price of {code} has changed."), now=mark("Please look at the new price and confirm again.")
    ),
    OutOfStock: Wording(
        mark("Only {left} of {code} left."),
        now=mark("Order fewer, or have a look at other goods."),
        ways=(Intent.CATALOG,),
    ),
    HeldByOthers: Wording(
        mark("The last of {code} are reserved by other shoppers who are about to pay."),
        now=mark("Please try again in a few minutes: what is not paid for becomes free."),
    ),
    TooManyUnpaid: Wording(
        mark("You have as many unpaid orders as one may have ({limit})."),
        mark("No further order was placed and nothing was charged."),
        mark("Pay for one of them or cancel it, then order again."),
        (Intent.ORDERS,),
    ),
    TooManyOnNetwork: Wording(
        mark("Too many unpaid orders come from your network right now."), now=mark("Please try again in a few minutes.")
    ),
    ShopperBlocked: Wording(
        mark("This shop takes no new orders from you."),
        mark("What you have paid for stays yours, and your wallet's money too."),
        mark("Ask the shop if you think that this is a mistake."),
        (Intent.HELP,),
    ),
    StockKeptForOthers: Wording(
        mark("So that everyone gets a chance, only part of the stock can be reserved before it is paid for."),
        now=mark("Order fewer, or try again in a few minutes."),
    ),
    MembershipTooLong: Wording(
        mark("A membership cannot reach that far: it would end more than {years} years from now."),
        now=mark("Please choose a shorter one, or fewer of it."),
        ways=(Intent.MEMBER,),
    ),
    NothingIsSold: Wording(
        mark("The shop cannot hand out cards right now, so it takes no orders."),
        now=mark("Please come back a little later."),
    ),
    OrderIs: Wording(mark("This order has moved on: {state}."), NOT_CHANGED, ways=(Intent.ORDERS,)),
    CannotSettle: Wording(
        mark("This order can no longer be paid."),
        mark("If you have paid, your money is safe: it goes back to you, or buys other goods if you prefer."),
        ways=(Intent.ORDERS,),
    ),
    OrderNotPayable: Wording(mark("This order can no longer be paid: {state}."), NOT_TAKEN, ways=(Intent.ORDERS,)),
    NotForSale: Wording(mark("This shop has no way to pay switched on right now."), NOT_TAKEN),
    NotEnough: Wording(
        mark("Your wallet does not hold enough for this order."), NOT_TAKEN, mark("Please pay another way.")
    ),
    AlreadyDecided: Wording(
        mark("You have decided about this money before."), NOT_CHANGED, mark("Your orders show what became of it.")
    ),
    RereadLimit: Wording(
        mark("You have asked for your cards very often."),
        mark("They are safe and stay yours."),
        mark("Scroll up to see them, or try again in an hour."),
    ),
    NothingDelivered: Wording(
        mark("No cards of this order have been delivered yet."), NOT_CHANGED, ways=(Intent.ORDERS,)
    ),
    PickupRefused: Wording(
        mark("This pick-up code does not work."),
        NOT_CHANGED,
        mark("Take it from the newest message about your order: it works once, for 7 days, in one chat of this shop."),
    ),
    TooManyPickups: Wording(
        mark("Too many pick-up codes were sent."), NOT_CHANGED, mark("Please try again in {minutes} minutes.")
    ),
    PickupLater: Wording(
        mark("Your pick-up code could not be checked just now."),
        mark("It is not used up, your cards are safe."),
        mark("Please send it once more in a minute."),
    ),
    UnknownCode: Wording(
        mark("This code does not work."),
        NOT_CHANGED,
        mark("Send “bind” in your other chat to get a new one, and mind that it works for 10 minutes."),
    ),
    TooManyWrongCodes: Wording(
        mark("Too many codes were wrong."), NOT_CHANGED, mark("Please try again in {minutes} minutes.")
    ),
    OwnCode: Wording(
        mark("This code is meant for your other chat."),
        NOT_CHANGED,
        mark("Open this shop in Telegram, WeChat or the web chat and send it there."),
    ),
    AlreadyBound: Wording(mark("These two chats are linked already."), NOT_CHANGED, ways=(Intent.ORDERS,)),
    TooManyAccounts: Wording(
        mark("One person can link {most} accounts at most."),
        NOT_CHANGED,
        mark("Unlink one that you no longer use first."),
    ),
    RequestOver: Wording(mark("This question is over."), NOT_CHANGED, mark("Send “bind” to start again.")),
    NotBound: Wording(
        mark("This account cannot be unlinked."), NOT_CHANGED, mark("Send “unbind” to see which ones can.")
    ),
    WalletMoneyHeld: Wording(
        mark("An order of that account that is not paid yet keeps money of your wallet aside."),
        NOT_CHANGED,
        mark("Pay for that order or cancel it, then unlink."),
        (Intent.ORDERS,),
    ),
    BadAddress: Wording(
        mark("That is no address or number that we can write to."),
        NOT_CHANGED,
        mark("Please send it like this: “email me@example.com” or “phone 13800138000”."),
    ),
    WrongCode: Wording(
        mark("That is not the code we sent."), NOT_CHANGED, mark("Please look again and send it; tries left: {left}.")
    ),
    CodeOver: Wording(
        mark("No code waits for you right now."),
        NOT_CHANGED,
        mark("It may be used or too old. Ask for a new one: “email me@example.com” or “phone 13800138000”."),
    ),
    TooManyCodes: Wording(
        mark("Codes were asked for too often."), NOT_CHANGED, mark("Please try again in an hour or tomorrow.")
    ),
    PhoneNeedsOrder: Wording(
        mark("Text messages are for those who have bought something here."),
        NOT_CHANGED,
        mark("An e-mail address works at once; a phone after your first order."),
    ),
    UnknownStaffCode: Wording(
        mark("This staff code does not work."),
        NOT_CHANGED,
        mark("Ask whoever runs the store for a new one; it works once and for 10 minutes."),
    ),
    RestockTooOften: Wording(
        mark("Stock can be brought {most} times a day."), NOT_IMPORTED, mark("Please go on tomorrow.")
    ),
    UnknownGoods: Wording(
        mark("There are no goods of this code that you can bring."),
        NOT_IMPORTED,
        mark("Please check the code and send it again."),
    ),
    CostNotYours: Wording(
        mark("Cards on consignment are settled by your offer, no amount is said with them."),
        NOT_IMPORTED,
        mark("Send them again without the amount."),
    ),
    BadCost: Wording(mark("This amount cannot be read."), NOT_IMPORTED, mark("Please write it like this: 3.20")),
    ChatLeft: Wording(
        mark("This chat is not bound any more."),
        NOT_IMPORTED,
        mark("Ask whoever runs the store for a new staff code."),
    ),
    FileTooLarge: Wording(
        mark("The file is larger than {most_megabytes} MB."), NOT_IMPORTED, mark("Split it and send the parts.")
    ),
    FileNotFetched: Wording(
        mark("The file could not be fetched."), NOT_IMPORTED, mark("Send it once more, or paste the cards as lines.")
    ),
    SignsChanged: Wording(
        mark("Some signs were taken for formatting, so the cards are not as you pasted them."),
        NOT_IMPORTED,
        mark("Please send them as a .txt file, which stays as it is."),
    ),
    StaleButton: Wording(mark("This button is not valid any more."), now=mark("Please choose again.")),
    StaleMenu: Wording(mark("The menu has changed."), now=mark("Please choose again.")),
    OtherContent: Wording(mark("This message was sent before with other content."), now=mark("Please send it again.")),
}
"""What is said of the refusals that a shopper can meet."""

SOLD_OUT = Wording(
    mark("{code} is sold out."), now=mark("Have a look at other goods, or come back later."), ways=(Intent.CATALOG,)
)


def wording_of(kind: type[Refusal]) -> Wording:
    """The words of a kind of refusal: its own, else those of the nearest family above it."""
    known = {**FAMILIES, **OWN_WORDS}
    return next(known[ancestor] for ancestor in kind.__mro__ if ancestor in known)


def draw_refusal(
    texts: Texts, refusal: Refusal, *, error: str, options: tuple[Option, ...] = (), home: bool = True
) -> Screen:
    """One `error` screen. `error` is the error id; `options` come before the ways that its wording knows."""
    is_sold_out = isinstance(refusal, OutOfStock) and not refusal.params.get("left")
    words = SOLD_OUT if is_sold_out else wording_of(type(refusal))
    params = {name: status_words(texts, value) if name == "state" else value for name, value in refusal.params.items()}
    parts = [texts.say(part, **params) for part in (words.what, words.money, words.now) if part]
    labels = {Intent.CATALOG: texts.say("See all goods"), Intent.ORDERS: texts.say("My orders")}
    labels |= {Intent.MEMBER: texts.say("My membership"), Intent.HELP: texts.say("Help")}
    ways = tuple(choice(labels[intent], intent) for intent in words.ways)
    last = (home_option(texts),) if home else ()
    return Screen(ScreenKind.ERROR, "\n".join(parts), (*options, *ways, *last), error_id=error)


def refuse(texts: Texts, refusal: Refusal, *options: Option, home: bool = True) -> Screen:
    """Mint an error id, write it to the log beside the reason, and say the refusal in words."""
    error = error_id()
    log.info("refused", error_id=error, reason=refusal.reason)
    return draw_refusal(texts, refusal, error=error, options=options, home=home)
