"""Payments before their money comes: rails offered, intents at gateways, questions to them (step 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from core.actor import Actor
from core.connections.service import GatewayAccount, gateway_account, gateway_accounts
from core.db import changed, execute, in_transaction
from core.errors import NotFound
from core.ids import bound_id
from core.ledger import holds
from core.money import Money
from core.orders.rules import OrderState
from core.orders.service import LockedOrder, OrderPolicy, OrderView, lock_order, order_by_token, order_view
from core.payments import sql
from core.payments.desk import priced
from core.payments.notices import book
from core.payments.rules import NotForSale, OrderNotPayable, PaymentState, Rail, next_poll
from core.ports import Gateway, NoticeVerifier, Outcome
from core.work import Work, enqueue


@dataclass(frozen=True, slots=True)
class PaymentView:
    """A payment as the store sees it (amount in minor units of its currency; times UTC)."""

    id: UUID
    order_id: UUID | None
    merchant_id: int
    shopper_id: UUID
    rail: Rail
    gateway_account_id: int | None
    amount: Money
    state: PaymentState
    refunded_minor: int
    external_ref: str | None
    url: str | None
    created_at: datetime
    expires_at: datetime
    gateway: str
    opaque_id: str
    is_shop_open: bool  # whether its merchant takes part: a suspended one asks for no money
    exchanged: Money | None = None

    @property
    def worth(self) -> Money:
        """What it pays, in the currency of its order or of the wallet."""
        return self.exchanged or self.amount


def offered(*, merchant_id: int, currency: str) -> list[GatewayAccount]:
    """The gateway accounts at which an order of this merchant can be paid, oldest first."""
    return gateway_accounts(merchant_id=merchant_id, currency=currency)


def find_payment(*, payment_id: UUID) -> PaymentView:
    """One payment. Raises `NotFound`."""
    rows = execute(sql.PAYMENT, (payment_id,))
    if not rows:
        raise NotFound("payment")
    found, order_id, merchant_id, shopper_id, rail, account_id, amount, currency, state, refunded, *rest = rows[0]
    external_ref, url, created_at, expires_at, gateway, opaque_id, worth, worth_currency, is_open = rest
    return PaymentView(
        id=found,
        order_id=order_id,
        merchant_id=merchant_id,
        shopper_id=shopper_id,
        rail=Rail(rail),
        gateway_account_id=account_id,
        amount=Money(amount, currency),
        state=PaymentState(state),
        refunded_minor=refunded,
        external_ref=external_ref,
        url=url,
        created_at=created_at,
        expires_at=expires_at,
        gateway=gateway or "",
        opaque_id=opaque_id or "",
        exchanged=priced(worth, worth_currency),
        is_shop_open=is_open,
    )


def payment_state(*, payment_id: UUID) -> PaymentState:
    """Where a payment is. Raises `NotFound`."""
    return find_payment(payment_id=payment_id).state


def is_being_paid(*, order_id: UUID) -> bool:
    """Whether an intent of this order is under way at a gateway: the checkout page then waits for its notice."""
    rows = execute(sql.LATEST_PAYMENT, (order_id,))
    return bool(rows) and rows[0][0] in (PaymentState.CREATED, PaymentState.PENDING)


def start_payment(*, order_id: UUID, gateway_account_id: int, now: datetime) -> UUID:
    """Make an intent for an unpaid order, or find the one under way; the worker takes it to the gateway.

    Returns the payment's id. Raises `NotFound`, `OrderNotPayable`, `NotForSale`.
    """
    return in_transaction(partial(_start, order_id, gateway_account_id, now, Work.START_PAYMENT), repeatable=True)


def request_sandbox_payment(*, token: str, now: datetime) -> UUID:
    """The button of the sandbox was pressed on /pay/<token>: the sandbox will charge and send its notice.

    Returns the payment's id. Raises `NotFound`, `OrderNotPayable`, `NotForSale` where the merchant has no sandbox.
    """
    return _charge(order_by_token(token=token), now)


def request_own_sandbox_payment(*, actor: Actor, order_id: UUID, now: datetime) -> UUID:
    """The same button on the orderer's own page. Raises what the other does, `NotFound` for a foreign order."""
    return _charge(order_view(actor=actor, order_id=order_id), now)


