"""One alarm: a figure beyond a bound for some minutes, or a longer question that only Prometheus can answer.

Each has a section of its name in docs/runbook.md: what it means, what to do, how to see that it is over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from channels.figures import Family


class Severity(StrEnum):
    """How soon somebody must look."""

    NOW = "now"  # people wait, or money or cards may be wrong: also at night
    SOON = "soon"  # the same day


@dataclass(frozen=True, slots=True)
class Alarm:
    """`figure` above (or below) a bound; with `expression` the change of something over time, as PromQL."""

    name: str
    severity: Severity
    says: str
    figure: str
    above: float | None = None
    below: float | None = None
    minutes: int = 0  # so long without a break before Prometheus tells somebody
    labels: Mapping[str, str] = field(default_factory=dict)
    expression: str = ""

    @property
    def rule(self) -> str:
        """As PromQL."""
        if self.expression:
            return self.expression
        named = ",".join(f'{name}="{value}"' for name, value in self.labels.items())
        bound = f"> {self.above:g}" if self.above is not None else f"< {self.below:g}"
        return f"{self.figure}{f'{{{named}}}' if named else ''} {bound}"

    def fires(self, families: Sequence[Family]) -> Iterator[tuple[Mapping[str, str], float]]:
        """The samples that are beyond the bound now; none where only Prometheus can tell."""
        if self.expression:
            return
        samples = (sample for family in families if family.name == self.figure for sample in family.samples)
        for sample in samples:
            fits = all(sample.labels.get(name) == value for name, value in self.labels.items())
            if fits and self._is_beyond(sample.value):
                yield sample.labels, sample.value

    def _is_beyond(self, value: float) -> bool:
        return value > self.above if self.above is not None else self.below is not None and value < self.below
