"""Which chats may read what another bought: the rule itself, over bindings that somebody else has proved."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from core.vault.bindings import SealedBinding, Side

STAYS_WHERE_BOUGHT = timedelta(days=30)
"""For so long after a binding, what was bought before it is read only where it was bought (security.md, "Doors")."""


def bound_since(one: Side, other: Side, bindings: Iterable[SealedBinding]) -> datetime | None:
    """Since when two chats belong to one shopper; None when no bindings that last lead from one to the other.

    Over a third account they are joined since the later of the two bindings.
    """
    joined = {one}
    waiting = sorted((one for one in bindings if one.ended_at is None), key=lambda one: one.bound_at)
    groups: dict[Side, set[Side]] = {}
    for binding in waiting:
        first, second = (groups.get(side, {side}) for side in binding.sides)
        joined = first | second
        groups.update(dict.fromkeys(joined, joined))
        if {one, other} <= joined:
            return binding.bound_at
    return None


def may_read(
    *, buyer: Side, reader: Side, placed_at: datetime, bindings: Iterable[SealedBinding], now: datetime
) -> bool:
    """Whether a chat may read cards that were ordered in another, or in itself, at `placed_at`.

    What was ordered after the two were bound is read in both at once; what was ordered before, in the other chat only
    `STAYS_WHERE_BOUGHT` later, so that nobody who talks somebody into a binding walks away with what they had.
    `bindings` are sealed ones.
    """
    if reader == buyer:
        return True
    since = bound_since(buyer, reader, bindings)
    if since is None:
        return False
    return placed_at >= since or now >= since + STAYS_WHERE_BOUGHT


def minted_at(number: UUID) -> datetime:
    """When a UUIDv7 was minted: its first 48 bits are milliseconds since 1970 (RFC 9562, 5.7)."""
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=number.int >> 80)
