"""The chain of custody: where each card of an order came from, through whose hands, and who got it when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.db import atomic, execute
from core.errors import NotFound

ORDER = """
SELECT o.id, m.code, o.state, o.currency, o.total_minor, o.paid_minor, o.refunded_minor, o.placed_at, o.paid_at,
       o.shopper_id, o.identity_id, i.channel, o.conversation_id
FROM shop_order o JOIN party m ON m.id = o.merchant_id JOIN identity i ON i.id = o.identity_id
WHERE o.id = %s
"""
PAYMENTS = """
SELECT p.id, p.rail, coalesce(g.gateway, ''), p.state, p.amount_minor, p.currency, p.succeeded_at,
       coalesce((SELECT string_agg(e.external_id || ' ' || e.kind, ', ' ORDER BY e.received_at)
                 FROM payment_event e WHERE e.payment_id = p.id), '')
FROM payment p LEFT JOIN gateway_account g ON g.id = p.gateway_account_id
WHERE p.order_id = %s ORDER BY p.created_at
"""
LINES = """
SELECT l.id, l.listing_code, k.code, l.quantity, l.total_minor, l.gate,
       d.id, d.state, coalesce(d.attempts, 0), d.delivered_at
FROM order_line l JOIN sku k ON k.id = l.sku_id LEFT JOIN delivery d ON d.line_id = l.id
WHERE l.order_id = %s ORDER BY l.position
"""
HOPS = """
SELECT s.line_id, seller.code, buyer.code, f.price_micro, f.currency, s.amount_minor,
       coalesce(t.amount, 0), coalesce(CASE WHEN t.returned > 0 THEN 'returned' ELSE t.state END, '')
FROM line_share s JOIN hold h ON h.id = s.hold_id JOIN offer f ON f.id = s.offer_id
JOIN party seller ON seller.id = f.seller_id JOIN party buyer ON buyer.id = f.buyer_id
LEFT JOIN trade_hold t ON t.hold_id = s.hold_id AND t.offer_id = s.offer_id
WHERE h.order_id = %s AND h.state IN ('open', 'captured') ORDER BY s.position
"""
OPENINGS = """
SELECT a.object_id, a.at, a.action FROM audit_entry a
WHERE a.object_kind = 'line' AND a.object_id = ANY (%s) ORDER BY a.id
"""
ATTEMPTS = """
SELECT a.at, a.way, a.outcome, a.problem, coalesce(m.kind, 'cards')
FROM send_attempt a LEFT JOIN message m ON m.id = a.message_id WHERE a.order_id = %s ORDER BY a.id
"""
_CARDS = """
SELECT c.id, c.mask, c.state, c.contested, c.line_id, c.opened_at, c.delivered_at,
       b.id, b.terms, b.state, b.source_name, b.source_hash, b.created_at, owner.code, supplier.code, u.id, u.file_name
FROM card c JOIN batch b ON b.no = c.batch_no JOIN party owner ON owner.id = b.owner_id
LEFT JOIN party supplier ON supplier.id = b.supplier_id LEFT JOIN upload u ON u.id = b.upload_id
"""
CARDS_OF_ORDER = _CARDS + "JOIN order_line l ON l.id = c.line_id WHERE l.order_id = %s ORDER BY c.batch_no, c.pos"
CARDS = _CARDS + "WHERE c.id = ANY (%s) ORDER BY c.batch_no, c.pos"
ORDER_OF_LINE = "SELECT order_id FROM order_line WHERE id = %s"


@dataclass(frozen=True, slots=True)
class BatchTrace:
    """Cards that came together: the upload, and the SHA-256 of the file (hex)."""

    id: UUID
    terms: str
    state: str
    file_name: str
    source_hash: str
    imported_at: datetime
    owner: str
    supplier: str | None
    upload_id: UUID | None


@dataclass(frozen=True, slots=True)
class CardTrace:
    """One card; its mask is all of the secret that is ever shown here."""

    id: UUID
    mask: str
    state: str
    contested: bool
    line_id: UUID | None
    opened_at: datetime | None
    delivered_at: datetime | None
    batch: BatchTrace


@dataclass(frozen=True, slots=True)
class HopTrace:
    """One sale up the chain: price of a card in 10⁻⁶ major units, the seller's margin on the line in minor units, and
    what the buyer's trade account has to do with it: how much, and whether it is open, captured or returned."""

    seller: str
    buyer: str
    price_micro: int
    currency: str
    margin_minor: int
    cost_minor: int
    cost_state: str