def _charge(view: OrderView, now: datetime) -> UUID:
    for account in offered(merchant_id=view.merchant_id, currency=view.total.currency):
        if account.gateway == "sandbox":
            return in_transaction(partial(_start, view.id, account.id, now, Work.SANDBOX_PAY), repeatable=True)
    raise NotForSale


def _start(order_id: UUID, gateway_account_id: int, now: datetime, work: Work) -> UUID:
    order = lock_order(order_id=order_id)
    if order.state is not OrderState.AWAITING_PAYMENT or now >= order.deadline or order.total.minor == 0:
        raise OrderNotPayable(state=order.state.value)
    account = gateway_account(account_id=gateway_account_id)
    wanted = (order.merchant_id, order.total.currency, True)
    if (account.merchant_id, account.currency, account.enabled) != wanted or not order.is_shop_open:
        raise NotForSale
    held = holds.find_open(order_id=order_id)
    amount = order.total.minor - (held.amount if held else 0)
    under_way = execute(sql.OPEN_PAYMENT, (order_id, gateway_account_id, amount, now))
    payment_id: UUID = under_way[0][0] if under_way else _insert(order, account.id, amount, now)
    enqueue(work, payment_id)
    return payment_id


def _insert(order: LockedOrder, account_id: int, amount: int, now: datetime) -> UUID:
    payment_id = bound_id(order.id)  # the gateway signs it: what it says was paid is this order, whatever rows say
    poll_at = next_poll(created_at=now, expires_at=order.deadline, now=now)
    whose = (order.id, order.merchant_id, order.shopper_id, Rail.GATEWAY, account_id)
    what = (amount, order.total.currency, PaymentState.CREATED, now, order.deadline, None, poll_at)
    execute(sql.INSERT_PAYMENT, (payment_id, *whose, *what))
    return payment_id


def make_intent(*, payment_id: UUID, gateways: Mapping[str, Gateway], now: datetime) -> PaymentView:
    """The worker's part of a start: tell the gateway, once. A payment that is no longer `created` stays as it is, and
    one of a merchant that was suspended meanwhile.

    Raises `NotFound`; what the gateway's wire raises leaves the payment for the poller.
    """
    payment = find_payment(payment_id=payment_id)
    if payment.state is not PaymentState.CREATED or payment.rail is not Rail.GATEWAY or not payment.is_shop_open:
        return payment
    started = gateways[payment.gateway].start(payment.id, payment.amount)
    poll_at = next_poll(created_at=payment.created_at, expires_at=payment.expires_at, now=now)
    changed(sql.STARTED, (started.external_ref, started.url, poll_at, payment_id))
    return find_payment(payment_id=payment_id)


def query_payment(
    *,
    payment_id: UUID,
    gateways: Mapping[str, Gateway],
    verifiers: Mapping[str, NoticeVerifier],
    policy: OrderPolicy,
    now: datetime,
) -> Outcome:
    """Ask the gateway what became of a payment; its signed answer is booked like a notice (faults.md 33).

    A payment whose start was lost is started first. NO ends a payment whose time is over; UNKNOWN changes nothing. When
    to ask again is settled before the gateway is asked: its silence or a crash never has it asked for ever.
    """
    payment = find_payment(payment_id=payment_id)
    if payment.rail is not Rail.GATEWAY:
        raise NotFound("payment")
    poll_at = next_poll(created_at=payment.created_at, expires_at=payment.expires_at, now=now)
    changed(sql.POLL_AT, (poll_at, payment_id))
    if payment.state is PaymentState.CREATED and now < payment.expires_at:
        payment = make_intent(payment_id=payment_id, gateways=gateways, now=now)
    outcome, evidence = gateways[payment.gateway].query(payment.id)
    if outcome is Outcome.YES and evidence is not None:
        notice = verifiers[payment.gateway].verify(evidence, opaque_id=payment.opaque_id)
        book(
            gateway=payment.gateway,
            opaque_id=payment.opaque_id,
            notice=notice,
            raw=evidence,
            policy=policy,
            now=now,
        )
    elif outcome is Outcome.NO and now >= payment.expires_at:
        changed(sql.EXPIRE_PAYMENT, (payment_id,))
    if outcome is not Outcome.UNKNOWN:
        changed(sql.ANSWERED, (now, payment_id))
    return outcome
