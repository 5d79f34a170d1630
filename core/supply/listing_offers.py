"""Selling what suppliers offer: many offers listed in one step by a rule, and prices made anew when a cost changed.

Whoever confirms has seen a price; where the rule gives another one by then, nothing is changed at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.actor import Actor
from core.catalog.changes import create_listing, set_price
from core.db import atomic, execute
from core.errors import Conflict, Invalid, NotFound
from core.parties.service import Role, require_change
from core.supply.markup import Ending, Markup

MOST_AT_ONCE = 300

TURN = "SELECT pg_advisory_xact_lock(7189, hashint8(%s))"
COST = """
SELECT min(o.price_micro) FROM offer o
WHERE o.buyer_id = %s AND o.sku_id = %s AND o.currency = %s AND o.valid_to IS NULL AND o.valid_from <= %s
"""
LISTED = "SELECT id, price_minor, currency FROM listing WHERE merchant_id = %s AND sku_id = %s"
RULED = """
SELECT l.id, l.sku_id, l.price_minor, l.currency, m.basis_points, m.ending
FROM markup m JOIN listing l ON l.id = m.listing_id
WHERE l.merchant_id = %s AND l.id = %s AND l.archived_at IS NULL
"""
REMEMBER = """
INSERT INTO markup (listing_id, basis_points, ending, cost_micro, set_at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (listing_id) DO UPDATE SET basis_points = excluded.basis_points, ending = excluded.ending,
    cost_micro = excluded.cost_micro, set_at = excluded.set_at
"""


class CostMoved(Conflict):
    """A cost has changed since its price was shown."""


@dataclass(frozen=True, slots=True)
class Pick:
    """One offer to be sold: under which code (where it is not listed yet), at which price as it was shown."""

    sku_id: int
    code: str
    seen_minor: int


@dataclass(frozen=True, slots=True)
class Moved:
    """One listing whose price follows its cost, at the price that was shown."""

    listing_id: int
    seen_minor: int


def list_offers(
    *, actor: Actor, merchant_id: int, picks: Sequence[Pick], rule: Markup, currency: str, now: datetime
) -> int:
    """List what is offered to a merchant, each at its cheapest offer's cost with the rule on top; all or nothing.

    What is listed already gets the price. Returns how many. Raises `NotFound` (party, offer), `NotAllowed`, `Invalid`
    (picks, listing), `CodeTaken`, `CostMoved`.
    """
    require_change(actor, merchant_id, Role.CATALOG, what="party")
    if not 0 < len(picks) <= MOST_AT_ONCE or len({pick.sku_id for pick in picks}) < len(picks):
        raise Invalid(what="picks")
    with atomic():
        execute(TURN, (merchant_id,))
        for pick in picks:
            cost = cost_of(merchant_id=merchant_id, sku_id=pick.sku_id, currency=currency, now=now)
            price = rule.price(cost, currency)
            if price.minor != pick.seen_minor:
                raise CostMoved
            found = execute(LISTED, (merchant_id, pick.sku_id))
            if found and found[0][2] != currency:
                raise Invalid(what="currency")
            if found and found[0][1] != price.minor:
                set_price(actor=actor, listing_id=found[0][0], price=price, now=now)
            listing = found[0][0] if found else None
            if listing is None:
                listing = create_listing(
                    actor=actor, merchant_id=merchant_id, sku_id=pick.sku_id, code=pick.code, price=price, now=now
                )
            execute(REMEMBER, (listing, rule.basis_points, rule.ending.value, cost, now))
    return len(picks)


def follow_costs(*, actor: Actor, merchant_id: int, moved: Sequence[Moved], now: datetime) -> int:
    """Make prices anew by the rule that each listing was listed by; all or nothing. Returns how many.

    Raises `NotFound` (a listing without a rule, or foreign; an offer that ended), `NotAllowed`, `Invalid`, `CostMoved`.
    """
    require_change(actor, merchant_id, Role.CATALOG, what="party")
    if not 0 < len(moved) <= MOST_AT_ONCE:
        raise Invalid(what="picks")
    with atomic():
        execute(TURN, (merchant_id,))
        for one in moved:
            rows = execute(RULED, (merchant_id, one.listing_id))
            if not rows:
                raise NotFound("listing")
            listing, sku_id, price_minor, currency, basis_points, ending = rows[0]
            cost = cost_of(merchant_id=merchant_id, sku_id=sku_id, currency=currency, now=now)
            price = Markup(basis_points, Ending(ending)).price(cost, currency)
            if price.minor != one.seen_minor:
                raise CostMoved
            if price.minor != price_minor:
                set_price(actor=actor, listing_id=listing, price=price, now=now)
            execute(REMEMBER, (listing, basis_points, ending, cost, now))
    return len(moved)


def cost_of(*, merchant_id: int, sku_id: int, currency: str, now: datetime) -> int:
    """The cheapest current offer of a SKU to a merchant, in 10⁻⁶ major units a card. Raises `NotFound`."""
    cost = execute(COST, (merchant_id, sku_id, currency, now))[0][0]
    if cost is None:
        raise NotFound("offer")
    return int(cost)
