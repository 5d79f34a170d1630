"""What gateways say (architecture.md, step 5): authentic? expected? then everything in one transaction.

Whatever proves authentic is booked, to an order, a wallet or suspense (INV-M13); the same notice again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from core.db import execute, in_transaction
from core.errors import NotFound
from core.ids import new_id
from core.ledger import service as ledger
from core.ledger.rules import TransferCode
from core.members.accounts import living_shopper
from core.messages.service import MessageKind
from core.orders.rules import CannotSettle
from core.orders.service import LockedOrder, OrderPolicy, lock_order
from core.payments import sql, suspense
from core.payments.desk import Desk, Named, find_desk, wallet_account
from core.payments.exchange import Incoming
from core.payments.outside import EarlierRefund, book_outside_refund, return_refunded_first
from core.payments.rules import MAY_SUCCEED, BookedTo, SuspenseReason, unexpected
from core.payments.settling import ENDED, refusal_of, settle_from
from core.ports import Counter, Counts, Notice, NoticeVerifier, RawNotice, Unauthentic

FORGED = "payment_notice_forged"
"""The counter of notices that no gateway signed; nothing else is kept of them."""
AN_HOUR = 3600


class Booked(StrEnum):
    """What a notice did."""

    BEFORE = "before"  # nothing: it was booked before
    ORDER = "order"  # its order is paid
    WALLET = "wallet"  # a wallet is fuller
    SUSPENSE = "suspense"  # money that nothing was waiting for


@dataclass(frozen=True, slots=True)
class NoticeAnswer:
    """What the gateway is answered: HTTP status and plain text."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class _Record:
    """What recording a paid event did, and what was found then under the order's lock."""

    is_new: bool
    captured: bool
    has_hold: bool
    earlier: EarlierRefund | None


def receive_notice(
    *,
    gateway: str,
    opaque_id: str,
    raw: RawNotice,
    verifiers: Mapping[str, NoticeVerifier],
    counter: Counter,
    policy: OrderPolicy,
    now: datetime,
) -> NoticeAnswer:
    """Answer a gateway's callback: 200 for everything authentic, 401 for the rest, of which only a count is kept.

    Raises `NotFound` for an address that none of our accounts has. Errors of the database are the caller's 503: the
    gateway tries again.
    """
    verifier = verifiers.get(gateway)
    if verifier is None:
        raise NotFound("gateway_account")
    try:
        notice = verifier.verify(raw, opaque_id=opaque_id)
    except Unauthentic:
        counter.hit(f"{FORGED}:{gateway}", seconds=AN_HOUR)
        return NoticeAnswer(401, "not authentic")
    book(gateway=gateway, opaque_id=opaque_id, notice=notice, raw=raw, policy=policy, now=now)
    return NoticeAnswer(200, "success")


def forged_this_hour(*, gateways: Iterable[str], counts: Counts) -> int:
    """How many notices no gateway signed since the clock's last full hour."""
    return sum(counts.seen(f"{FORGED}:{gateway}", seconds=AN_HOUR) for gateway in gateways)


def book(*, gateway: str, opaque_id: str, notice: Notice, raw: RawNotice, policy: OrderPolicy, now: datetime) -> Booked:
    """Book a notice that proved authentic, once. Raises `NotFound` for an unknown callback address."""

    def work() -> Booked:
        desk = find_desk(gateway=gateway, opaque_id=opaque_id, notice=notice)
        if desk.booked:
            return Booked.BEFORE
        reason = unexpected(
            account_fits=notice.account == opaque_id,
            gateway_account_id=desk.account_id,
            amount=notice.amount,
            awaited=desk.payment.awaited if desk.payment else None,
        )
        if notice.kind == "refunded":
            return Booked.SUSPENSE if book_outside_refund(desk, notice, raw, reason, now) else Booked.BEFORE
        if reason is not None or desk.payment is None:
            new = suspense.book(desk, notice, raw, reason or SuspenseReason.UNKNOWN_PAYMENT, now)
            return Booked.SUSPENSE if new else Booked.BEFORE
        if desk.payment.order_id is None:
            return _top_up(desk, desk.payment, notice, raw, now)
        return _pay_order(desk, desk.payment, desk.payment.order_id, notice, raw, policy, now)

    return in_transaction(work, repeatable=True)


