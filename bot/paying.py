"""An order on its way to being paid: the pay screen, 我已支付, wallet, cancelling."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from bot.home import draw_home
from bot.intents import Act, Intent
from bot.memberships import before_payment, is_membership, member_option
from bot.numbers import awaits_quantity
from bot.screens import Option, Screen, ScreenKind
from bot.statuses import STATUS_TITLES
from bot.talk import Talk, choice, home_option
from bot.texts import Texts
from core.ids import Prefix, parse, public
from core.money import Money
from core.orders.rules import LineGate, OrderStatus
from core.orders.service import OrderView, cancel_order, order_view, orders_of
from core.payments.asking import ask_gateway
from core.payments.rules import NotEnough
from core.payments.service import offered, pay_from_wallet, settle_free, stars_price, wallet_balance

TELEGRAM = "telegram"
"""The channel in whose private chats Stars are taken."""


def pay(talk: Talk, act: Act) -> Screen:
    """One order as it is now: how to pay it while it is unpaid, its state afterwards."""
    return show_order(talk, order_of(act))


def paid(talk: Talk, act: Act) -> Screen:
    """我已支付: asks the gateway at once, and says honestly what is known."""
    order_id = order_of(act)
    ask_gateway(actor=talk.actor, order_id=order_id, now=talk.now)
    screen = show_order(talk, order_id)
    if screen.kind is not ScreenKind.PAY:
        return screen
    not_yet = talk.texts.say("No payment has reached us yet. We are asking now; a payment shows within seconds.")
    return replace(screen, text=f"{not_yet}\n{screen.text}")


def show_order(talk: Talk, order_id: UUID) -> Screen:
    """The pay screen of an unpaid order, the receipt of any other. What costs nothing is settled at once."""
    view = order_view(actor=talk.actor, order_id=order_id)
    if view.status is OrderStatus.AWAITING_PAYMENT and view.total.minor == 0:
        settle_free(order_id=order_id, now=talk.now)
        view = order_view(actor=talk.actor, order_id=order_id)
    if view.status is not OrderStatus.AWAITING_PAYMENT:
        return draw_receipt(talk.texts, view)
    balance = wallet_balance(actor=talk.actor, currency=view.total.currency)
    in_stars = stars_price(actor=talk.actor, order_id=order_id) if talk.incoming.channel == TELEGRAM else None
    has_page = in_stars is None or bool(offered(merchant_id=talk.merchant_id, currency=view.total.currency))
    return draw_pay(talk.texts, view, balance=balance, now=talk.now, stars=in_stars, has_page=has_page)


def from_wallet(talk: Talk, act: Act) -> Screen:
    """Pays from the wallet; what happened stands on the receipt, the cards come by themselves."""
    order_id = order_of(act)
    pay_from_wallet(actor=talk.actor, order_id=order_id, submission_id=talk.submission, now=talk.now)
    return show_order(talk, order_id)


def placed_from_wallet(talk: Talk, order_id: UUID) -> Screen:
    """Pays what was placed by the word that meant both; what the wallet no longer covers waits as any other order."""
    try:
        pay_from_wallet(actor=talk.actor, order_id=order_id, submission_id=talk.submission, now=talk.now)
    except NotEnough:
        screen = show_order(talk, order_id)
        short = talk.texts.say("Your wallet does not hold enough for this order.")
        return replace(screen, text=f"{short}\n{screen.text}")
    return show_order(talk, order_id)


def cancelled(talk: Talk, act: Act) -> Screen:
    """Gives an unpaid order up; twice is once."""
    order_id = order_of(act)
    cancel_order(actor=talk.actor, order_id=order_id, now=talk.now)
    return draw_receipt(talk.texts, order_view(actor=talk.actor, order_id=order_id))


def cancel_word(talk: Talk, act: Act) -> Screen:
    """取消 without saying what: the question on the screen, else the one unpaid order, else a choice of them."""
    if awaits_quantity(talk):
        return draw_home(talk.texts, first=talk.texts.say("All right, nothing was ordered. Anything else?"))
    unpaid = [view for view in orders_of(actor=talk.actor) if view.status is OrderStatus.AWAITING_PAYMENT]
    if len(unpaid) == 1:
        return cancelled(talk, Act(Intent.CANCEL_ORDER, {"order": public(Prefix.ORDER, unpaid[0].id)}))
    return draw_what_to_cancel(talk.texts, unpaid, now=talk.now)


def order_of(act: Act) -> UUID:
    """The order that an act names. Raises `NotFound`."""
    return parse(Prefix.ORDER, act.text("order"))


def goods_of(texts: Texts, view: OrderView) -> list[str]:
    """`腾讯视频月卡 × 2`, one for all lines of the same goods: what a supplier brings has a line for each card."""
    counts: dict[tuple[int, str], int] = {}
    for line in view.lines:
        goods = line.listing_id, texts.name(line.names)
        counts[goods] = counts.get(goods, 0) + line.quantity
    return [f"{name} × {count}" for (_, name), count in counts.items()]


def summary_of(texts: Texts, view: OrderView) -> str:
    """All goods of an order in a few words."""
    return texts.say(", ").join(goods_of(texts, view))


def told_apart(texts: Texts, view: OrderView, *, now: datetime) -> str:
    """`12:05 · …k3f9q2`: when it was placed and the end of its number, since one may order the same twice."""
    return f"{texts.short_time(view.placed_at, now=now)} · …{public(Prefix.ORDER, view.id)[-6:]}"


def draw_pay(
    texts: Texts, view: OrderView, *, balance: Money, now: datetime, stars: Money | None = None, has_page: bool = True
) -> Screen:
    """What is to be paid, until when, and how; `stars` is its price where it can be paid in Telegram Stars.

    `has_page` says that there is another way on the payment page: a button that leads nowhere is not drawn.
    """
    order = public(Prefix.ORDER, view.id)
    minutes = max(0, int((view.deadline - now).total_seconds() + 59) // 60)
    until = texts.time(view.deadline, now=now)
    lines = [
        texts.say("Your order is placed, waiting for payment"),
        *(texts.row(texts.say("Item"), goods) for goods in goods_of(texts, view)),
        *texts.money_row(texts.say("To pay"), view.total),
        texts.row(texts.say("Pay before"), texts.say("{time}, {minutes} min left", time=until, minutes=minutes)),
        payment_brings(texts, view),
    ]
    options = [Option(texts.say("Pay {amount}", amount=texts.money(view.total)), pay_order=view.id)] if has_page else []
    if stars is not None:
        options.append(choice(texts.say("Pay with Stars ({count} ⭐)", count=stars.minor), Intent.STARS, order=order))
    if balance.minor >= view.total.minor > 0 and texts.manner.shows_prices:
        label = texts.say("Use my wallet ({amount})", amount=texts.money(balance))
        options.append(choice(label, Intent.WALLET_PAY, order=order))
    options.append(choice(texts.say("I have paid"), Intent.PAID, order=order))
    options.append(choice(texts.say("Cancel order"), Intent.CANCEL_ORDER, order=order))
    return Screen(ScreenKind.PAY, "\n".join(lines), tuple(options), order=view.id)


def payment_brings(texts: Texts, view: OrderView) -> str:
    """What comes once an order is paid."""
    if is_membership(view):
        return before_payment(texts)
    if is_by_hand(view):
        return texts.say("Fill in your account on the page, then pay; you hear from us here when it is topped up.")
    if is_supplied(view):
        return texts.say("Our supplier sends the cards once you have paid; what it cannot send is paid back.")
    return texts.say("As soon as you have paid, your cards arrive in this chat.")


def is_by_hand(view: OrderView) -> bool:
    """Whether a person still has to top an account up for it."""
    return any(line.gate is LineGate.TASK for line in view.lines)


def is_supplied(view: OrderView) -> bool:
    """Whether a supplier still has to bring a card of it."""
    return any(line.gate is LineGate.SUPPLY for line in view.lines)


def draw_receipt(texts: Texts, view: OrderView) -> Screen:
    """An order that is no longer waiting for its payment."""
    lines = [
        receipt_title(texts, view),
        texts.row(texts.say("Order number"), public(Prefix.ORDER, view.id)),
        *(texts.row(texts.say("Item"), goods) for goods in goods_of(texts, view)),
        *texts.money_row(texts.say("Total"), view.total),
        texts.row(texts.say("Time of order"), texts.moment(view.placed_at)),
    ]
    if view.paid_at:
        lines.append(texts.row(texts.say("Time of payment"), texts.moment(view.paid_at)))
    if view.refunded_minor:
        refunded = Money(view.refunded_minor, view.total.currency)
        lines += texts.money_row(texts.say("Refunded"), refunded)
    lines.append(money_words(texts, view))
    return Screen(ScreenKind.RECEIPT, "\n".join(lines), receipt_options(texts, view), order=view.id)


def receipt_title(texts: Texts, view: OrderView) -> str:
    """The first line of a receipt."""
    if view.status is OrderStatus.PAID and is_membership(view):
        return texts.say("Paid, your membership begins in a moment")
    if view.status is OrderStatus.DELIVERED and is_membership(view):
        return texts.say("Order completed")
    return texts.say(STATUS_TITLES[view.status])


def money_words(texts: Texts, view: OrderView) -> str:
    """What an order's state means for the money and what comes next."""
    match view.status:
        case OrderStatus.PAID | OrderStatus.PART_DELIVERED if is_by_hand(view):
            return texts.say(
                "Your payment is in. A person tops up your account; fill it in on the page if you have not yet."
            )
        case OrderStatus.PAID if is_membership(view):
            return texts.say("Your payment is in. This chat tells you until when you are a member.")
        case OrderStatus.DELIVERED if is_membership(view):
            return texts.say("Send “member” to see until when you are a member, and to renew.")
        case OrderStatus.PAID | OrderStatus.PART_DELIVERED:
            return texts.say("Your payment is in. The cards arrive in this chat in a moment.")
        case OrderStatus.DELIVERED:
            return texts.say("Your cards are in this chat. Send “cards” to see them again.")
        case OrderStatus.IN_REVIEW:
            return texts.say("Your payment is in. The shop checks this order first; your money is safe.")
        case OrderStatus.REFUNDED:
            return texts.say("Your money went back.")
        case OrderStatus.EXPIRED | OrderStatus.CANCELLED:
            return texts.say("Nothing was charged. If you have paid after all, you get your goods or your money back.")
        case OrderStatus.AWAITING_PAYMENT:
            return texts.say("Nothing has been paid yet.")


