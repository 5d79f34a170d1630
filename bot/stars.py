"""Paying in Telegram Stars: the bill is asked for here and comes into the chat by itself; why one may not be paid."""

from __future__ import annotations

from collections.abc import Mapping

from bot.intents import Act, Intent
from bot.paying import order_of, show_order
from bot.screens import Screen, ScreenKind
from bot.talk import Talk, choice, home_option
from bot.texts import Texts, mark
from core.ids import Prefix, public
from core.money import Money
from core.orders.rules import NothingIsSold, OrderStatus
from core.orders.service import OrderView, order_view
from core.payments.service import (
    PrecheckRefusal,
    find_payment,
    start_stars_payment,
    start_stars_topup,
)
from core.payments.stars import Invoice
from core.stock.service import hands_out

TITLE, DESCRIPTION = 32, 255
"""Characters that Telegram takes of a bill's."""

PRECHECK_WORDS: Mapping[PrecheckRefusal, str] = {
    PrecheckRefusal.UNKNOWN: mark("This bill is none of this shop's. Nothing was charged."),
    PrecheckRefusal.OTHER_PERSON: mark("Only the one who ordered can pay this bill. Nothing was charged."),
    PrecheckRefusal.OTHER_PRICE: mark(
        "What is to be paid has changed. Open your order in this chat again and pay there. Nothing was charged."
    ),
    PrecheckRefusal.PAID: mark("This is paid already. Nothing more was charged."),
    PrecheckRefusal.OVER: mark(
        "The time to pay is over, the cards are no longer kept for you. Please order again. Nothing was charged."
    ),
    PrecheckRefusal.CLOSED: mark("This shop takes no Stars right now. Nothing was charged."),
}
"""What Telegram shows to who was about to pay."""


def precheck_words(texts: Texts, refusal: PrecheckRefusal) -> str:
    """Why a bill may not be paid now, for `answer_pre_checkout_query`."""
    return texts.say(PRECHECK_WORDS[refusal])


def bill(talk: Talk, act: Act) -> Screen:
    """Has an order's bill sent into its chat; an order that cannot be paid any more shows its state instead."""
    order_id = order_of(act)
    view = order_view(actor=talk.actor, order_id=order_id)
    if view.status is not OrderStatus.AWAITING_PAYMENT:
        return show_order(talk, order_id)
    keys = talk.shop.order_keys
    payment_id = start_stars_payment(actor=talk.actor, order_id=order_id, keys=keys, now=talk.now)
    return draw_bill(talk, view, find_payment(payment_id=payment_id).amount)


def top_up(talk: Talk, act: Act) -> Screen:
    """Has a bill sent that fills the wallet."""
    if not hands_out():
        raise NothingIsSold()
    worth = Money(act.number("minor"), act.text("currency"))
    payment_id = start_stars_topup(
        actor=talk.actor,
        conversation_id=talk.conversation_id,
        worth=worth,
        keys=talk.shop.order_keys,
        now=talk.now,
    )
    lines = [bill_comes(talk.texts, find_payment(payment_id=payment_id).amount)]
    lines.append(talk.texts.say("Once you have paid, it is in your wallet in a moment."))
    return Screen(ScreenKind.PAY, "\n".join(lines), (home_option(talk.texts),))


def bill_comes(texts: Texts, stars: Money) -> str:
    """The bill is sent by the worker, so it is not there yet; a second tap sends no second one."""
    return texts.say(
        "The bill over {amount} comes into this chat in a moment. If it is here already, just pay that one.",
        amount=texts.money(stars),
    )


def draw_bill(talk: Talk, view: OrderView, stars: Money) -> Screen:
    """What is said while the bill is on its way."""
    texts, order = talk.texts, public(Prefix.ORDER, view.id)
    lines = [
        bill_comes(texts, stars),
        texts.row(texts.say("Pay before"), texts.time(view.deadline, now=talk.now)),
        texts.say("As soon as you have paid, your cards arrive in this chat."),
    ]
    options = (
        choice(texts.say("I have paid"), Intent.PAID, order=order),
        choice(texts.say("Cancel order"), Intent.CANCEL_ORDER, order=order),
    )
    return Screen(ScreenKind.PAY, "\n".join(lines), options, order=view.id)


def bill_words(texts: Texts, invoice: Invoice) -> tuple[str, str]:
    """Title and description of the bill that is sent into the chat, cut to what Telegram takes."""
    goods = texts.say(", ").join(f"{texts.name(names)} × {quantity}" for names, quantity in invoice.lines)
    worth = texts.money(invoice.worth)
    if invoice.order_id is None:
        title = texts.say("Wallet {amount}", amount=worth)
        description = texts.say("Fills your wallet in this shop with {amount}.", amount=worth)
    else:
        title = goods
        order = public(Prefix.ORDER, invoice.order_id)
        description = texts.say(
            "{goods}, worth {amount}. Order {order}. As soon as you have paid, your cards arrive in this chat.",
            goods=cut(goods, 80),
            amount=worth,
            order=order,
        )
    return cut(title, TITLE), cut(description, DESCRIPTION)


def cut(text: str, most: int) -> str:
    """A text of at most so many characters, its end marked where it was cut."""
    return text if len(text) <= most else text[: most - 1] + "…"
