"""Telegram Stars, the shopper's side: what an order costs in Stars, its bill in the chat, the last check before paying.

An order in another currency is paid at the rate of the bot's Stars account, frozen with the payment and sealed. The
bill is sent into the order's own private chat by the worker; who may pay it is checked again when Telegram asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from core.actor import Actor, ActorKind
from core.connections.chats import ChatChannel, read_address
from core.connections.service import GatewayAccount, exchanging_accounts
from core.connections.stars import STARS
from core.db import execute, in_transaction
from core.errors import Invalid, NotFound
from core.ids import Prefix, new_id, parse, public
from core.ledger import holds
from core.money import GREATEST, Money
from core.orders.rules import OrderState
from core.orders.service import LockedOrder, OrderKeys, lock_order
from core.payments import sql, stars_sql
from core.payments.desk import priced
from core.payments.rules import CAPTURED, NotForSale, OrderNotPayable, PaymentState, Rail, next_poll
from core.payments.topups import TOP_UP_TIME
from core.vault.confirmations import ExchangedPayment, seal_exchange
from core.work import Work, enqueue


class PrecheckRefusal(StrEnum):
    """Why Telegram is told not to take the Stars; the bot says it in words."""

    UNKNOWN = "unknown"  # a bill that is none of this bot's
    OTHER_PERSON = "other_person"  # a forwarded bill: only who ordered may pay it
    OTHER_PRICE = "other_price"  # another amount than was asked, or the order's rest has changed since
    PAID = "paid"  # paid already
    OVER = "over"  # too late, or cancelled: the cards are not kept any more
    CLOSED = "closed"  # nothing is handed out now, or the merchant takes no Stars any more


def stars_price(*, actor: Actor, order_id: UUID) -> Money | None:
    """What is left to be paid of the shopper's own order, in Stars; None where it cannot be paid so.

    Stars pay in the private chat of the bot that they are paid to, nowhere else.
    """
    rows = execute(stars_sql.EXCHANGE_OFFER, {"order": order_id, "shopper": actor.id, "merchant": actor.party_id})
    if not rows:
        return None
    address, rest, currency = rows[0]
    account = account_of_chat(merchant_id=actor.party_id or 0, currency=currency, chat_address=address)
    if account is None or account.rate is None or rest < 1:
        return None
    price = account.rate.asked_for(Money(rest, currency), account.currency)
    return price if price.minor <= GREATEST else None


def stars_topup_price(*, actor: Actor, conversation_id: UUID, worth: Money) -> Money | None:
    """What filling the wallet with so much costs in Stars in this chat; None where it cannot be done so."""
    address = execute(stars_sql.CHAT_OF_CONVERSATION, (conversation_id, actor.id, actor.party_id))
    if not address:
        return None
    account = account_of_chat(merchant_id=actor.party_id or 0, currency=worth.currency, chat_address=address[0][0])
    return account.rate.asked_for(worth, account.currency) if account and account.rate else None


def account_of_chat(*, merchant_id: int, currency: str, chat_address: str) -> GatewayAccount | None:
    """The enabled Stars account of the bot whose private chat this is, for orders in `currency`."""
    place = read_address(chat_address)
    if place is None or place.channel is not ChatChannel.TELEGRAM:
        return None
    accounts = exchanging_accounts(merchant_id=merchant_id, currency=currency)
    fitting = (one for one in accounts if (one.gateway, one.chat_account_id) == (STARS, place.account_id))
    return next(fitting, None)


def start_stars_payment(*, actor: Actor, order_id: UUID, keys: OrderKeys, now: datetime) -> UUID:
    """Have the bill of the shopper's own unpaid order sent into its chat, or find the one that is there.

    Returns the payment's id. Raises `NotFound`, `OrderNotPayable`, `NotForSale`.
    """

    def work() -> UUID:
        order = lock_order(order_id=order_id)
        if actor.kind is not ActorKind.SHOPPER or (actor.id, actor.party_id) != (order.shopper_id, order.merchant_id):
            raise NotFound("order")
        if order.state is not OrderState.AWAITING_PAYMENT or now >= order.deadline or order.total.minor == 0:
            raise OrderNotPayable(state=order.state.value)
        held = holds.find_open(order_id=order_id)
        rest = Money(order.total.minor - (held.amount if held else 0), order.total.currency)
        address = execute(stars_sql.CHAT_OF_ORDER, (order_id,))[0][0]
        account = account_of_chat(merchant_id=order.merchant_id, currency=rest.currency, chat_address=address)
        return _bill(actor, account, rest, order, order.deadline, keys, now)

    return in_transaction(work, repeatable=True)


def start_stars_topup(*, actor: Actor, conversation_id: UUID, worth: Money, keys: OrderKeys, now: datetime) -> UUID:
    """Have a bill sent that fills the shopper's wallet with `worth`, or find the one under way.

    Returns the payment's id. Raises `NotFound`, `NotForSale`, `Invalid`.
    """
    if actor.kind is not ActorKind.SHOPPER or actor.id is None or actor.party_id is None:
        raise NotFound("shopper")
    if not 0 < worth.minor <= GREATEST:
        raise Invalid(what="amount")

    def work() -> UUID:
        execute(sql.LOCK_SHOPPER, (actor.id,))
        address = execute(stars_sql.CHAT_OF_CONVERSATION, (conversation_id, actor.id, actor.party_id))
        if not address:
            raise NotFound("conversation")
        account = account_of_chat(merchant_id=actor.party_id or 0, currency=worth.currency, chat_address=address[0][0])
        return _bill(actor, account, worth, None, now + TOP_UP_TIME, keys, now)

    return in_transaction(work, repeatable=True)


def check_precheckout(
    *, chat_account_id: int, payload: str, currency: str, total: int, user: str, now: datetime
) -> PrecheckRefusal | None:
    """Whether Telegram may take the Stars now: one statement, no queue, no worker (fault 34). None says yes.

    `user` is Telegram's number of who pays, `chat_account_id` the bot that was asked. It is the last chance to look at
    price, time and whether the cards are still kept; what happens between this answer and the money is late money.
    """
    try:
        payment_id = parse(Prefix.PAYMENT, payload)
    except NotFound:
        return PrecheckRefusal.UNKNOWN
    named = {"payment": payment_id, "bot": chat_account_id, "chat": f"{ChatChannel.TELEGRAM}:{chat_account_id}:{user}"}
    rows = execute(stars_sql.PRECHECK, named)
    if not rows:
        return PrecheckRefusal.UNKNOWN
    state, asked, asked_currency, expires_at, is_on, is_own, order_state, rest_fits, is_kept = rows[0]
    if not is_own:
        return PrecheckRefusal.OTHER_PERSON
    if state in CAPTURED or order_state in (OrderState.PAID, OrderState.CLOSED):
        return PrecheckRefusal.PAID
    ended = order_state is not None and order_state != OrderState.AWAITING_PAYMENT
    if ended or state not in (PaymentState.CREATED, PaymentState.PENDING) or now >= expires_at or not is_kept:
        return PrecheckRefusal.OVER
    if (total, currency) != (asked, asked_currency) or not rest_fits:
        return PrecheckRefusal.OTHER_PRICE
    return None if is_on else PrecheckRefusal.CLOSED


@dataclass(frozen=True, slots=True)
class Invoice:
    """What the worker needs to send one bill: to which chat of which bot, over what, in whose language."""

    payment_id: UUID
    gateway_account_id: int
    chat_account_id: int
    chat: str
    amount: Money
    worth: Money
    locale: str
    order_id: UUID | None
    lines: tuple[tuple[Mapping[str, str], int], ...]

    @property
    def payload(self) -> str:
        """What Telegram gives back with every word about this bill: the payment's public id."""
        return public(Prefix.PAYMENT, self.payment_id)


