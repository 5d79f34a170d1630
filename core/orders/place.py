"""Placing an order: quote, risk, hold, seal, in one transaction (architecture.md, "One order", step 3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import partial
from uuid import UUID

from core.actor import Actor
from core.catalog.rules import ProductKind
from core.db import execute, in_transaction
from core.errors import Invalid, NotFound
from core.ids import new_id
from core.ledger.trade import TradeShort
from core.members.memberships import require_room
from core.members.periods import Span
from core.money import GREATEST, Money
from core.orders.facts import ListingFacts, PlaceFacts, PlanTerms, place_facts
from core.orders.rules import PriceChanged, QuantityRefused
from core.orders.values import OrderKeys, OrderPolicy, PlacedOrder, WantedLine
from core.orders.writing import HeldLine, write_order
from core.pricing.rules import Quote, quote
from core.risk.rules import Decision, RiskFacts, decide, is_near_a_cap
from core.stock import service as stock
from core.stock.rules import HeldByOthers, OutOfStock
from core.stock.service import ShareFacts, TradeRooms
from core.submission import claim_submission
from core.supply.quota import find_quota


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
    `PriceChanged`, `TooManyUnpaid`, `TooManyOnNetwork`, `StockKeptForOthers`, `OutOfStock`, `HeldByOthers`,
    `MembershipTooLong`; a refusal changes nothing.
    """
    if not lines or len({line.listing_id for line in lines}) != len(lines):
        raise Invalid(what="lines")
    order_id = new_id()

    def work(*, is_exact: bool) -> PlacedOrder:
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
        rooms = TradeRooms(is_exact=is_exact)
        made = [held for wanted in lines for held in _hold_line(facts, wanted, policy, rooms, now)]
        return write_order(actor, order_id, facts, made, network=network, policy=policy, keys=keys, now=now)

    try:
        return in_transaction(partial(work, is_exact=False), repeatable=True)
    except TradeShort:  # another order took what a trade account had left: look again, and let no one between
        return _place_exactly(partial(work, is_exact=True), lines)


def _place_exactly(work: Callable[[], PlacedOrder], lines: Sequence[WantedLine]) -> PlacedOrder:
    try:
        return in_transaction(work, repeatable=True)
    except TradeShort:
        codes = execute("SELECT code FROM listing WHERE id = %s", (lines[0].listing_id,))
        raise OutOfStock(code=codes[0][0], left=0) from None


def _placed_before(order_id: UUID) -> PlacedOrder:
    rows = execute("SELECT total_minor, currency, deadline FROM shop_order WHERE id = %s", (order_id,))
    if not rows:
        raise NotFound("order")
    total, currency, deadline = rows[0]
    return PlacedOrder(order_id=order_id, total=Money(total, currency), deadline=deadline, repeated=True)


def _hold_line(
    facts: PlaceFacts, wanted: WantedLine, policy: OrderPolicy, rooms: TradeRooms, now: datetime
) -> list[HeldLine]:
    listing = facts.listings[wanted.listing_id]
    most = min(listing.maximum_quantity, policy.largest_line if listing.price_minor else policy.largest_free_line)
    if not 1 <= wanted.quantity <= most:
        raise QuantityRefused(what="quantity", most=most)
    if wanted.seen_version is not None and wanted.seen_version != listing.version:
        raise PriceChanged(code=listing.code)
    priced = quote(list_price_minor=listing.price_minor, quantity=wanted.quantity)
    if priced.total_minor > GREATEST:
        raise QuantityRefused(what="quantity", most=most)
    if listing.plan is not None:
        return [_membership_line(facts, listing, listing.plan, priced, policy, now)]
    usable_on = stock.usable_on(now=now, zone=policy.zone, minimum_life_days=listing.minimum_life_days)
    decision = _decide(facts, listing, wanted.quantity, usable_on, policy)
    line_id, left = new_id(), dict(rooms.left)
    try:
        groups = stock.hold_cards(
            merchant_id=facts.merchant_id,
            sku_id=listing.sku_id,
            code=listing.code,
            line_id=line_id,
            quantity=wanted.quantity,
            usable_on=usable_on,
            rooms=rooms,
        )
    except (OutOfStock, HeldByOthers) as short:
        stock.let_go(line_id=line_id)
        rooms.left = left
        return _promised(facts, listing, wanted.quantity, policy, rooms, short)
    return [HeldLine(id=line_id, hold_id=new_id(), listing=listing, quote=priced, groups=groups, decision=decision)]


def _membership_line(
    facts: PlaceFacts, listing: ListingFacts, plan: PlanTerms, priced: Quote, policy: OrderPolicy, now: datetime
) -> HeldLine:
    """A line of a plan: of a membership there is always enough, so no stock is held or counted."""
    span = Span.of(plan.count, plan.unit) * priced.quantity
    require_room(shopper_id=facts.shopper_id, plan_id=plan.plan_id, span=span, zone=policy.zone, now=now)
    risk = RiskFacts(
        stranger=facts.stranger,
        quantity=priced.quantity,
        unpaid_of_shopper=facts.unpaid_of_shopper,
        unpaid_of_network=facts.unpaid_of_network,
    )
    decision = decide(risk, policy.holds)
    return HeldLine(id=new_id(), hold_id=new_id(), listing=listing, quote=priced, groups=[], decision=decision)


def _promised(
    facts: PlaceFacts,
    listing: ListingFacts,
    quantity: int,
    policy: OrderPolicy,
    rooms: TradeRooms,
    short: OutOfStock | HeldByOthers,
) -> list[HeldLine]:
    """Too few cards are there: a supplier that is asked over the network brings them, each as a line of its own.

    Raises `short` again where none says that it has so many, and what the caps on held stock say of it.
    """
    found = find_quota(merchant_id=facts.merchant_id, sku_id=listing.sku_id, quantity=quantity, rooms=rooms)
    if found is None or listing.kind is not ProductKind.CARD_KEY:
        raise short
    decision = decide(_facts_of(facts, found.facts, quantity), policy.holds)
    one = quote(list_price_minor=listing.price_minor, quantity=1)
    return [
        HeldLine(new_id(), new_id(), listing, one, [found.group], decision, good_id=found.good_id)
        for _ in range(quantity)
    ]


def _decide(facts: PlaceFacts, listing: ListingFacts, quantity: int, usable_on: date, policy: OrderPolicy) -> Decision:
    """Judge by what is held; near a cap count again under a lock, so that the caps are exact."""
    risk = _risk_facts(facts, listing, quantity, usable_on)
    if is_near_a_cap(risk, policy.holds):
        stock.lock_share(sku_id=listing.sku_id)
        risk = _risk_facts(facts, listing, quantity, usable_on)
    return decide(risk, policy.holds)


def _risk_facts(facts: PlaceFacts, listing: ListingFacts, quantity: int, usable_on: date) -> RiskFacts:
    share = stock.share_facts(merchant_id=facts.merchant_id, sku_id=listing.sku_id, usable_on=usable_on)
    return _facts_of(facts, share, quantity)


def _facts_of(facts: PlaceFacts, share: ShareFacts, quantity: int) -> RiskFacts:
    return RiskFacts(
        stranger=facts.stranger,
        quantity=quantity,
        unpaid_of_shopper=facts.unpaid_of_shopper,
        unpaid_of_network=facts.unpaid_of_network,
        held=share.held,
        held_by_strangers=share.held_by_strangers,
        sellable=share.sellable,
    )
