"""The shopper's own money in the shop: balance, top-up, and late money that waits for a choice."""

from __future__ import annotations

from uuid import UUID

from bot.intents import Act, Intent
from bot.pages import Page, PageKind
from bot.paying import TELEGRAM
from bot.screens import Option, Screen, ScreenKind
from bot.talk import Talk, choice, home_option
from bot.texts import Texts
from core.errors import NotFound
from core.money import EXPONENT, Money
from core.orders.rules import NothingIsSold
from core.payments.rules import NotForSale
from core.payments.service import (
    choose_exchange,
    choose_refund,
    offered,
    stars_topup_price,
    start_topup,
    wallet_balance,
)
from core.stock.service import hands_out

TOP_UPS = (50, 100, 200, 500)
"""What a wallet can be topped up by, in major units of its currency."""


def wallet(talk: Talk, act: Act) -> Screen:
    """Balance, and topping up."""
    return draw_wallet(talk.texts, wallet_balance(actor=talk.actor, currency=talk.shop.currency))


def top_up(talk: Talk, act: Act) -> Screen:
    """A payment for the wallet: where it is paid; none is taken while there is nothing to spend it on."""
    if not hands_out():
        raise NothingIsSold()
    amount = Money(act.number("minor"), act.text("currency"))
    accounts = offered(merchant_id=talk.merchant_id, currency=amount.currency)
    in_stars = None
    if talk.incoming.channel == TELEGRAM:
        in_stars = stars_topup_price(actor=talk.actor, conversation_id=talk.conversation_id, worth=amount)
    if not accounts and in_stars is None:
        raise NotForSale()
    payment_id = None
    if accounts:
        payment_id = start_topup(actor=talk.actor, gateway_account_id=accounts[0].id, amount=amount, now=talk.now)
    return draw_top_up(talk.texts, amount, payment_id, stars=in_stars)


def refund_late(talk: Talk, act: Act) -> Screen:
    """退款 of late money."""
    choose_refund(actor=talk.actor, event_id=event_of(act), now=talk.now)
    return draw_going_back(talk.texts)


def exchange_late(talk: Talk, act: Act) -> Screen:
    """换货: late money goes to the wallet, to buy other goods with."""
    added = choose_exchange(actor=talk.actor, event_id=event_of(act), now=talk.now)
    return draw_exchange(talk.texts, wallet_balance(actor=talk.actor, currency=added.currency))


def event_of(act: Act) -> UUID:
    """The money that a button speaks of. Raises `NotFound`."""
    try:
        return UUID(act.text("event"))
    except ValueError:
        raise NotFound("event") from None


def draw_wallet(texts: Texts, balance: Money) -> Screen:
    """What is in it, what it is for, and the amounts it can be topped up by."""
    if not texts.manner.shows_prices:
        return draw_wallet_elsewhere(texts)
    lines = [
        texts.say("Your wallet"),
        texts.row(texts.say("Balance"), texts.money(balance)),
        texts.say("It pays for orders in this shop with one tap, and is not for other shops."),
    ]
    amounts = (Money(major * 10 ** EXPONENT[balance.currency], balance.currency) for major in TOP_UPS)
    options = (
        choice(texts.say("Top up {amount}", amount=texts.money(amount)), Intent.TOP_UP, minor=amount.minor,
               currency=amount.currency)
        for amount in amounts
    )  # fmt: skip
    return Screen(ScreenKind.MENU, "\n".join(lines), (*options, home_option(texts)))


def draw_wallet_elsewhere(texts: Texts) -> Screen:
    """Where a chat shows no amounts: the page that does."""
    text = f"{texts.say('Your wallet')}\n{texts.say('Your wallet’s page shows what it holds.')}"
    page = Option(texts.say("Open my wallet"), page=Page(PageKind.WALLET))
    return Screen(ScreenKind.MENU, text, (page, home_option(texts)))


def draw_top_up(texts: Texts, amount: Money, payment_id: UUID | None, *, stars: Money | None = None) -> Screen:
    """Where a top-up is paid: on the page of its payment, or in Telegram Stars at this price."""
    lines = [texts.say("Top up your wallet"), *texts.money_row(texts.say("To pay"), amount)]
    lines.append(texts.say("Once you have paid, it is in your wallet in a moment."))
    options = []
    if payment_id is not None:
        options.append(Option(texts.say("Pay {amount}", amount=texts.money(amount)), pay_payment=payment_id))
    if stars is not None:
        label = texts.say("Pay with Stars ({count} ⭐)", count=stars.minor)
        options.append(choice(label, Intent.STARS_TOP_UP, minor=amount.minor, currency=amount.currency))
    return Screen(ScreenKind.PAY, "\n".join(lines), (*options, home_option(texts)))


def draw_going_back(texts: Texts) -> Screen:
    """What is said once 退款 was chosen."""
    text = texts.say("All right, your money goes back the way you paid. You hear from us here when it is done.")
    return Screen(ScreenKind.TEXT, text, (choice(texts.say("Goods"), Intent.CATALOG), home_option(texts)))


def draw_exchange(texts: Texts, balance: Money) -> Screen:
    """What is said once 换货 was chosen."""
    text = texts.say(
        "Your wallet now holds {amount}. Choose what you like and pay with it.", amount=texts.money(balance)
    )
    return Screen(ScreenKind.TEXT, text, (choice(texts.say("Goods"), Intent.CATALOG), home_option(texts)))