def invoice_of(*, payment_id: UUID) -> Invoice:
    """The bill of one payment in Stars. Raises `NotFound` also where there is no chat to send it to."""
    rows = execute(stars_sql.INVOICE, (payment_id,))
    if not rows:
        raise NotFound("payment")
    amount, currency, worth, worth_currency, account_id, order_id, locale, address, lines = rows[0]
    place = read_address(address or "")
    if place is None or place.channel is not ChatChannel.TELEGRAM:
        raise NotFound("conversation")
    return Invoice(
        payment_id=payment_id,
        gateway_account_id=account_id,
        chat_account_id=place.account_id,
        chat=place.chat,
        amount=Money(amount, currency),
        worth=priced(worth, worth_currency) or Money(amount, currency),
        locale=locale,
        order_id=order_id,
        lines=tuple((names, quantity) for names, quantity in lines or ()),
    )


def _bill(
    actor: Actor,
    account: GatewayAccount | None,
    worth: Money,
    order: LockedOrder | None,
    expires_at: datetime,
    keys: OrderKeys,
    now: datetime,
) -> UUID:
    if account is None or account.rate is None or actor.id is None:
        raise NotForSale
    asked = account.rate.asked_for(worth, account.currency)
    if asked.minor > GREATEST:
        raise NotForSale
    order_id = order.id if order else None
    found = execute(
        stars_sql.OPEN_EXCHANGED, (order_id, actor.id, account.id, asked.minor, worth.minor, worth.currency, now)
    )
    payment_id: UUID = found[0][0] if found else new_id()
    if not found:
        wanted = ExchangedPayment(
            payment=payment_id,
            order=order_id,
            merchant=account.merchant_id,
            shopper=actor.id,
            gateway_account=account.id,
            amount_minor=asked.minor,
            currency=asked.currency,
            worth_minor=worth.minor,
            worth_currency=worth.currency,
            rate_minor=account.rate.minor,
            rate_units=account.rate.units,
        )
        _insert(wanted, seal_exchange(keys.seal.reveal(), wanted), expires_at, now)
        enqueue(Work.START_PAYMENT, payment_id)  # once: each start sends a bill, and a lost one is found by the poller
    return payment_id


def _insert(wanted: ExchangedPayment, seal: bytes, expires_at: datetime, now: datetime) -> None:
    poll_at = next_poll(created_at=now, expires_at=expires_at, now=now)
    whose = (wanted.order, wanted.merchant, wanted.shopper, Rail.GATEWAY, wanted.gateway_account)
    what = (wanted.amount_minor, wanted.currency, PaymentState.CREATED, now, expires_at, None, poll_at)
    rate = (wanted.worth_minor, wanted.worth_currency, wanted.rate_minor, wanted.rate_units, now)
    execute(stars_sql.INSERT_EXCHANGED, (wanted.payment, *whose, *what, *rate, wanted.shopper, seal))
