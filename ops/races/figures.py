"""What a race comes to: what each buyer came away with, and the figures of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID


@dataclass
class Basket:
    """What one buyer came away with; times in seconds."""

    received: list[str] = field(default_factory=list)
    order_id: UUID | None = None
    refused: str | None = None
    place: float | None = None
    paid_to_cards: float | None = None


@dataclass(frozen=True)
class Outcome:
    """The figures of a race."""

    sold: int
    sold_twice: int
    lost: int
    refused: int
    expected: int
    violations: int
    place: list[float]
    paid_to_cards: list[float]
    strangers_held: int

    @property
    def is_right(self) -> bool:
        """Whether every card that could be sold was sold, once."""
        return not (self.sold_twice or self.lost or self.violations) and self.sold == self.expected


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie (nearest rank); 0.0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
