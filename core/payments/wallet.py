"""The wallet: a shopper's money at one merchant, in one currency; and orders that cost nothing."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.actor import Actor, ActorKind
from core.db import execute, in_transaction
from core.errors import Invalid, NotFound
from core.ids import new_id
from core.ledger import holds
from core.ledger import rules as books
from core.ledger import service as ledger
from core.ledger.service import AccountKind, BelowFloor, open_account
from core.money import Money
from core.orders.rules import OrderState
from core.orders.service import LockedOrder, OrderPolicy, lock_order, settle_order
from core.payments import sql
from core.payments.desk import wallet_account
from core.payments.rules import NeedsPayment, NotEnough, NotForSale, OrderNotPayable, PaymentState, Rail
from core.submission import claim_submission


def wallet_balance(*, actor: Actor, currency: str) -> Money:
    """What the acting shopper may spend at its merchant in one currency."""
    minor = ledger.stored_balance(
        kind=AccountKind.WALLET,
        holder=books.shopper(actor.id),
        counterparty=books.party(actor.party_id or 0),
        currency=currency,
    )
    return Money(minor, currency)


def pay_from_wallet(*, actor: Actor, order_id: UUID, submission_id: str, now: datetime) -> UUID:
    """Pay an unpaid order from the wallet, all or nothing; the same submission twice pays once.

    Returns the payment's id. A refusal changes nothing: `NotFound`, `OrderNotPayable`, `NotForSale`, `NotEnough`,
    `OtherContent`.
    """

    def work() -> UUID:
        payment_id = new_id()
        first = claim_submission(
            merchant_id=actor.party_id or 0,
            caller=f"shopper:{actor.id}",
            operation="order.pay_from_wallet",
            key=submission_id,
            request=[str(order_id)],
            reference=payment_id,
            now=now,
        )
        if first is not None:
            return first
        order = _payable(actor, order_id, now)
        if order.total.minor == 0:
            raise OrderNotPayable(state=order.state.value)
        wallet_id, held_in_id = _wallet(order), _wallet(order, held=True)
        if holds.find_open(order_id=order_id) is not None:  # mixed: its gateway asks for the rest
            raise OrderNotPayable(state=order.state.value)
        changes = holds.hold_money(
            account_id=wallet_id,
            held_in_id=held_in_id,
            order_id=order_id,
            amount=order.total.minor,
            currency=order.total.currency,
            now=now,
        )
        holds.capture(order_id=order_id, now=now)
        _insert_paid(order, payment_id, Rail.WALLET, now)
        source, policy = held_in_id, OrderPolicy()
        settle_order(order=order, paid=order.total, from_account_id=source, policy=policy, now=now, is_told=False)
        ledger.change_balances(ledger.merged(changes, {held_in_id: -order.total.minor}))
        return payment_id

    try:
        return in_transaction(work, repeatable=True)
    except BelowFloor:
        raise NotEnough from None


def hold_wallet_part(*, actor: Actor, order_id: UUID, amount: Money, now: datetime) -> None:
    """Set wallet money aside for an unpaid order, so that a gateway is asked for the rest only (mixed payment).

    It is captured in the transaction that marks the order paid, and given back when the order is cancelled or expires.
    Raises `NotFound`, `OrderNotPayable` (also when money is set aside already), `NotForSale`, `Invalid`, `NotEnough`.
    """

    def work() -> None:
        order = _payable(actor, order_id, now)
        if amount.currency != order.total.currency or not 0 < amount.minor < order.total.minor:
            raise Invalid(what="amount")
        if holds.find_open(order_id=order_id) is not None:
            raise OrderNotPayable(state=order.state.value)
        changes = holds.hold_money(
            account_id=_wallet(order),
            held_in_id=_wallet(order, held=True),
            order_id=order_id,
            amount=amount.minor,
            currency=amount.currency,
            now=now,
        )
        ledger.change_balances(changes)

    try:
        in_transaction(work)
    except BelowFloor:
        raise NotEnough from None


def settle_free(*, order_id: UUID, now: datetime) -> UUID:
    """Settle an order whose total is 0, on the path of every other.

    Raises `NotFound`, `OrderNotPayable`, `NotForSale`, `NeedsPayment`.
    """

    def work() -> UUID:
        order = lock_order(order_id=order_id)
        _refuse_unpayable(order, now)
        if order.total.minor != 0:
            raise NeedsPayment
        nothing_id = open_account(
            kind=AccountKind.CLEARING,
            holder=books.source("free"),
            counterparty=books.party(order.merchant_id),
            currency=order.total.currency,
        )
        payment_id = new_id()
        _insert_paid(order, payment_id, Rail.FREE, now)
        source, policy = nothing_id, OrderPolicy()
        settle_order(order=order, paid=order.total, from_account_id=source, policy=policy, now=now, is_told=False)
        return payment_id

    return in_transaction(work)


def _payable(actor: Actor, order_id: UUID, now: datetime) -> LockedOrder:
    order = lock_order(order_id=order_id)
    if actor.kind is not ActorKind.SHOPPER or (actor.id, actor.party_id) != (order.shopper_id, order.merchant_id):
        raise NotFound("order")
    _refuse_unpayable(order, now)
    return order


def _refuse_unpayable(order: LockedOrder, now: datetime) -> None:
    if order.state is not OrderState.AWAITING_PAYMENT or now >= order.deadline:
        raise OrderNotPayable(state=order.state.value)
    if not order.is_shop_open:
        raise NotForSale


def _wallet(order: LockedOrder, *, held: bool = False) -> int:
    return wallet_account(order.shopper_id, order.merchant_id, order.total.currency, held=held)


def _insert_paid(order: LockedOrder, payment_id: UUID, rail: Rail, now: datetime) -> None:
    whose = (order.id, order.merchant_id, order.shopper_id, rail, None)
    what = (order.total.minor, order.total.currency, PaymentState.SUCCEEDED, now, order.deadline, now, None)
    execute(sql.INSERT_PAYMENT, (payment_id, *whose, *what))
