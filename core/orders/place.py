"""Placing an order: quote, risk, hold, seal, in one transaction (architecture.md, "One order", step 3)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.actor import Actor
from core.db import execute, in_transaction
from core.errors import Invalid, NotFound
from core.ids import Prefix, new_id, public
from core.money import GREATEST, Money
from core.orders import sql
from core.orders.facts import ListingFacts, PlaceFacts, place_facts
from core.orders.rules import PriceChanged, QuantityRefused
from core.orders.shares import share_rows, split_line
from core.orders.tokens import pay_token
from core.orders.values import OrderKeys, OrderPolicy, PlacedOrder, WantedLine
from core.pricing.rules import Quote, quote
from core.risk.rules import Decision, RiskFacts, decide, is_near_a_cap
from core.stock import service as stock
from core.stock.service import HeldGroup
from core.submission import claim_submission
from core.vault.seal import SealedLine, SealedOrder, order_seal


@dataclass(frozen=True, slots=True)
class _Line:
    """One line on its way into the tables."""

    id: UUID
    hold_id: UUID
    listing: ListingFacts
    quote: Quote
    groups: list[HeldGroup]
    decision: Decision


def place_order(
    *,
    actor: Actor,
    conversation_id: UUID,
    lines: Sequence[WantedLine],
    submission_id: str,
    network: str,
    policy: OrderPolicy,
    keys: OrderKeys,
    now: datetime,
) -> PlacedOrder:
    """Place an order for the shopper of a conversation and hold its cards until the deadline.

    The same `submission_id` gives the same order (INV-O5). Raises `OtherContent`, `UnknownListing`, `QuantityRefused`,
    `PriceChanged`, `TooManyUnpaid`, `TooManyOnNetwork`, `StockKeptForOthers`, `OutOfStock`, `HeldByOthers`; a refusal
    changes nothing.
    """
    if not lines or len({line.listing_id for line in lines}) != len(lines):
        raise Invalid(what="lines")
    order_id = new_id()

    def work() -> PlacedOrder:
        first = claim_submission(
            merchant_id=actor.party_id or 0,
            caller=f"shopper:{actor.id}",
            operation="order.place",
            key=submission_id,
            request=[[line.listing_id, line.quantity] for line in lines],
            reference=order_id,
            now=now,
        )
        if first is not None:
            return _placed_before(first)
        facts = place_facts(actor, conversation_id, lines, network)
        made = [_hold_line(facts, wanted, policy, now) for wanted in lines]
        return _write(actor, order_id, facts, made, network=network, policy=policy, keys=keys, now=now)

    return in_transaction(work)


def _placed_before(order_id: UUID) -> PlacedOrder:
    rows = execute("SELECT total_minor, currency, deadline FROM shop_order WHERE id = %s", (order_id,))
    if not rows:
        raise NotFound("order")
    total, currency, deadline = rows[0]
    return PlacedOrder(order_id=order_id, total=Money(total, currency), deadline=deadline, repeated=True)


def _hold_line(facts: PlaceFacts, wanted: WantedLine, policy: OrderPolicy, now: datetime) -> _Line:
    listing = facts.listings[wanted.listing_id]
    if wanted.quantity < 1 or wanted.quantity > listing.maximum_quantity:
        raise QuantityRefused(what="quantity", most=listing.maximum_quantity)
    if wanted.seen_version is not None and wanted.seen_version != listing.version:
        raise PriceChanged(code=listing.code)
    priced = quote(list_price_minor=listing.price_minor, quantity=wanted.quantity)
    if priced.total_minor > GREATEST:
        raise QuantityRefused(what="quantity", most=listing.maximum_quantity)
    decision = _decide(facts, listing, wanted.quantity, policy)
    line_id = new_id()
    groups = stock.hold_cards(
        merchant_id=facts.merchant_id,
        sku_id=listing.sku_id,
        code=listing.code,
        line_id=line_id,
        quantity=wanted.quantity,
        usable_on=stock.usable_on(now=now, zone=policy.zone, minimum_life_days=listing.minimum_life_days),
    )
    return _Line(id=line_id, hold_id=new_id(), listing=listing, quote=priced, groups=groups, decision=decision)


def _decide(facts: PlaceFacts, listing: ListingFacts, quantity: int, policy: OrderPolicy) -> Decision:
    """Judge by what is held; near a cap count again under a lock, so that the caps are exact."""
    risk = _risk_facts(facts, listing, quantity)
    if is_near_a_cap(risk, policy.holds):
        stock.lock_share(sku_id=listing.sku_id)
        risk = _risk_facts(facts, listing, quantity)
    return decide(risk, policy.holds)


def _risk_facts(facts: PlaceFacts, listing: ListingFacts, quantity: int) -> RiskFacts:
    share = stock.share_facts(merchant_id=facts.merchant_id, sku_id=listing.sku_id)
    return RiskFacts(
        stranger=facts.stranger,
        quantity=quantity,
        unpaid_of_shopper=facts.unpaid_of_shopper,
        unpaid_of_network=facts.unpaid_of_network,
        held=share.held,
        held_by_strangers=share.held_by_strangers,
        sellable=share.sellable,
    )


def _line_row(line: _Line, position: int) -> dict[str, Any]:
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
    }


def _seal(order_id: UUID, facts: PlaceFacts, lines: Sequence[_Line], total: int, keys: OrderKeys) -> bytes:
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


def _write(
    actor: Actor,
    order_id: UUID,
    facts: PlaceFacts,
    lines: Sequence[_Line],
    *,
    network: str,
    policy: OrderPolicy,
    keys: OrderKeys,
    now: datetime,
) -> PlacedOrder:
    total = sum(line.quote.total_minor for line in lines)
    deadline = now + (policy.stranger_hold_for if facts.stranger else policy.hold_for)
    shares = [
        row
        for line in lines
        for row in share_rows(
            shares=split_line(
                total_minor=line.quote.total_minor,
                currency=facts.currency,
                merchant_id=facts.merchant_id,
                platform_id=facts.platform_id,
                fee_basis_points=facts.fee_basis_points,
                groups=line.groups,
            ),
            hold_id=line.hold_id,
            line_id=line.id,
            merchant_id=facts.merchant_id,
            currency=facts.currency,
            accounts=facts.accounts,
        )
    ]
    token = pay_token(keys=keys, order_id=order_id)
    execute(
        sql.INSERT_ORDER,
        {
            "order": order_id,
            "merchant": facts.merchant_id,
            "shopper": facts.shopper_id,
            "identity": facts.identity_id,
            "conversation": facts.conversation_id,
            "chat_address": facts.chat_address,
            "currency": facts.currency,
            "total": total,
            "stranger": facts.stranger,
            "network": network,
            "risk": json.dumps([line.decision.reasons for line in lines]),
            "seal": _seal(order_id, facts, lines, total, keys),
            "access_hash": hashlib.sha256(token.encode()).digest(),
            "now": now,
            "deadline": deadline,
            "lines": json.dumps([_line_row(line, position) for position, line in enumerate(lines)]),
            "shares": json.dumps(shares),
            "actor_kind": actor.kind.value,
            "actor_id": actor.id,
            "public": public(Prefix.ORDER, order_id),
        },
    )
    return PlacedOrder(order_id=order_id, total=Money(total, facts.currency), deadline=deadline, repeated=False)
