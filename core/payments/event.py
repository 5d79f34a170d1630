"""One event of suspense money, as those who decide about it see it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from core.actor import Actor, ActorKind
from core.db import execute
from core.errors import NotFound
from core.money import Money
from core.payments import sql
from core.payments.desk import priced
from core.payments.rules import Awaited, SuspenseReason, worth_of


@dataclass(frozen=True, slots=True)
class SuspenseEvent:
    """Authentic money in suspense (amount in minor units of its currency)."""

    id: UUID
    gateway_account_id: int
    external_id: str
    payment_id: UUID | None
    order_id: UUID | None
    amount: Money
    reason: SuspenseReason
    is_resolved: bool
    merchant_id: int
    shopper_id: UUID | None
    awaited: Awaited | None

    def worth_of(self, money: Money) -> Money:
        """What a part of it is worth in the shopper's wallet."""
        return worth_of(money, self.awaited) if self.awaited else money


def find_event(*, event_id: UUID) -> SuspenseEvent:
    """One event of suspense money. Raises `NotFound`, also for events that went straight to an order or a wallet."""
    rows = execute(sql.EVENT, (event_id,))
    if not rows:
        raise NotFound("payment_event")
    found, account_id, external_id, payment_id, order_id, amount, currency, reason, resolved, owner, *rest = rows[0]
    shopper, awaited_at, asked, asked_currency, worth, worth_currency = rest
    awaited = None
    if payment_id is not None:
        awaited = Awaited(awaited_at, Money(asked, asked_currency), priced(worth, worth_currency))
    return SuspenseEvent(
        id=found,
        gateway_account_id=account_id,
        external_id=external_id,
        payment_id=payment_id,
        order_id=order_id,
        amount=Money(amount, currency),
        reason=SuspenseReason(reason or SuspenseReason.LINE_REFUNDED),
        is_resolved=resolved is not None,
        merchant_id=owner,
        shopper_id=shopper,
        awaited=awaited,
    )


def access_event(*, actor: Actor, event_id: UUID) -> SuspenseEvent:
    """Suspense money for an order of the acting shopper. Raises `NotFound` for all others alike."""
    event = find_event(event_id=event_id)
    is_own = event.shopper_id is not None and (actor.id, actor.party_id) == (event.shopper_id, event.merchant_id)
    if actor.kind is not ActorKind.SHOPPER or not is_own:
        raise NotFound("payment_event")
    return event
