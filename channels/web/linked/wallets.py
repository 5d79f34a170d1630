"""The wallet on its follower's own page: what is in it, topping it up, paying a top-up."""

from __future__ import annotations

from bot.pages import PageKind
from bot.texts import Texts
from bot.wallet import TOP_UPS
from channels.web.bill import Trouble
from channels.web.door import Door
from channels.web.linked.visits import Visit
from channels.web.till import check_of, pressable
from channels.web.topup import state_of, values_of
from core.connections.service import GatewayAccount
from core.conversations.pages import mint_link
from core.errors import Invalid, NotFound
from core.ids import Prefix, parse, public
from core.money import EXPONENT, Money
from core.orders.rules import NothingIsSold
from core.payments.rules import NotForSale
from core.payments.service import (
    PaymentView,
    find_payment,
    request_sandbox_topup,
    start_topup,
    topup_token,
    wallet_balance,
)
from core.stock.service import hands_out

BUTTON = "top-up"


def named(visit: Visit) -> PaymentView:
    """The top-up that a link names. Raises `NotFound`, also for another follower's."""
    payment = find_payment(payment_id=parse(Prefix.PAYMENT, str(visit.link.params.get("payment", ""))))
    if payment.order_id is not None or payment.shopper_id != visit.chat.shopper_id:
        raise NotFound("payment")
    return payment


def topup_values(door: Door, visit: Visit, payment: PaymentView, texts: Texts) -> dict[str, object]:
    """What the template needs of a top-up."""
    values = values_of(door, payment, texts, page_url=visit.url, token=visit.token, chat_url="")
    return {**values, "notice": ""}


def wallet_values(door: Door, visit: Visit, texts: Texts, trouble: Trouble | None) -> dict[str, object]:
    """What the template needs of the wallet."""
    balance = wallet_balance(actor=visit.actor, currency=door.shop.currency)
    unit = 10 ** EXPONENT[balance.currency]
    amounts = [Money(major * unit, balance.currency) for major in TOP_UPS]
    may_top_up = hands_out() and bool(accounts_of(door, visit))
    return {
        "url": visit.url,
        "check": check_of(door, visit.token),
        "balance": texts.money(balance),
        "amounts": [(amount.minor, texts.money(amount)) for amount in amounts] if may_top_up else [],
        "trouble": trouble,
    }


def top_up(door: Door, visit: Visit, minor: str) -> str:
    """Make a top-up of one of the amounts, or find the one under way; the address of a page where it is paid.

    Raises `Invalid`, `NothingIsSold`, `NotForSale`.
    """
    currency = door.shop.currency
    if minor not in {str(major * 10 ** EXPONENT[currency]) for major in TOP_UPS}:
        raise Invalid(what="amount")
    if not hands_out():
        raise NothingIsSold()
    accounts = accounts_of(door, visit)
    if not accounts:
        raise NotForSale()
    now = door.shop.clock.now()
    payment_id = start_topup(
        actor=visit.actor, gateway_account_id=accounts[0].id, amount=Money(int(minor), currency), now=now
    )
    params = {"payment": public(Prefix.PAYMENT, payment_id)}
    return f"/w/{mint_link(conversation_id=visit.chat.id, kind=PageKind.TOP_UP.value, params=params, now=now)}"


def accounts_of(door: Door, visit: Visit) -> list[GatewayAccount]:
    """Where a top-up can be paid on the page."""
    return pressable(door, merchant_id=visit.chat.merchant_id, currency=door.shop.currency)


def charge(door: Door, payment: PaymentView) -> None:
    """Ask the sandbox to charge. Raises `OrderNotPayable`, `NotForSale`."""
    keys = door.shop.order_keys
    request_sandbox_topup(keys=keys, token=topup_token(keys=keys, payment_id=payment.id), now=door.shop.clock.now())


def state_shown(door: Door, payment: PaymentView) -> str:
    """The state that the page follows."""
    return state_of(door, payment)
