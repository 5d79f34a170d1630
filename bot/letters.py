"""What is said outside the chats, in letters and in the variables of text messages: never a card, never a price to pay.

A letter says what happened, about which goods, and leads back to the chat where the cards are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from bot.outbox import amount_of
from bot.paying import summary_of
from bot.texts import Texts
from core.ids import Prefix, public
from core.messages.service import MessageKind
from core.orders.service import OrderView

END = 6
"""So many characters of an order's number tell it apart for its owner, and nothing to anybody else."""


@dataclass(frozen=True, slots=True)
class Place:
    """The chat that a letter leads back to: its name as people know it, and its address where it has one."""

    name: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Pickup:
    """A pick-up code as people read it, and for how many days it works."""

    code: str = field(repr=False)
    days: int


@dataclass(frozen=True, slots=True)
class LetterWords:
    """A letter without its address: subject, text, and the words of the link below it."""

    subject: str
    text: str = field(repr=False)
    link: str = field(default="", repr=False)
    link_text: str = ""


def order_end(order_id: UUID) -> str:
    """The end of an order's number, for letters and text messages."""
    return public(Prefix.ORDER, order_id)[-END:]


def draw_letter(
    texts: Texts,
    kind: MessageKind,
    body: Mapping[str, Any],
    view: OrderView | None,
    *,
    shop: str,
    place: Place,
    pickup: Pickup | None = None,
    card_page: str | None = None,
) -> LetterWords | None:
    """One message as a letter; None for what is worth no letter.

    `pickup` is the code of a message about cards, `card_page` the address where they are opened by a press.
    """
    said = _said(texts, kind, body, has_page=card_page is not None)
    if said is None:
        return None
    title, rest = said
    about = []
    if view is not None:
        about = [
            texts.row(texts.say("Item"), summary_of(texts, view)),
            texts.row(texts.say("Order number ends in"), order_end(view.id)),
        ]
    where = texts.row(texts.say("Chat"), place.name)
    why = texts.say("You confirmed this address in our chat. To hear nothing more here, send “email off” there.")
    code = [_with_code(texts, pickup)] if pickup else []
    parts = (title, "\n".join([*about, where]), rest, *code, why)
    subject = texts.say("{title} · {shop}", title=title, shop=shop)
    text = "\n\n".join(parts)
    if card_page is not None:
        return LetterWords(subject, text, card_page, texts.say("See the cards"))
    return LetterWords(subject, text, place.link, texts.say("Open the chat") if place.link else "")


def _with_code(texts: Texts, pickup: Pickup) -> str:
    lines = (
        texts.row(texts.say("Pick-up code"), pickup.code),
        texts.say("Cannot open that chat? Send “cards {code}” in another chat of this shop.", code=pickup.code),
        texts.say(
            "It works once and for {days} days. Whoever has it gets the cards: give it to nobody.", days=pickup.days
        ),
    )
    return "\n".join(lines)


def _said(texts: Texts, kind: MessageKind, body: Mapping[str, Any], *, has_page: bool) -> tuple[str, str] | None:
    match kind:
        case MessageKind.CARDS | MessageKind.CARDS_READY:
            title = texts.say("Your cards are ready")
            rest = texts.say("Open the chat and send “cards”. For your safety they are never in a letter.")
            if has_page:
                rest = texts.say(
                    "See them on the page below. It opens them when you press, five times within 24 hours:"
                    " please do not forward this letter."
                )
        case MessageKind.LATE_MONEY:
            title = texts.say("Your payment came too late for this order")
            rest = texts.say(
                "The goods are sold out, but your money is safe: choose a refund or other goods in the chat."
                " If we do not hear from you within 24 hours, it goes back the way you paid."
            )
        case MessageKind.REFUNDED:
            if body.get("to_wallet"):
                title = texts.say("{amount} is in your wallet", amount=amount_of(texts, body))
                rest = texts.say("You can spend it in this shop at any time.")
            else:
                title = texts.say("{amount} went back the way you paid", amount=amount_of(texts, body))
                rest = texts.say("It shows in your payment account at once or within a few days.")
        case MessageKind.IN_REVIEW:
            title = texts.say("The shop checks your order first")
            rest = texts.say("Your payment is in and your money is safe. You hear from us in the chat.")
        case _:
            return None
    return title, rest


def draw_code_letter(texts: Texts, code: str, *, shop: str, minutes: int) -> LetterWords:
    """The code that confirms an address."""
    subject = texts.say("Your code · {shop}", shop=shop)
    parts = (
        texts.row(texts.say("Your code"), code),
        texts.say("Please send its six digits in the chat within {minutes} minutes.", minutes=minutes),
        texts.say("You did not ask for it? Then somebody mistyped an address: nothing happens if you do nothing."),
    )
    return LetterWords(subject, "\n\n".join(parts))
