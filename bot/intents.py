"""What a shopper can mean, by a button or by words: carried as an intent with a few plain parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Params = Mapping[str, str | int]
"""Parameters of an act: short strings and integers, as they stand in the button's row."""


class Intent(StrEnum):
    """Everything the conversation understands. What a button carries never decides a price or an owner."""

    HOME = "home"  # the menu
    NUMBER = "number"  # a bare number: the answer to the last menu sent
    UNKNOWN = "unknown"  # words that mean nothing here: nearest goods and help
    CATALOG = "catalog"  # categories of goods
    CATEGORY = "category"  # one page of a category's goods
    SEARCH = "search"  # goods whose names resemble some words
    PRODUCT = "product"  # one product and what can be chosen of it
    CODE = "code"  # a short code with or without a quantity, typed without a word before it
    CONFIRM = "confirm"  # one listing and a quantity, to be confirmed
    ASK_QUANTITY = "ask_quantity"  # how many?
    QUANTITY = "quantity"  # a bare number that says how many
    PLACE = "place"  # places the order: the only intent that does
    YES = "yes"  # the word: confirms what the last screen asked to be confirmed
    DISMISS = "dismiss"  # no order after all; nothing was placed
    ORDERS = "orders"  # the shopper's latest orders
    ORDER = "order"  # one order
    AGAIN = "again"  # the same goods once more
    PAY = "pay"  # how to pay an unpaid order
    PAID = "paid"  # "I have paid": look again
    WALLET_PAY = "wallet_pay"  # pays an order from the wallet
    STARS = "stars"  # has an order's bill in Telegram Stars sent into its chat
    STARS_TOP_UP = "stars_top_up"  # the same for the wallet
    CANCEL = "cancel"  # the word: whatever is open
    CANCEL_ORDER = "cancel_order"  # gives an unpaid order up
    CARDS = "cards"  # sends delivered cards again
    PICK_UP = "pick_up"  # cards of an order that was bought elsewhere, by the code of a text message or a letter
    REDEEM = "redeem"  # how to use what was bought
    FIND = "find"  # an order by the number on the bill
    REFUND_LATE = "refund_late"  # late money: back to where it came from
    EXCHANGE_LATE = "exchange_late"  # late money: other goods for it
    WALLET = "wallet"  # balance and top-up
    TOP_UP = "top_up"  # tops the wallet up by one amount
    THANKS = "thanks"  # a thank-you, which is answered and not looked for
    LANGUAGE = "language"  # which language
    SET_LANGUAGE = "set_language"  # chooses one
    HELP = "help"  # words that work, and how to reach the merchant
    MEMBER = "member"  # membership, not opened yet
    POINTS = "points"  # points, not opened yet
    CHECK_IN = "check_in"  # check-in, not opened yet
    COUPONS = "coupons"  # coupons, not opened yet
    AFTER_SALES = "after_sales"  # refunds and complaints, not opened yet
    BIND = "bind"  # a code for the other chat, or the question once it was entered there
    BIND_AGREE = "bind_agree"  # yes, bind these two accounts
    BIND_DECLINE = "bind_decline"  # no
    UNBIND = "unbind"  # which account is to be let go
    UNBIND_NOW = "unbind_now"  # lets one go
    CONTACTS = "contacts"  # where the shopper is told outside the chat
    EMAIL = "email"  # an e-mail address to be confirmed
    PHONE = "phone"  # a phone number to be confirmed
    CONTACT_CODE = "contact_code"  # the code that was sent there
    FORGET_CONTACT = "forget_contact"  # nothing is sent there any more
    STAFF = "staff"  # to staff: binds this chat by a code, or ends that
    RESTOCK = "restock"  # to staff: cards as lines or as a file


@dataclass(frozen=True, slots=True)
class Act:
    """What a shopper wants: an intent and its parameters."""

    intent: Intent
    params: Params = field(default_factory=dict)

    def text(self, name: str) -> str:
        """A parameter as text, empty where it is missing."""
        return str(self.params.get(name, ""))

    def number(self, name: str, default: int = 0) -> int:
        """A whole number among the parameters, `default` where it is missing or something else."""
        value = self.params.get(name, default)
        return value if isinstance(value, int) and not isinstance(value, bool) else default
