"""Cards as stock: what is available, holding them for a line, locking a batch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
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
    """How many cards a merchant can sell of each SKU, at most `cap` each: never above the truth."""
    rows = execute(sql.AVAILABLE, {"merchant": merchant_id, "skus": sku_ids, "usable_on": usable_on, "cap": cap})
    return {int(sku): int(count) for sku, count in rows}


def share_facts(*, merchant_id: int, sku_id: int) -> ShareFacts:
    """What the caps on held stock are judged by."""
    held, strangers, swept, counted = execute(
        sql.SHARE_FACTS, {"merchant": merchant_id, "sku": sku_id, "cap": SHARE_COUNTED_TO}
    )[0]
    free = int(counted) if counted < SHARE_COUNTED_TO else max(int(swept), SHARE_COUNTED_TO)
    return ShareFacts(held=int(held), held_by_strangers=int(strangers), sellable=free + int(held))


def lock_share(*, sku_id: int) -> None:
    """Let no one else count or change what unpaid orders hold of this SKU until the transaction ends."""
    execute(sql.SHARE_LOCK, (sku_id,))


def hold_cards(
    *, merchant_id: int, sku_id: int, code: str, line_id: UUID, quantity: int, usable_on: date
) -> list[HeldGroup]:
    """Hold exactly `quantity` cards for a line, inside the caller's transaction, or none.

    A short result is tried once more with a waiting lock (INV-S4): another transaction may be giving cards back.
    Raises `OutOfStock`, or `HeldByOthers` when unpaid orders hold what is missing.
    """
    batches = execute(sql.SELLABLE_BATCHES, {"merchant": merchant_id, "sku": sku_id})
    request = {
        "batches": [row[0] for row in batches],
        "low": [row[1] for row in batches],
        "usable_on": usable_on,
        "quantity": quantity,
        "line": line_id,
    }
    taken = execute(sql.HOLD_FREE_CARDS, request) if batches else []
    if batches and len(taken) < quantity:
        more = execute(sql.HOLD_CARDS_WAITING, request | {"quantity": quantity - len(taken)})
        taken += more
    if len(taken) < quantity:
        facts = share_facts(merchant_id=merchant_id, sku_id=sku_id)
        left = min(len(taken), COUNTED_TO)
        if facts.held > 0 and len(taken) + facts.held >= quantity:
            raise HeldByOthers(code=code, left=left)
        raise OutOfStock(code=code, left=left)
    counts: dict[int, int] = {}
    for (no,) in taken:
        counts[no] = counts.get(no, 0) + 1
    return [
        HeldGroup(
            batch_no=no,
            terms=Terms(terms),
            count=counts[no],
            unit_cost_micro=cost,
            hops=tuple(Hop(offer_id=o, seller_id=s, price_micro=p) for o, s, p in offers or []),
        )
        for no, _, terms, cost, offers, _ in batches
        if no in counts
    ]


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
