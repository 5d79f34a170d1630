"""What is sent unasked, in words: paid, cards, expired, late money, refunded, in review, delayed, topped up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bot.binding import draw_question, draw_released, draw_told_bound, draw_told_declined
from bot.contacts import draw_code_not_sent
from bot.intents import Intent
from bot.memberships import draw_given, draw_taken_back, is_membership
from bot.paying import is_by_hand, summary_of
from bot.pickups import draw_told_refused
from bot.restock import draw_restock_refused, draw_restocked
from bot.screens import CardEntry, Option, Screen, ScreenKind
from bot.talk import Talk, choice, home_option
from bot.texts import Texts
from core.catalog.service import find_listings, product_view
from core.conversations.wallets import wallet_in
from core.errors import NotFound
from core.fulfilment.pickup import goods_of
from core.ids import Prefix, parse
from core.members.accounts import account_in
from core.members.contacts import ContactKind
from core.messages.service import PICKED_UP, MessageKind, StoredMessage
from core.money import Money
from core.orders.service import LineView, OrderView, order_view


@dataclass(frozen=True, slots=True)
class Background:
    """What a message is about, looked up when it is read: names are those of the reader's language."""

    order: OrderView | None = None
    redeem: str = ""  # how the goods of this message are used
    name: str = ""  # of the goods, where the order is another shopper's and was picked up


def draw(talk: Talk, message: StoredMessage) -> Screen:
    """One message as its reader sees it; a `cards` screen has tokens and masks, the door fills in the secrets."""
    return render(talk.texts, message, background_of(talk, message))


def background_of(talk: Talk, message: StoredMessage) -> Background:
    """Look up the order of a message and the steps of its goods."""
    named = message.body.get("order")
    if not named:
        return Background()
    if message.body.get(PICKED_UP):
        return picked_up(talk, message.body)
    view = order_view(actor=talk.actor, order_id=parse(Prefix.ORDER, named))
    line = line_of(view, message.body)
    if message.kind is not MessageKind.CARDS or line is None:
        return Background(view)
    return Background(view, redeem=steps_of(talk, line.listing_id))


def line_of(view: OrderView, body: Mapping[str, Any]) -> LineView | None:
    """The line that a delivery was for."""
    return next((line for line in view.lines if str(line.delivery_id) == body.get("delivery")), None)


def picked_up(talk: Talk, body: Mapping[str, Any]) -> Background:
    """The goods of a delivery that this chat picked up, and nothing of who bought them."""
    if "delivery" not in body:
        return Background()
    found = goods_of(conversation_id=talk.conversation_id, delivery_id=UUID(body["delivery"]))
    return Background(None, steps_of(talk, found.listing_id), talk.texts.name(found.names))


def steps_of(talk: Talk, listing_id: int) -> str:
    """How goods are used; empty where the shop says nothing or sells them no longer."""
    listing = find_listings(merchant_id=talk.merchant_id, listing_ids=[listing_id]).get(listing_id)
    if listing is None:
        return ""
    try:
        found = product_view(merchant_id=talk.merchant_id, product_id=listing.product_id, locale=talk.texts.locale)
    except NotFound:
        return ""
    return found.redeem


