"""Pages that a chat leads to where it cannot say or do a thing itself: what each is for, and what its link must name.

The door signs a page into an address (`/w/<token>`): kind and parameters, account, conversation, shopper and identity
(the link is bound to that openid), a fresh nonce, and its end, 15 minutes on. Opening it changes nothing, so that link
previews, scanners and a lost tab place no order and hold no card (fault 101); whatever changes something is a POST.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from bot.intents import Params

PAGE_LASTS = timedelta(minutes=15)
"""How long a link leads to its page; after that the page says so, and the chat makes a fresh one."""


class PageKind(StrEnum):
    """The pages there are; their parameters are those of the chat's own acts."""

    CHECKOUT = "checkout"  # listing, code, quantity, version, price (minor units, as seen), coupon?: places and pays
    ORDER = "order"  # order: pay it, how it stands, its cards, 退款 or 换货 of late money
    TOP_UP = "top_up"  # payment: pay it into the wallet
    WALLET = "wallet"  # balance, topping up


@dataclass(frozen=True, slots=True)
class Page:
    """One page of one shopper.

    A CHECKOUT page shows the price of now (and says so when it is not `price`), quantity, coupon and total. 付款 places
    the order with the submission id `page:<nonce>` and goes on to its payment: pressed ten times or sent again it is
    one order (fault 39), and the page of an order that was placed shows that order.
    """

    kind: PageKind
    params: Params = field(default_factory=dict)