def receipt_options(texts: Texts, view: OrderView) -> tuple[Option, ...]:
    """What can be done with an order now."""
    order = public(Prefix.ORDER, view.id)
    options = []
    if view.status is OrderStatus.DELIVERED and is_membership(view):
        options.append(member_option(texts))
    elif view.status in {OrderStatus.DELIVERED, OrderStatus.PART_DELIVERED}:
        options.append(choice(texts.say("See the cards again"), Intent.CARDS, order=order))
        options.append(choice(texts.say("How to use"), Intent.REDEEM, order=order))
    if view.status is OrderStatus.PAID and is_by_hand(view):
        options.append(Option(texts.say("Account for the top-up"), pay_order=view.id))
    if view.status in {OrderStatus.PAID, OrderStatus.IN_REVIEW}:
        options.append(choice(texts.say("Look again"), Intent.ORDER, order=order))
    else:
        options.append(choice(texts.say("Order again"), Intent.AGAIN, order=order))
    return (*options, home_option(texts))


def draw_what_to_cancel(texts: Texts, unpaid: list[OrderView], *, now: datetime) -> Screen:
    """Which unpaid order is to be given up?"""
    if not unpaid:
        return Screen(
            ScreenKind.TEXT,
            texts.say("There is no unpaid order to cancel. Nothing was charged."),
            (choice(texts.say("My orders"), Intent.ORDERS), home_option(texts)),
        )
    options = (
        choice(
            texts.beside(
                texts.say("Cancel order"),
                summary_of(texts, view),
                texts.price(view.total),
                told_apart(texts, view, now=now),
            ),
            Intent.CANCEL_ORDER,
            order=public(Prefix.ORDER, view.id),
        )
        for view in unpaid
    )
    return Screen(ScreenKind.MENU, texts.say("Which order shall be cancelled?"), (*options, home_option(texts)))
