"""How the store is, as ops finds it and the health page shows it: plain values, so that the panel need not know ops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Light(StrEnum):
    """What a check asks of whoever reads it."""

    OK = "ok"  # in order
    WARN = "warn"  # somebody should look at it
    BAD = "bad"  # people wait, or money or cards may be wrong


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: `what` names it (a part, `folder`, `backups`, …), `text` says in English how it is.

    `alarm` is the name of the alarm that fires, whose section in docs/runbook.md says what to do; empty for none.
    """

    what: str
    light: Light
    text: str
    alarm: str = ""


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the store as it last told of itself."""

    name: str
    host: str
    started_at: datetime
    told_at: datetime
    starts: int
    memory: str


@dataclass(frozen=True, slots=True)
class Beat:
    """Something done over and over, or that comes from outside: when last, when it is due again; None: not known."""

    name: str
    last: datetime | None
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """The whole picture of one moment; `queue` is how much work waits, `queue_since` seconds of the oldest."""

    at: datetime
    checks: Sequence[Check]
    processes: Sequence[Process]
    queue: int | None
    queue_seconds: float | None
    budget_left: Sequence[tuple[str, float]]  # of each opening budget, in parts of it
    sweeps: Sequence[Beat]
    rounds: Sequence[Beat]
    gateways: Sequence[Beat]

    @property
    def worst(self) -> Light:
        """The light of the whole store."""
        for light in (Light.BAD, Light.WARN):
            if any(check.light is light for check in self.checks):
                return light
        return Light.OK
