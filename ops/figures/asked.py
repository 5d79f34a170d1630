"""What a question to the tables is: a fixed statement that is bounded, and the figures that its rows are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """One figure that a question answers."""

    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Question:
    """A statement whose rows are the values of `labels` and then one number for each figure; NULL is no sample."""

    sql: str
    figures: tuple[Asked, ...]
    labels: tuple[str, ...] = ()
