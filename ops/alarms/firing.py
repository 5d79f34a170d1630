"""Which alarms are beyond their bounds now, and their figures as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from channels.figures import Family
from ops.alarms.alarm import Alarm
from ops.alarms.every import ALARMS


@dataclass(frozen=True, slots=True)
class Firing:
    """An alarm that is beyond its bound now, and where."""

    alarm: Alarm
    where: str
    value: str


def firing(families: Sequence[Family]) -> list[Firing]:
    """The alarms that are beyond their bounds now, the most pressing first."""
    found = [
        Firing(alarm, ", ".join(f"{name} {value}" for name, value in labels.items()), in_words(alarm.figure, value))
        for alarm in ALARMS
        for labels, value in alarm.fires(families)
    ]
    return sorted(found, key=lambda one: one.alarm.severity)


def in_words(name: str, value: float) -> str:
    """A number as people read it, by the unit that its name ends with."""
    if name.endswith("_time_seconds"):
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S}Z"
    if name.endswith("_seconds"):
        return _duration(value)
    if name.endswith("_bytes"):
        return f"{value / 2**20:,.0f} MB"
    if name.endswith("_ratio"):
        return f"{value:.0%}"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def _duration(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.1f} s" if seconds < 10 else f"{seconds:,.0f} s"
