"""Filling a wallet through a gateway: a payment without an order, and the page where it is paid."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime, timedelta
from uuid import UUID

from core.actor import Actor, ActorKind
from core.connections.service import gateway_account
from core.db import execute, in_transaction
from core.errors import Invalid, NotFound
from core.ids import bound_id
from core.money import GREATEST, Money
from core.orders.service import OrderKeys
from core.payments import sql
from core.payments.intents import PaymentView, find_payment
from core.payments.rules import NotForSale, OrderNotPayable, PaymentState, Rail, next_poll
from core.work import Work, enqueue

TOP_UP_TIME = timedelta(hours=1)
"""How long a shopper may take to pay a top-up."""

OPEN = frozenset({PaymentState.CREATED, PaymentState.PENDING})
"""States in which a top-up still waits for its money."""

_ID_BYTES = 16


def start_topup(*, actor: Actor, gateway_account_id: int, amount: Money, now: datetime) -> UUID:
    """Ask a gateway for money for the wallet, or find the same top-up under way; returns the payment's id.

    However often it is asked for, there is one payment to be paid. Raises `NotFound`, `NotForSale`, `Invalid`.
    """
    if actor.kind is not ActorKind.SHOPPER or actor.id is None or actor.party_id is None:
        raise NotFound("shopper")
    account = gateway_account(account_id=gateway_account_id)
    if (account.merchant_id, account.currency, account.enabled) != (actor.party_id, amount.currency, True):
        raise NotForSale
    if not 0 < amount.minor <= GREATEST:
        raise Invalid(what="amount")
    shopper_id, expires_at = actor.id, now + TOP_UP_TIME
    poll_at = next_poll(created_at=now, expires_at=expires_at, now=now)
    whose = (None, actor.party_id, actor.id, Rail.GATEWAY, account.id)
    what = (amount.minor, amount.currency, PaymentState.CREATED, now, expires_at, None, poll_at)

    def work() -> UUID:
        locked = execute(sql.LOCK_SHOPPER, (actor.id,))
        if not locked:
            raise NotFound("shopper")
        if not locked[0][0]:
            raise NotForSale
        under_way = execute(sql.OPEN_TOPUP, (actor.id, actor.party_id, account.id, amount.minor, now))
        if under_way:
            return UUID(str(under_way[0][0]))
        payment_id = bound_id(shopper_id)  # the gateway signs it: what it says was paid fills this wallet only
        execute(sql.INSERT_PAYMENT, (payment_id, *whose, *what))
        enqueue(Work.START_PAYMENT, payment_id)
        return payment_id

    return in_transaction(work, repeatable=True)


def topup_token(*, keys: OrderKeys, payment_id: UUID) -> str:
    """The token of the page where a top-up is paid: the payment's id and 128 bits that only the store can make."""
    return base64.urlsafe_b64encode(payment_id.bytes + _proof(keys, payment_id)).decode().rstrip("=")


def topup_by_token(*, keys: OrderKeys, token: str) -> PaymentView:
    """The top-up behind a token. Raises `NotFound` for every other text."""
    try:
        both = base64.b64decode(token.encode("ascii") + b"=", altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise NotFound("payment") from None
    if len(both) != 2 * _ID_BYTES:
        raise NotFound("payment")
    payment_id = UUID(bytes=both[:_ID_BYTES])
    if not hmac.compare_digest(both[_ID_BYTES:], _proof(keys, payment_id)):
        raise NotFound("payment")
    payment = find_payment(payment_id=payment_id)
    if payment.order_id is not None:
        raise NotFound("payment")
    return payment


def request_sandbox_topup(*, keys: OrderKeys, token: str, now: datetime) -> UUID:
    """The sandbox's button was pressed on the page of a top-up: it will charge and send its notice.

    Returns the payment's id. Raises `NotFound`, `NotForSale` (no sandbox, or a suspended shop),
    `OrderNotPayable` (paid or over).
    """
    payment = topup_by_token(keys=keys, token=token)
    if payment.gateway != "sandbox" or not payment.is_shop_open:
        raise NotForSale
    if payment.state not in OPEN or now >= payment.expires_at:
        raise OrderNotPayable(state=payment.state.value)
    in_transaction(lambda: enqueue(Work.SANDBOX_PAY, payment.id), repeatable=True)
    return payment.id


def conversation_of(payment: PaymentView) -> UUID | None:
    """Where the payer's shopper was heard last: who waits for the payment listens there."""
    rows = execute(sql.SHOPPERS_CONVERSATION, (payment.shopper_id,))
    return rows[0][0] if rows else None


def _proof(keys: OrderKeys, payment_id: UUID) -> bytes:
    text = b"keystall top-up link\x00" + payment_id.bytes
    return hmac.new(keys.session.reveal(), text, hashlib.sha256).digest()[:_ID_BYTES]