@dataclass(frozen=True, slots=True)
class OpeningTrace:
    """An audit entry about a line: what happened (`cards.opened`, `cards.read_again`, …) and when."""

    at: datetime
    action: str


@dataclass(frozen=True, slots=True)
class LineTrace:
    """A line with its hops (pool first), its delivery, the openings and its cards."""

    id: UUID
    code: str
    sku: str
    quantity: int
    total_minor: int
    gate: str
    delivery_id: UUID | None
    delivery_state: str | None
    attempts: int
    delivered_at: datetime | None
    hops: tuple[HopTrace, ...]
    openings: tuple[OpeningTrace, ...]
    cards: tuple[CardTrace, ...]


@dataclass(frozen=True, slots=True)
class PaymentTrace:
    """A payment of the order and the gateway's numbers for it."""

    id: UUID
    rail: str
    gateway: str
    state: str
    amount_minor: int
    currency: str
    succeeded_at: datetime | None
    events: str


@dataclass(frozen=True, slots=True)
class AttemptTrace:
    """One attempt to tell the shopper something about the order: what, by which way, and how it ended."""

    at: datetime
    way: str
    outcome: str
    problem: str
    told: str


@dataclass(frozen=True, slots=True)
class OrderTrace:
    """An order, who placed it, how it was paid, and its lines (amounts in minor units of `currency`)."""

    id: UUID
    merchant: str
    state: str
    currency: str
    total_minor: int
    paid_minor: int
    refunded_minor: int
    placed_at: datetime
    paid_at: datetime | None
    shopper_id: UUID
    identity_id: UUID
    channel: str
    conversation_id: UUID
    payments: tuple[PaymentTrace, ...]
    lines: tuple[LineTrace, ...]
    attempts: tuple[AttemptTrace, ...]


@dataclass(frozen=True, slots=True)
class CardHistory:
    """One card, and the order that has it, if any."""

    card: CardTrace
    order: OrderTrace | None


def trace_order(*, order_id: UUID) -> OrderTrace:
    """Everything about one order, for the platform's operator. Raises `NotFound`."""
    with atomic():
        execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return _order(order_id)


def trace_cards(*, card_ids: Sequence[UUID]) -> list[CardHistory]:
    """Everything about the given cards, for the platform's operator. Raises `NotFound` when none of them is known."""
    with atomic():
        execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cards = [_card(row) for row in execute(CARDS, (list(card_ids),))]
        if not cards:
            raise NotFound("card")
        return [CardHistory(card, _order_of_line(card.line_id)) for card in cards]


def _order_of_line(line_id: UUID | None) -> OrderTrace | None:
    return None if line_id is None else _order(execute(ORDER_OF_LINE, (line_id,))[0][0])


def _order(order_id: UUID) -> OrderTrace:
    rows = execute(ORDER, (order_id,))
    if not rows:
        raise NotFound("order")
    lines = execute(LINES, (order_id,))
    cards = [_card(row) for row in execute(CARDS_OF_ORDER, (order_id,))]
    hops = execute(HOPS, (order_id,))
    openings = execute(OPENINGS, ([str(row[0]) for row in lines],))
    payments = tuple(PaymentTrace(*row) for row in execute(PAYMENTS, (order_id,)))
    traced = []
    for row in lines:
        line = str(row[0])
        parts = (
            tuple(HopTrace(*hop[1:]) for hop in hops if hop[0] == row[0]),
            tuple(OpeningTrace(at, action) for of, at, action in openings if of == line),
            tuple(card for card in cards if card.line_id == row[0]),
        )
        traced.append(LineTrace(*(row + parts)))
    attempts = tuple(AttemptTrace(*row) for row in execute(ATTEMPTS, (order_id,)))
    fields = (*rows[0], payments, tuple(traced), attempts)
    return OrderTrace(*fields)


def _card(row: tuple[Any, ...]) -> CardTrace:
    batch_id, terms, state, source_name, source_hash, imported_at, owner, supplier, upload_id, file_name = row[7:]
    batch = BatchTrace(
        id=batch_id,
        terms=terms,
        state=state,
        file_name=file_name or source_name,
        source_hash=bytes(source_hash).hex() if source_hash else "",
        imported_at=imported_at,
        owner=owner,
        supplier=supplier,
        upload_id=upload_id,
    )
    fields = (*row[:7], batch)
    return CardTrace(*fields)
