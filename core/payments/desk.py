"""Where a notice arrives: its gateway account, the payment it names, and what is needed to book it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from core.db import execute
from core.errors import NotFound
from core.ledger import rules as books
from core.ledger.service import AccountKind, open_account
from core.money import Money
from core.payments import sql
from core.payments.rules import Awaited
from core.ports import Notice


@dataclass(frozen=True, slots=True)
class Named:
    """The payment that a notice names, as far as it never changes."""

    id: UUID
    merchant_id: int
    order_id: UUID | None
    shopper_id: UUID
    awaited: Awaited
    conversation_id: UUID | None


@dataclass(frozen=True, slots=True)
class Desk:
    """One gateway account with the payment a notice names, if we can see it; `booked` when the notice came before."""

    account_id: int
    merchant_id: int
    gateway: str
    clearing_id: int | None
    payment: Named | None
    booked: bool

    @property
    def own_payment(self) -> Named | None:
        """The payment, if it is the same merchant's: another merchant's is never touched, named or told."""
        return self.payment if self.payment and self.payment.merchant_id == self.merchant_id else None

    def clearing(self, currency: str) -> int:
        """The clearing account of this gateway account, opened when its first event comes."""
        return self.clearing_id or clearing_account(self.account_id, self.merchant_id, currency)


def find_desk(*, gateway: str, opaque_id: str, notice: Notice) -> Desk:
    """One statement. Raises `NotFound` when no account has this callback address."""
    rows = execute(
        sql.DESK,
        {
            "gateway": gateway,
            "opaque_id": opaque_id,
            "payment": notice.payment_id,
            "currency": notice.amount.currency,
            "external": notice.external_id,
            "kind": notice.kind,
        },
    )
    if not rows:
        raise NotFound("gateway_account")
    account_id, merchant_id, name, clearing_id, payment_id, *rest = rows[0]
    owner, order_id, shopper_id, awaited_at, amount, currency, worth, worth_currency, conversation_id, booked = rest
    payment = None
    if payment_id is not None:
        payment = Named(
            id=payment_id,
            merchant_id=owner,
            order_id=order_id,
            shopper_id=shopper_id,
            awaited=Awaited(awaited_at, Money(amount, currency), priced(worth, worth_currency)),
            conversation_id=conversation_id,
        )
    return Desk(account_id, merchant_id, name, clearing_id, payment, booked)


def priced(minor: int | None, currency: str | None) -> Money | None:
    """What a payment is worth in another currency than its own, as its row says it; None where there is but one."""
    return Money(minor, currency) if minor is not None and currency is not None else None


def clearing_account(account_id: int, merchant_id: int, currency: str) -> int:
    """Where the events of one gateway account wait until they are reconciled."""
    return open_account(
        kind=AccountKind.CLEARING,
        holder=books.gateway(account_id),
        counterparty=books.party(merchant_id),
        currency=currency,
    )


def suspense_account(account_id: int, merchant_id: int, currency: str) -> int:
    """Where the authentic money of one gateway account waits that nothing was waiting for."""
    return open_account(
        kind=AccountKind.SUSPENSE,
        holder=books.gateway(account_id),
        counterparty=books.party(merchant_id),
        currency=currency,
    )


def world_account(gateway: str, merchant_id: int, currency: str) -> int:
    """What came in through one kind of gateway for one collector (negative) less what went back."""
    return open_account(
        kind=AccountKind.WORLD,
        holder=books.source(gateway),
        counterparty=books.party(merchant_id),
        currency=currency,
    )


def exchange_account(merchant_id: int, currency: str) -> int:
    """What a merchant, who bears the rate, took in (positive) or gave out (negative) of a currency at exchanges."""
    merchant = books.party(merchant_id)
    return open_account(kind=AccountKind.EXCHANGE, holder=merchant, counterparty=merchant, currency=currency)


def wallet_account(shopper_id: UUID, merchant_id: int, currency: str, *, held: bool = False) -> int:
    """A shopper's wallet at a merchant, or the part of it that is set aside for orders."""
    return open_account(
        kind=AccountKind.WALLET_HOLD if held else AccountKind.WALLET,
        holder=books.shopper(shopper_id),
        counterparty=books.party(merchant_id),
        currency=currency,
    )