def _pay_order(
    desk: Desk, payment: Named, order_id: UUID, notice: Notice, raw: RawNotice, policy: OrderPolicy, now: datetime
) -> Booked:
    order = lock_order(order_id=order_id)
    event_id = new_id()
    record = _record(event_id, desk, payment, notice, raw, BookedTo.ORDER, now)
    if not record.is_new:
        return Booked.BEFORE
    if not record.captured:  # a second transaction for a payment that has its money, or will never have it
        return _suspend(desk, order, event_id, notice, ENDED.get(order.state, SuspenseReason.ALREADY_PAID), now)
    if record.earlier is not None:
        return _set_refunded(desk, order, payment, event_id, record.earlier, notice, now)
    try:
        settle_from(
            order=order,
            incoming=_incoming(desk, payment, notice),
            has_hold=record.has_hold,
            policy=policy,
            now=now,
        )
    except CannotSettle:
        return _suspend(desk, order, event_id, notice, refusal_of(order), now)
    return Booked.ORDER


def _incoming(desk: Desk, payment: Named, notice: Notice) -> Incoming:
    clearing_id = desk.clearing(notice.amount.currency)
    return Incoming(clearing_id, notice.amount, payment.awaited.worth, desk.merchant_id)


def _suspend(
    desk: Desk, order: LockedOrder, event_id: UUID, notice: Notice, reason: SuspenseReason, now: datetime
) -> Booked:
    execute(sql.TO_SUSPENSE, (reason, event_id))
    suspense.move(desk, event_id, notice.amount, now)
    suspense.follow_up(
        event_id,
        merchant_id=desk.merchant_id,
        order=order,
        payment_id=notice.payment_id,
        amount=notice.amount,
        reason=reason,
        now=now,
    )
    return Booked.SUSPENSE


def _set_refunded(
    desk: Desk,
    order: LockedOrder | None,
    payment: Named,
    event_id: UUID,
    earlier: EarlierRefund,
    notice: Notice,
    now: datetime,
) -> Booked:
    execute(sql.TO_SUSPENSE, (SuspenseReason.ALREADY_REFUNDED, event_id))
    suspense.move(desk, event_id, notice.amount, now)
    return_refunded_first(
        event_id,
        merchant_id=desk.merchant_id,
        order=order,
        payment_id=payment.id,
        earlier=earlier,
        amount=notice.amount,
        now=now,
    )
    return Booked.SUSPENSE


def _top_up(desk: Desk, payment: Named, notice: Notice, raw: RawNotice, now: datetime) -> Booked:
    event_id = new_id()
    record = _record(event_id, desk, payment, notice, raw, BookedTo.WALLET, now)
    if not record.is_new:
        return Booked.BEFORE
    amount = notice.amount
    if record.earlier is not None:
        return _set_refunded(desk, None, payment, event_id, record.earlier, notice, now)
    if not record.captured:
        execute(sql.TO_SUSPENSE, (SuspenseReason.ALREADY_PAID, event_id))
        suspense.move(desk, event_id, amount, now)
        suspense.give_back(
            event_id,
            merchant_id=desk.merchant_id,
            order_id=None,
            payment_id=payment.id,
            amount=amount,
            reason=SuspenseReason.ALREADY_PAID,
            now=now,
        )
        return Booked.SUSPENSE
    worth = payment.awaited.worth
    body = {"amount_minor": worth.minor, "currency": worth.currency}
    owner = living_shopper(shopper_id=payment.shopper_id)
    suspense.tell_shopper(owner, MessageKind.WALLET_TOPPED_UP, body, now)
    wallet_id = wallet_account(owner, desk.merchant_id, worth.currency)
    incoming = _incoming(desk, payment, notice)
    ledger.post(transfers=incoming.paid_into(wallet_id, TransferCode.TOP_UP, event_id), now=now)
    return Booked.WALLET


def _record(
    event_id: UUID, desk: Desk, payment: Named, notice: Notice, raw: RawNotice, booked_to: BookedTo, now: datetime
) -> _Record:
    """Write the evidence and capture the payment."""
    values: dict[str, Any] = {
        "event": event_id,
        "account": desk.account_id,
        "external": notice.external_id,
        "payment": payment.id,
        "order": payment.order_id,
        "amount": notice.amount.minor,
        "currency": notice.amount.currency,
        "body": raw.body,
        "headers": Jsonb(raw.headers),
        "now": now,
        "booked_to": booked_to,
        "states": list(MAY_SUCCEED),
    }
    is_new, captured, has_hold, refund_id, refunded = execute(sql.RECORD_PAID, values)[0]
    earlier = EarlierRefund(refund_id, refunded) if captured and refund_id else None
    return _Record(bool(is_new), bool(captured), has_hold, earlier)