def render(texts: Texts, message: StoredMessage, background: Background) -> Screen:
    """The screen of one message, from its body and background alone."""
    body, view = message.body, background.order
    match message.kind:
        case MessageKind.PAID:
            return draw_paid(texts, view, body)
        case MessageKind.CARDS:
            return draw_cards(texts, body, background)
        case MessageKind.LATE_MONEY:
            return draw_late_money(texts, view, body)
        case MessageKind.REFUNDED:
            return draw_refunded(texts, view, body)
        case MessageKind.WALLET_TOPPED_UP:
            return draw_topped_up(texts, body)
        case MessageKind.ORDER_EXPIRED | MessageKind.ORDER_CANCELLED:
            title, rest = ended_words(texts, message.kind, view)
            return draw_about(texts, view, title, rest, again_option(texts, body), home_option(texts))
        case MessageKind.IN_REVIEW:
            title = texts.say("The shop checks your order first")
            rest = texts.say("Your payment is in and your money is safe. You hear from us here.")
            return draw_about(texts, view, title, rest, order_option(texts, body), home_option(texts))
        case MessageKind.DELIVERY_DELAYED:
            title = texts.say("Your cards take a little longer")
            rest = texts.say("Nothing is lost: they arrive here as soon as they can.")
            look = cards_option(texts, body) if body.get(PICKED_UP) else order_option(texts, body)
            return draw_about(texts, view, title, rest, look, home_option(texts))
        case MessageKind.PICKUP_REFUSED:
            return draw_told_refused(texts, body)
        case MessageKind.CARDS_READY:
            title = texts.say("Your cards are ready")
            rest = texts.say("The chat in which you bought takes no messages from us. Get them here: send “cards”.")
            return draw_about(texts, view, title, rest, cards_option(texts, body), order_option(texts, body))
        case MessageKind.CARDS_ELSEWHERE:
            title = texts.say("These cards were bought in another of your chats")
            rest = texts.say("For your safety they can be read only there for 30 days after you linked this one.")
            return draw_about(texts, view, title, rest, order_option(texts, body), home_option(texts))
        case _:
            return _about_accounts(texts, message.kind, body)


def ended_words(texts: Texts, kind: MessageKind, view: OrderView | None) -> tuple[str, str]:
    """What an unpaid order means that ended without its shopper: by its time, or by the shop."""
    if kind is MessageKind.ORDER_EXPIRED:
        return texts.say("Your order has expired: it was not paid in time."), expired_words(texts, view)
    rest = texts.say("Nothing was charged. If you have paid after all, you get your goods or your money back.")
    return texts.say("The shop has cancelled your unpaid order."), rest


def expired_words(texts: Texts, view: OrderView | None) -> str:
    """What an order that was not paid in time means."""
    if view is not None and is_membership(view):
        return texts.say("Nothing was charged.")
    return texts.say("Nothing was charged, the cards went back on the shelf.")


def _about_accounts(texts: Texts, kind: MessageKind, body: Mapping[str, Any]) -> Screen:
    """What is told of a shopper's accounts, addresses and memberships rather than of an order."""
    match kind:
        case MessageKind.BINDING_ASKED:
            wallet = wallet_in(body["wallet"]) if "wallet" in body else None
            return draw_question(texts, UUID(body["claim"]), account_in(body), wallet)
        case MessageKind.BINDING_DECLINED:
            return draw_told_declined(texts, body)
        case MessageKind.BOUND:
            return draw_told_bound(texts, body)
        case MessageKind.UNBOUND:
            return draw_released(texts, account_in(body))
        case MessageKind.MEMBERSHIP:
            return draw_given(texts, body)
        case MessageKind.MEMBERSHIP_TAKEN_BACK:
            return draw_taken_back(texts, body)
        case MessageKind.CODE_NOT_SENT:
            return draw_code_not_sent(texts, ContactKind(body["contact"]))
        case MessageKind.RESTOCKED:
            return draw_restocked(texts, body)
        case MessageKind.RESTOCK_REFUSED:
            return draw_restock_refused(texts, body)
        case _:
            raise ValueError(f"nobody draws a message of the kind {kind}")


def again_option(texts: Texts, body: Mapping[str, Any]) -> Option:
    """再来一单."""
    return choice(texts.say("Order again"), Intent.AGAIN, order=body["order"])


def cards_option(texts: Texts, body: Mapping[str, Any]) -> Option:
    """取卡."""
    return choice(texts.say("Get my cards"), Intent.CARDS, order=body["order"])


def order_option(texts: Texts, body: Mapping[str, Any]) -> Option:
    """The order, as it stands then."""
    return choice(texts.say("See the order"), Intent.ORDER, order=body["order"])


