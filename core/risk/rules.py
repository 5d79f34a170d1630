"""Whether an order may hold stock: facts about the shopper and the stock in, a decision with reasons out."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from core.errors import Limited, NotAllowed


class TooManyUnpaid(Limited):
    """The shopper has as many unpaid orders as one may have; `limit` says how many."""


class TooManyOnNetwork(Limited):
    """Too many unpaid orders come from one network or device."""


class ShopperBlocked(NotAllowed):
    """The shop takes no orders from this shopper (`core.members.blocking`)."""


class StockKeptForOthers(Limited):
    """Unpaid orders already hold as much of this SKU as they may; try again in a few minutes, or buy fewer."""


@dataclass(frozen=True, slots=True)
class HoldPolicy:
    """The settings `[orders]`: counts of orders, and shares in percent of a SKU's free and held cards."""

    unpaid_per_shopper: int = 3
    unpaid_per_network: int = 20
    stranger_share_percent: int = 20
    share_percent: int = 50


@dataclass(frozen=True, slots=True)
class RiskFacts:
    """What the caller knows. A stranger has no paid order. `sellable` counts free and held cards of the SKU; None for
    goods of which there is always enough."""

    stranger: bool
    quantity: int
    unpaid_of_shopper: int
    unpaid_of_network: int
    held: int = 0
    held_by_strangers: int = 0
    sellable: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """An order that may go on, with the facts and limits that were looked at."""

    reasons: dict[str, Any]


NEAR = 32
"""Orders of this size that may be under way at once: while a cap is further off than that, no lock is needed."""


def cap(*, sellable: int, percent: int) -> int:
    """How many cards a share of `percent` allows: rounded down, but one card can always be held."""
    return max(1, sellable * percent // 100)


def is_near_a_cap(facts: RiskFacts, policy: HoldPolicy) -> bool:
    """Whether orders under way at the same moment could together pass a cap, so that counting needs a lock."""
    if facts.sellable is None:
        return False
    room = cap(sellable=facts.sellable, percent=policy.share_percent) - facts.held
    if facts.stranger:
        strangers = cap(sellable=facts.sellable, percent=policy.stranger_share_percent)
        room = min(room, strangers - facts.held_by_strangers)
    return room < facts.quantity * NEAR


def decide(facts: RiskFacts, policy: HoldPolicy) -> Decision:
    """Let an order hold stock, or raise `TooManyUnpaid`, `TooManyOnNetwork`, `StockKeptForOthers`.

    A single order larger than a cap passes while nothing else is held, unless it is a stranger's: otherwise large
    orders of known shoppers could never be placed.
    """
    if facts.unpaid_of_shopper >= policy.unpaid_per_shopper:
        raise TooManyUnpaid(limit=policy.unpaid_per_shopper)
    if facts.unpaid_of_network >= policy.unpaid_per_network:
        raise TooManyOnNetwork(limit=policy.unpaid_per_network)
    allowed = Decision(reasons={"facts": _plain(facts), "policy": _plain(policy), "decision": "allow"})
    if facts.sellable is None or facts.sellable - facts.held < facts.quantity:
        return allowed  # of too few the stock room will say what is left
    most = cap(sellable=facts.sellable, percent=policy.share_percent)
    if facts.held + facts.quantity > most and (facts.stranger or facts.held > 0):
        raise StockKeptForOthers(most=max(0, most - facts.held))
    if facts.stranger:
        most = cap(sellable=facts.sellable, percent=policy.stranger_share_percent)
        if facts.held_by_strangers + facts.quantity > most:
            raise StockKeptForOthers(most=max(0, most - facts.held_by_strangers))
    return allowed


def _plain(values: RiskFacts | HoldPolicy) -> dict[str, Any]:
    """The fields by name; `asdict` copies deeply, which costs more than all the rest of a decision."""
    return {item.name: getattr(values, item.name) for item in fields(values)}
