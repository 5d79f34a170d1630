"""Cards as stock: what is available, holding them for a line, locking a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from core.actor import Actor, ActorKind
from core.audit.service import append
from core.db import atomic, changed, execute
from core.errors import NotFound
from core.stock import sql
from core.stock.rules import BATCH_TRANSITIONS, BatchIsNot, BatchState, HeldByOthers, OutOfStock, Terms

COUNTED_TO = 100
"""Stock figures shown to people are counted to here and no further."""

SHARE_COUNTED_TO = 500
"""Above this the share caps use the sweep's figure of free cards."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One sale up the chain: `seller_id` sells at `price_micro` (10⁻⁶ of the major unit) a card."""

    offer_id: int
    seller_id: int
    price_micro: int


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """Cards of a line that came on the same terms: `hops` run from the pool down to the merchant."""

    batch_no: int
    terms: Terms
    count: int
    unit_cost_micro: int
    hops: tuple[Hop, ...]


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
    *, merchant_id: int, sku_id: int, code: str, line_id: UUID, quantity: int, usable_on: date
) -> list[HeldGroup]:
    """Hold exactly `quantity` cards for a line, inside the caller's transaction, or none.

    A short result is tried once more with a waiting lock (INV-S4): another transaction may be giving cards back.
    Raises `OutOfStock`, or `HeldByOthers` when unpaid orders hold what is missing.
    """
    wanted = {"merchant": merchant_id, "sku": sku_id, "usable_on": usable_on, "line": line_id}
    counts: Counter[int] = Counter()
    batches: list[_Batch] = []
    while counts.total() < quantity and (page := _sellable(wanted, batches)):
        batches += page
        for some in _enough(page, quantity - counts.total()):
            counts += _take(sql.HOLD_FREE_CARDS, wanted, some, quantity - counts.total())
            if counts.total() == quantity:
                break
    for batch in batches:
        if counts.total() < quantity:
            counts += _take(sql.HOLD_CARDS_WAITING, wanted, [batch], quantity - counts.total())
    if counts.total() < quantity:
        raise _short(merchant_id, sku_id, code, usable_on, quantity=quantity, taken=counts.total())
    return [HeldGroup(b.no, b.terms, counts[b.no], b.unit_cost_micro, b.hops) for b in batches if counts[b.no]]


def _sellable(wanted: dict[str, Any], seen: Sequence[_Batch]) -> list[_Batch]:
    rows = execute(sql.SELLABLE_BATCHES, wanted | {"seen": [batch.no for batch in seen]})
    return [
        _Batch(no, low, Terms(terms), cost, tuple(Hop(*hop) for hop in offers or ()), free)
        for no, low, terms, cost, offers, free, _ in rows
    ]


def _enough(batches: Sequence[_Batch], quantity: int) -> Iterator[list[_Batch]]:
    """The batches in parts: first as many as should be enough by the sweep's figures, then one by one.

    A statement over several batches locks up to `quantity` cards of each, so it is given no more than it needs.
    """
    some: list[_Batch] = []
    for batch in batches:
        some.append(batch)
        if sum(one.free_count for one in some) >= quantity:
            yield some
            some = []
    if some:
        yield some


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


def _locked_batch(batch_id: UUID, actor: Actor) -> tuple[int, BatchState]:
    rows = execute("SELECT no, owner_id FROM batch WHERE id = %s", (batch_id,))
    if not rows or (actor.kind not in {ActorKind.OPERATOR, ActorKind.SYSTEM} and rows[0][1] != actor.party_id):
        raise NotFound("batch")
    no = int(rows[0][0])
    execute(sql.LOCK_BATCH, (no,))
    state = execute("SELECT state FROM batch WHERE no = %s FOR UPDATE", (no,))[0][0]
    return no, BatchState(state)


def move_batch(*, actor: Actor, batch_id: UUID, to: BatchState, reason: str, now: datetime) -> None:
    """Lock, unlock or recall a batch: waits for running holds; none begins after the commit (INV-S8).

    Raises `NotFound` for a missing or foreign batch, `BatchIsNot` when its state does not allow the step.
    """
    with atomic():
        no, state = _locked_batch(batch_id, actor)
        if to not in BATCH_TRANSITIONS[state]:
            raise BatchIsNot(state=state.value, wanted=to.value)
        changed("UPDATE batch SET state = %s, reason = %s WHERE no = %s", (to.value, reason, no))
        append(
            actor=actor,
            action=f"batch.{to.value}",
            object_kind="batch",
            object_id=batch_id,
            detail={"from": state.value},
            party_id=actor.party_id,
            now=now,
        )


def batch_counts(*, batch_no: int) -> dict[str, int]:
    """How many cards of a batch are in each state."""
    return {str(state): int(count) for state, count in execute(sql.BATCH_COUNTS, (batch_no,))}
