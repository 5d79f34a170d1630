"""How a placed order is written down: sealed, with its shares, in one statement."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.actor import Actor
from core.catalog.rules import ProductKind
from core.db import execute
from core.ids import Prefix, public
from core.ledger import trade
from core.money import Money
from core.orders import sql, trading
from core.orders.facts import ListingFacts, PlaceFacts, PlanTerms
from core.orders.rules import LineGate
from core.orders.shares import frozen_shares
from core.orders.tokens import pay_token
from core.orders.values import OrderKeys, OrderPolicy, PlacedOrder
from core.pricing.rules import Quote
from core.risk.rules import Decision
from core.stock.service import HeldGroup
from core.supply.quota import promise
from core.vault.seal import SealedLine, SealedOrder, order_seal


@dataclass(frozen=True, slots=True)
class HeldLine:
    """One line on its way into the tables; with a `good_id` its card is no stock yet, a supplier is to bring it."""

    id: UUID
    hold_id: UUID
    listing: ListingFacts
    quote: Quote
    groups: list[HeldGroup]
    decision: Decision
    good_id: UUID | None = None


def gate_of(line: HeldLine) -> LineGate:
    """What a paid line waits for: its supplier, or a person, where the person tops an account up."""
    if line.good_id is not None:
        return LineGate.SUPPLY
    return LineGate.TASK if line.listing.kind is ProductKind.MANUAL_TOP_UP else LineGate.NONE


def _line_row(line: HeldLine, position: int) -> dict[str, Any]:
    return {
        "id": str(line.id),
        "hold_id": str(line.hold_id),
        "position": position,
        "listing_id": line.listing.id,
        "sku_id": line.listing.sku_id,
        "listing_code": line.listing.code,
        "names": line.listing.names,
        "quantity": line.quote.quantity,
        "list_price_minor": line.quote.list_price_minor,
        "discount_minor": line.quote.discount_minor,
        "total_minor": line.quote.total_minor,
        "reasons": list(line.quote.reasons),
        "gate": gate_of(line).value,
        **_plan_columns(line.listing.plan),
    }


def _plan_columns(plan: PlanTerms | None) -> dict[str, Any]:
    return {} if plan is None else {"plan_id": plan.plan_id, "plan_count": plan.count, "plan_unit": plan.unit.value}


def _seal(order_id: UUID, facts: PlaceFacts, lines: Sequence[HeldLine], total: int, keys: OrderKeys) -> bytes:
    sealed = SealedOrder(
        order=order_id,
        merchant=facts.merchant_id,
        identity=facts.identity_id,
        chat_address=facts.chat_address,
        lines=tuple(
            SealedLine(
                line=line.id,
                sku=line.listing.sku_id,
                quantity=line.quote.quantity,
                total_minor=line.quote.total_minor,
            )
            for line in lines
        ),
        currency=facts.currency,
        total_minor=total,
    )
    return order_seal(keys.seal.reveal(), sealed)


def _share_rows(facts: PlaceFacts, line: HeldLine) -> list[dict[str, Any]]:
    return frozen_shares(
        seller=facts.seller,
        groups=line.groups,
        total_minor=line.quote.total_minor,
        hold_id=line.hold_id,
        line_id=line.id,
    )


def _trade_rows(facts: PlaceFacts, line: HeldLine, shares: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return trading.hop_rows(
        seller=facts.seller, groups=line.groups, shares=shares, hold_id=line.hold_id, line_id=line.id
    )


def _who(actor: Actor, order_id: UUID, facts: PlaceFacts, network: str) -> dict[str, Any]:
    return {
        "order": order_id,
        "merchant": facts.merchant_id,
        "shopper": facts.shopper_id,
        "identity": facts.identity_id,
        "conversation": facts.conversation_id,
        "chat_address": facts.chat_address,
        "stranger": facts.stranger,
        "network": network,
        "actor_kind": actor.kind.value,
        "actor_id": actor.id,
        "public": public(Prefix.ORDER, order_id),
    }


def write_order(
    actor: Actor,
    order_id: UUID,
    facts: PlaceFacts,
    lines: Sequence[HeldLine],
    *,
    network: str,
    policy: OrderPolicy,
    keys: OrderKeys,
    now: datetime,
) -> PlacedOrder:
    """Write the order with its lines, holds, shares, seal and audit entry in one statement, then hold on the trade
    accounts of its chains, last. Raises `TradeShort`: the caller must let it roll everything back.
    """
    total = sum(line.quote.total_minor for line in lines)
    deadline = now + (policy.stranger_hold_for if facts.stranger else policy.hold_for)
    shares = [_share_rows(facts, line) for line in lines]
    trades = [row for line, rows in zip(lines, shares, strict=True) for row in _trade_rows(facts, line, rows)]
    what = {
        "currency": facts.currency,
        "total": total,
        "risk": json.dumps([line.decision.reasons for line in lines]),
        "seal": _seal(order_id, facts, lines, total, keys),
        "access_hash": hashlib.sha256(pay_token(keys=keys, order_id=order_id).encode()).digest(),
        "now": now,
        "deadline": deadline,
        "lines": json.dumps([_line_row(line, position) for position, line in enumerate(lines)]),
        "shares": json.dumps([row for rows in shares for row in rows]),
        "trades": json.dumps(trades),
    }
    execute(sql.INSERT_ORDER, _who(actor, order_id, facts, network) | what)
    for good_id in {line.good_id for line in lines if line.good_id is not None}:
        promise(good_id=good_id, line_ids=[line.id for line in lines if line.good_id == good_id])
    trade.hold(trading.per_account(trades))
    return PlacedOrder(order_id=order_id, total=Money(total, facts.currency), deadline=deadline, repeated=False)
