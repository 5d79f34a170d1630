"""What is to be shown, as values: screens, their options and cards. How it looks is the renderer's business."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any
from uuid import UUID

from bot.intents import Act
from bot.pages import Page
from core.ids import Prefix, public
from core.secret import Secret


class ScreenKind(StrEnum):
    """The kinds that the chat over HTTP promises."""

    TEXT = "text"  # something said
    MENU = "menu"  # a choice
    PRODUCT = "product"  # one product
    CONFIRM = "confirm"  # an order about to be placed
    PAY = "pay"  # an order waiting for its payment
    CARDS = "cards"  # delivered cards; only ever sent unasked
    RECEIPT = "receipt"  # the state of an order
    INPUT = "input"  # a question to be answered in words
    ERROR = "error"  # a refusal


@dataclass(frozen=True, slots=True)
class Option:
    """One choice. It acts (`act`, which becomes the opaque `action`), or leads to a page.

    `pay_order` and `pay_payment` name what a payment page is for, `page` any page of a chat that has no buttons; the
    door knows the address and the token.
    """

    label: str
    act: Act | None = None
    action: str | None = None
    url: str | None = field(default=None, repr=False)  # may lead to a card page
    pay_order: UUID | None = None
    pay_payment: UUID | None = None
    page: Page | None = None
    is_back: bool = False  # where menus are numbered this one is 0

    def as_json(self) -> dict[str, str]:
        """`{"label", "action"}` or `{"label", "url"}`."""
        if self.url is not None:
            return {"label": self.label, "url": self.url}
        if self.action is None:
            raise ValueError(f"the option {self.label!r} has neither an address nor a minted action")
        return {"label": self.label, "action": self.action}


@dataclass(frozen=True, slots=True)
class CardEntry:
    """One card of a `cards` screen: its token and mask; the door fills in what it opened for this reader."""

    token: str
    mask: str = ""
    secret: Secret | None = None
    number: Secret | None = None
    pin: Secret | None = None
    expires: str | None = None  # ISO date, the last day it works

    def opened(self, fields: Mapping[str, str]) -> CardEntry:
        """The same card with its fields `secret`, `number`, `pin`, `expires` (those it has)."""

        def hidden(name: str) -> Secret | None:
            return Secret(fields[name]) if fields.get(name) else None

        return replace(
            self,
            secret=hidden("secret"),
            number=hidden("number"),
            pin=hidden("pin"),
            expires=fields.get("expires") or self.expires,
        )

    def as_json(self) -> dict[str, str]:
        """`{"token", "secret", "number"?, "pin"?, "expires"?}`; with its mask instead of the secret while unopened."""
        shown = {"token": self.token}
        if self.secret is None:
            shown["mask"] = self.mask
        for name in ("secret", "number", "pin"):
            value: Secret | None = getattr(self, name)
            if value is not None:
                shown[name] = value.reveal().decode()
        if self.expires:
            shown["expires"] = self.expires
        return shown


@dataclass(frozen=True, slots=True)
class Screen:
    """What is to be shown: text whose first line is its title, options, and what its kind needs besides."""

    kind: ScreenKind
    text: str
    options: tuple[Option, ...] = ()
    media: str | None = None
    cards: tuple[CardEntry, ...] = ()
    order: UUID | None = None
    error_id: str | None = None
    cards_follow: int = 0  # how many messages with cards were asked for: a door that can wait shows them instead
    uncleared: str | None = None  # what it answers held cards and is deleted; said instead where that cannot be done
    asks: Act | None = None  # what a bare number answers here, where it is not the place of an option

    def with_options(self, *options: Option) -> Screen:
        """The same screen with these options instead of its own."""
        return replace(self, options=options)

    def with_links(
        self,
        order_page: Callable[[UUID], str],
        payment_page: Callable[[UUID], str] | None = None,
        page: Callable[[Page], str] | None = None,
    ) -> Screen:
        """The same screen with the addresses of its pages filled in."""

        def linked(option: Option) -> Option:
            if option.pay_order is not None:
                return replace(option, url=order_page(option.pay_order))
            if option.pay_payment is not None and payment_page is not None:
                return replace(option, url=payment_page(option.pay_payment))
            if option.page is not None and page is not None:
                return replace(option, url=page(option.page))
            return option

        return replace(self, options=tuple(linked(option) for option in self.options))

    def with_secrets(self, opened: Mapping[str, Mapping[str, str]]) -> Screen:
        """The same screen with the cards' fields filled in, by token; a card not among them stays masked."""
        cards = tuple(card.opened(opened[card.token]) if card.token in opened else card for card in self.cards)
        return replace(self, cards=cards)

    def as_json(self) -> dict[str, Any]:
        """Exactly the Screen of the chat over HTTP; optional members are left out where they are empty."""
        shown: dict[str, Any] = {
            "kind": self.kind.value,
            "text": self.text,
            "media": self.media,
            "options": [option.as_json() for option in self.options],
        }
        if self.kind is ScreenKind.CARDS:
            shown["cards"] = [card.as_json() for card in self.cards]
        if self.order is not None:
            shown["order"] = public(Prefix.ORDER, self.order)
        if self.error_id is not None:
            shown["error_id"] = self.error_id
        return shown
