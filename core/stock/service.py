"""Cards as stock: what is available, and holding them for a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from core.db import execute
from core.money import EXPONENT
from core.stock import sql
from core.stock.rules import HeldByOthers, OutOfStock, Terms

COUNTED_TO = 100
"""Stock figures shown to people are counted to here and no further."""

SHARE_COUNTED_TO = 500
"""Above this the share caps use the sweep's figure of free cards."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One sale up the chain: `seller_id` sells at `price_micro` (10⁻⁶ of the major unit) a card, on a trade account."""

    offer_id: int
    seller_id: int
    price_micro: int
    account_id: int | None


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """Cards of a line that came on the same terms: `hops` run from the pool down to the merchant."""

    batch_no: int
    terms: Terms
    count: int
    unit_cost_micro: int
    hops: tuple[Hop, ...]


@dataclass(slots=True)
class TradeRooms:
    """What one order may still spend on the trade accounts of its chains, in 10⁻⁶ major units by account.

    Read without a lock: what another order takes meanwhile is noticed when the order is held on them. `is_exact`: they
    are locked before they are read.
    """

    is_exact: bool = False
    left: dict[int, int] = field(default_factory=dict)

    def cards(self, hops: Sequence[Hop], most: int) -> int:
        """For how many cards of a chain every hop's account reaches, at most `most`."""
        for hop in hops:
            if hop.price_micro:
                most = min(most, self.left.get(hop.account_id or 0, 0) // hop.price_micro)
        return max(most, 0)

    def spend(self, hops: Sequence[Hop], count: int) -> None:
        """So many cards were taken along a chain."""
        for hop in hops:
            if hop.account_id is not None:
                self.left[hop.account_id] -= count * hop.price_micro


@dataclass(frozen=True, slots=True)
class ShareFacts:
    """How much of a SKU unpaid orders hold. `sellable` counts free and held cards."""

    held: int
    held_by_strangers: int
    sellable: int


def usable_on(*, now: datetime, zone: str, minimum_life_days: int) -> date:
    """The first day until which a card must at least be valid, in the store's zone.

    Example: sold on 2026-11-23 with a minimum life of 0 days, a card that ends on 2026-11-23 is still sold.
    """
    return now.astimezone(ZoneInfo(zone)).date() + timedelta(days=minimum_life_days)


def available(*, merchant_id: int, sku_ids: list[int], usable_on: date, cap: int = COUNTED_TO) -> dict[int, int]:
    """How many cards a merchant can sell of each SKU, at most `cap` each: never above the truth.

    While the vault can open none (`hands_out`), none can be sold.
    """
    rows = execute(sql.AVAILABLE, {"merchant": merchant_id, "skus": sku_ids, "usable_on": usable_on, "cap": cap})
    return dict.fromkeys(sku_ids, 0) | {int(sku): int(count) for sku, count in rows}


def hands_out() -> bool:
    """Whether the vault can open what is sold: while it cannot, no order is taken."""
    return bool(execute(sql.HANDS_OUT)[0][0])


def share_facts(*, merchant_id: int, sku_id: int, usable_on: date) -> ShareFacts:
    """What the caps on held stock are judged by."""
    held, strangers, swept, counted = execute(
        sql.SHARE_FACTS,
        {"merchant": merchant_id, "sku": sku_id, "usable_on": usable_on, "cap": SHARE_COUNTED_TO},
    )[0]
    free = int(counted) if counted < SHARE_COUNTED_TO else max(int(swept), SHARE_COUNTED_TO)
    return ShareFacts(held=int(held), held_by_strangers=int(strangers), sellable=free + int(held))


def lock_share(*, sku_id: int) -> None:
    """Let no one else count or change what unpaid orders hold of this SKU until the transaction ends."""
    execute(sql.SHARE_LOCK, (sku_id,))


@dataclass(frozen=True, slots=True)
class _Batch:
    """A batch that is on sale, locked in share mode; `free_count` is the sweep's figure."""

    no: int
    low_pos: int
    terms: Terms
    unit_cost_micro: int
    hops: tuple[Hop, ...]
    free_count: int


def hold_cards(
    *,
    merchant_id: int,
    sku_id: int,
    code: str,
    line_id: UUID,
    quantity: int,
    usable_on: date,
    rooms: TradeRooms | None = None,
) -> list[HeldGroup]:
    """Hold exactly `quantity` cards for a line, inside the caller's transaction, or none.

    Of a chain no more are taken than every hop's trade account reaches for; then comes the next source. A short result
    is tried once more with a waiting lock (INV-S4): another transaction may be giving cards back.
    Raises `OutOfStock`, or `HeldByOthers` when unpaid orders hold what is missing.
    """
    rooms = TradeRooms() if rooms is None else rooms
    wanted = {"merchant": merchant_id, "sku": sku_id, "usable_on": usable_on, "line": line_id}
    if rooms.is_exact:
        execute(sql.LOCK_TRADE, wanted)
    counts: Counter[int] = Counter()
    batches: list[_Batch] = []

    def take(statement: str, some: Sequence[_Batch], most: int) -> None:
        taken = _take(statement, wanted, some, most)
        for batch in some:
            rooms.spend(batch.hops, taken[batch.no])
        counts.update(taken)

    while counts.total() < quantity and (page := _sellable(wanted, batches, rooms)):
        batches += page
        for some, most in _enough(page, quantity, counts, rooms):
            take(sql.HOLD_FREE_CARDS, some, most)
    for batch in batches:
        if most := rooms.cards(batch.hops, quantity - counts.total()):
            take(sql.HOLD_CARDS_WAITING, [batch], most)
    if counts.total() < quantity:
        raise _short(merchant_id, sku_id, code, usable_on, quantity=quantity, taken=counts.total())
    return [HeldGroup(b.no, b.terms, counts[b.no], b.unit_cost_micro, b.hops) for b in batches if counts[b.no]]


def let_go(*, line_id: UUID) -> None:
    """Give back what a hold that fell short took, in the same transaction."""
    execute(sql.LET_GO, (line_id,))


def _sellable(wanted: dict[str, Any], seen: Sequence[_Batch], rooms: TradeRooms) -> list[_Batch]:
    rows = execute(sql.SELLABLE_BATCHES, wanted | {"seen": [batch.no for batch in seen]})
    return [
        _Batch(no, low, Terms(terms), cost, tuple(hop_of(*hop, rooms=rooms) for hop in offers or ()), free)
        for no, low, terms, cost, offers, free, _ in rows
    ]


def hop_of(
    offer_id: int, seller: int, price: int, account: int | None, currency: str, room_minor: int, *, rooms: TradeRooms
) -> Hop:
    """One hop as `sql.POOLS` gives it; what its trade account reaches for is noted once."""
    if account is not None:
        rooms.left.setdefault(account, room_minor * 10 ** (6 - EXPONENT[currency]))
    return Hop(offer_id, seller, price, account)


def _enough(
    batches: Sequence[_Batch], quantity: int, counts: Counter[int], rooms: TradeRooms
) -> Iterator[tuple[list[_Batch], int]]:
    """The batches in parts, each with how many to take: as many batches as should be enough by the sweep's figures,
    then one by one; alone goes one whose trade accounts reach for fewer cards than are still wanted.

    A statement over several batches locks up to `quantity` cards of each, so it is given no more than it needs.
    """
    some: list[_Batch] = []
    for batch in batches:
        left = quantity - counts.total()
        if some and rooms.cards(batch.hops, left) < left:
            yield some, left
            some, left = [], quantity - counts.total()
        if left == 0:
            return
        reach = rooms.cards(batch.hops, left)
        if reach < left:
            if reach:
                yield [batch], reach
            continue
        some.append(batch)
        if sum(one.free_count for one in some) >= left:
            yield some, left
            some = []
    if some and counts.total() < quantity:
        yield some, quantity - counts.total()


def _take(statement: str, wanted: dict[str, Any], batches: Sequence[_Batch], quantity: int) -> Counter[int]:
    """How many cards were taken of each batch."""
    which = {"batches": [b.no for b in batches], "low": [b.low_pos for b in batches], "quantity": quantity}
    return Counter(no for (no,) in execute(statement, wanted | which))


def _short(
    merchant_id: int, sku_id: int, code: str, usable_on: date, *, quantity: int, taken: int
) -> OutOfStock | HeldByOthers:
    held = share_facts(merchant_id=merchant_id, sku_id=sku_id, usable_on=usable_on).held
    kind = HeldByOthers if held > 0 and taken + held >= quantity else OutOfStock
    return kind(code=code, left=min(taken, COUNTED_TO))


def batch_counts(*, batch_no: int) -> dict[str, int]:
    """How many cards of a batch are in each state."""
    return {str(state): int(count) for state, count in execute(sql.BATCH_COUNTS, (batch_no,))}
