"""Where a brought file is, in words and colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.texts import mark


@dataclass(frozen=True, slots=True)
class Stage:
    """What it is called, its colour, and the step of four that it belongs to."""

    called: str
    colour: str
    step: int


STAGES: Mapping[str, Stage] = {
    "looking": Stage(mark("being looked at"), "warn", 2),
    "looked": Stage(mark("waits for your yes"), "warn", 2),
    "refused": Stage(mark("not taken"), "bad", 2),
    "left": Stage(mark("left"), "", 2),
    "old": Stage(mark("kept no longer"), "", 2),
    "importing": Stage(mark("importing"), "warn", 3),
    "taking_back": Stage(mark("being taken back"), "warn", 3),
    "done": Stage(mark("imported"), "ok", 4),
    "failed": Stage(mark("not imported"), "bad", 4),
    "cancelled": Stage(mark("taken back"), "", 4),
}