def draw_paid(texts: Texts, view: OrderView | None, body: Mapping[str, Any]) -> Screen:
    """已支付，正在出货."""
    title = texts.say("Paid, your cards are on their way")
    rest = texts.say("They appear here in a moment.")
    if view is not None and is_by_hand(view):
        title = texts.say("Paid, a person tops up your account")
        rest = texts.say("You hear from us here when it is done.")
    if view is not None and is_membership(view):
        title = texts.say("Paid, your membership begins in a moment")
        rest = texts.say("This chat tells you until when it lasts.")
    return draw_about(texts, view, title, rest, order_option(texts, body))


def draw_cards(texts: Texts, body: Mapping[str, Any], background: Background) -> Screen:
    """The cards of one delivery: what they are, how they are used, and what can be done next."""
    view = background.order
    line = line_of(view, body) if view else None
    entries = tuple(CardEntry(token=card["token"], mask=card["mask"]) for card in body["cards"])
    name = texts.name(line.names) if line else background.name or texts.say("Your cards")
    lines = [f"{name} × {len(entries)}"]
    if redeem := texts.of_the_shop(background.redeem):
        lines += [texts.say("How to use"), redeem]
    lines.append(texts.say("Keep them to yourself: whoever has a card can use it."))
    see = choice(texts.say("See the cards again"), Intent.CARDS, order=body["order"])
    how = choice(texts.say("How to use"), Intent.REDEEM, order=body["order"])
    options = (see, home_option(texts)) if body.get(PICKED_UP) else (see, how, again_option(texts, body))
    return Screen(ScreenKind.CARDS, "\n".join(lines), options, cards=entries, order=view.id if view else None)


def draw_late_money(texts: Texts, view: OrderView | None, body: Mapping[str, Any]) -> Screen:
    """Money for an order that cannot be filled any more: 退款 or 换货, one tap each."""
    title = texts.say("Your payment came too late for this order")
    rest = texts.say(
        "The goods are sold out, but your money is safe. Would you like it back, or other goods for it?"
        " If we do not hear from you within 24 hours, it goes back the way you paid."
    )
    event = str(body["event"])
    back = choice(texts.say("Refund"), Intent.REFUND_LATE, event=event)
    other = choice(texts.say("Other goods"), Intent.EXCHANGE_LATE, event=event)
    return draw_about(texts, view, title, rest, back, other)


def draw_refunded(texts: Texts, view: OrderView | None, body: Mapping[str, Any]) -> Screen:
    """Money went back, and where to."""
    amount = amount_of(texts, body)
    if body.get("to_wallet"):
        title = texts.say("{amount} is in your wallet", amount=amount)
        rest = texts.say("You can spend it in this shop at any time.")
        return draw_about(texts, view, title, rest, choice(texts.say("Wallet"), Intent.WALLET), home_option(texts))
    title = texts.say("{amount} went back the way you paid", amount=amount)
    rest = texts.say("It shows in your payment account at once or within a few days.")
    return draw_about(texts, view, title, rest, home_option(texts))


def draw_topped_up(texts: Texts, body: Mapping[str, Any]) -> Screen:
    """The wallet was topped up."""
    title = texts.say("{amount} is in your wallet", amount=amount_of(texts, body))
    rest = texts.say("Next time you can pay with one tap.")
    wallet = choice(texts.say("Wallet"), Intent.WALLET)
    return draw_about(texts, None, title, rest, wallet, choice(texts.say("Goods"), Intent.CATALOG))


def amount_of(texts: Texts, body: Mapping[str, Any]) -> str:
    """The amount that a message names."""
    return texts.money(Money(int(body["amount_minor"]), str(body["currency"])))


def draw_about(texts: Texts, view: OrderView | None, title: str, rest: str, *options: Option) -> Screen:
    """A message about one order: what happened, which goods, how much, what it means."""
    lines = [title]
    if view is not None:
        lines.append(texts.row(texts.say("Item"), summary_of(texts, view)))
        lines += texts.money_row(texts.say("Total"), view.total)
    lines.append(rest)
    return Screen(ScreenKind.RECEIPT, "\n".join(lines), options, order=view.id if view else None)
