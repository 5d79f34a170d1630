"""What a process counts about itself: counters, histograms and gauges; who shows them is not its affair.

They end with the process, and nothing is decided by them. A label takes few values: what people send never is one.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

BUCKETS = (0.005, 0.025, 0.1, 0.5, 2.5, 10.0)  # seconds
MOST_SERIES = 400  # of one figure; what comes later is counted under OTHER
OTHER = "other"

_NAME = re.compile(r"[a-z][a-z0-9_]{2,80}")
_LABEL = re.compile(r"[a-z][a-z0-9_]{0,30}")
Labels = tuple[str, ...]


class Kind(StrEnum):
    """How a figure behaves."""

    COUNTER = "counter"  # only grows while the process lives
    GAUGE = "gauge"  # as it is now
    HISTOGRAM = "histogram"  # how many took at most how long


@dataclass(frozen=True, slots=True)
class Sample:
    """One number: `suffix` follows the family's name (`_bucket`, or nothing)."""

    suffix: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Family:
    """All numbers of one name, with what they mean."""

    name: str
    kind: Kind
    meaning: str
    samples: tuple[Sample, ...]


@dataclass
class Counter:
    """Things that happened, by the values of its labels."""

    name: str
    meaning: str
    labels: Labels = ()
    _counts: dict[Labels, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, *values: str, by: float = 1) -> None:
        """Count one more (or `by` more) under these values of the labels."""
        with self._lock:
            key = _kept(self._counts, values)
            self._counts[key] = self._counts.get(key, 0) + by

    def family(self) -> Family:
        """As it is now."""
        with self._lock:
            counts = dict(self._counts)
        if not self.labels:
            counts.setdefault((), 0)
        samples = (Sample("", _named(self.labels, key), count) for key, count in sorted(counts.items()))
        return Family(self.name, Kind.COUNTER, self.meaning, tuple(samples))


@dataclass
class Histogram:
    """How long things took, in seconds, by the values of its labels."""

    name: str
    meaning: str
    labels: Labels = ()
    buckets: tuple[float, ...] = BUCKETS
    _seen: dict[Labels, list[float]] = field(default_factory=dict)  # one count a bucket, then all, then the sum
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def observe(self, seconds: float, *values: str) -> None:
        """One thing took so long."""
        with self._lock:
            key = _kept(self._seen, values)
            seen = self._seen.setdefault(key, [0.0] * (len(self.buckets) + 2))
            for place, bound in enumerate(self.buckets):
                seen[place] += seconds <= bound
            seen[-2] += 1
            seen[-1] += seconds

    def family(self) -> Family:
        """As it is now."""
        with self._lock:
            seen = {key: list(one) for key, one in self._seen.items()}
        samples: list[Sample] = []
        for key, (*counts, total, spent) in sorted(seen.items()):
            named = _named(self.labels, key)
            pairs = zip((*map(str, self.buckets), "+Inf"), (*counts, total), strict=True)
            samples += [Sample("_bucket", {**named, "le": bound}, count) for bound, count in pairs]
            samples += [Sample("_sum", named, spent), Sample("_count", named, total)]
        return Family(self.name, Kind.HISTOGRAM, self.meaning, tuple(samples))


Read = Callable[[], float | Mapping[Labels, float]]


@dataclass(frozen=True)
class Gauge:
    """Read whenever somebody asks: one number, or one for each combination of its labels' values."""

    name: str
    meaning: str
    read: Read
    labels: Labels = ()

    def family(self) -> Family:
        """As it is now."""
        return gauge(self.name, self.meaning, self.read(), self.labels)


class Figures:
    """Everything that one process counts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: dict[str, Counter | Histogram | Gauge] = {}

    def counter(self, name: str, meaning: str, *labels: str) -> Counter:
        """The counter of this name, made when it is asked for first."""
        made = self._kept(Counter(name, meaning, labels))
        if not isinstance(made, Counter):
            raise TypeError(f"{name} is no counter")
        return made

    def histogram(self, name: str, meaning: str, *labels: str) -> Histogram:
        """The histogram of this name, made when it is asked for first."""
        made = self._kept(Histogram(name, meaning, labels))
        if not isinstance(made, Histogram):
            raise TypeError(f"{name} is no histogram")
        return made

    def gauge(self, name: str, meaning: str, read: Read, *labels: str) -> None:
        """A figure that is read whenever somebody asks."""
        self._kept(Gauge(name, meaning, read, labels))

    def families(self) -> list[Family]:
        """All of them, by name."""
        with self._lock:
            every = list(self._all.values())
        return sorted((one.family() for one in every), key=lambda family: family.name)

    def _kept(self, one: Counter | Histogram | Gauge) -> Counter | Histogram | Gauge:
        if not _NAME.fullmatch(one.name) or not all(_LABEL.fullmatch(label) for label in one.labels):
            raise ValueError(f"{one.name} is no name of a figure")
        with self._lock:
            return self._all.setdefault(one.name, one)


def gauge(name: str, meaning: str, values: float | Mapping[Labels, float], labels: Labels = ()) -> Family:
    """The family of a gauge with these values."""
    pairs = values.items() if isinstance(values, Mapping) else [((), values)]
    samples = (Sample("", _named(labels, key), float(value)) for key, value in sorted(pairs))
    return Family(name, Kind.GAUGE, meaning, tuple(samples))


def joined(families: Iterable[tuple[Family, Mapping[str, str]]]) -> list[Family]:
    """Families of many processes as one list: each sample gets the labels that come with its family."""
    found: dict[str, list[Family]] = {}
    for family, labels in families:
        samples = tuple(Sample(one.suffix, {**one.labels, **labels}, one.value) for one in family.samples)
        found.setdefault(family.name, []).append(Family(family.name, family.kind, family.meaning, samples))
    same = {name: [one for one in those if one.kind is those[0].kind] for name, those in sorted(found.items())}
    return [
        Family(name, those[0].kind, those[0].meaning, tuple(sample for one in those for sample in one.samples))
        for name, those in same.items()
    ]


def exposed(families: Sequence[Family]) -> str:
    """The text that Prometheus reads (format 0.0.4)."""
    lines: list[str] = []
    for family in families:
        meaning = family.meaning.replace("\\", r"\\").replace("\n", r"\n")
        lines += [f"# HELP {family.name} {meaning}", f"# TYPE {family.name} {family.kind}"]
        for one in family.samples:
            pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in one.labels.items())
            lines.append(f"{family.name}{one.suffix}{f'{{{pairs}}}' if pairs else ''} {_number(one.value)}")
    return "\n".join(lines) + "\n"


def packed(families: Sequence[Family]) -> list[object]:
    """As JSON keeps it: what one process tells another. Numbers that JSON has no word for are left out."""
    return [
        [
            one.name,
            one.kind.value,
            one.meaning,
            [
                [sample.suffix, dict(sample.labels), sample.value]
                for sample in one.samples
                if math.isfinite(sample.value)
            ],
        ]
        for one in families
    ]


def _packed(sample: Sample) -> list[object]:
    return [sample.suffix, dict(sample.labels), sample.value]


def _finite(family: Family) -> list[Sample]:
    return [sample for sample in family.samples if math.isfinite(sample.value)]


def unpacked(given: object) -> list[Family]:
    """The other end of `packed`. Raises `ValueError` for anything that is not what it makes."""
    try:
        return [_family(*one) for one in given]  # type: ignore[attr-defined]
    except (TypeError, AttributeError, KeyError) as error:
        raise ValueError("no figures") from error


def _family(name: str, kind: str, meaning: str, samples: Sequence[Sequence[object]]) -> Family:
    made = []
    for suffix, labels, value in samples:
        if not isinstance(labels, dict) or not isinstance(value, int | float) or suffix not in _SUFFIXES:
            raise ValueError(f"no sample of {name!r}")
        made.append(Sample(suffix, {str(key): str(text) for key, text in labels.items()}, float(value)))
    every = [name, *(key for one in made for key in one.labels)]
    if not _NAME.fullmatch(name) or not all(_LABEL.fullmatch(key) for key in every[1:]) or not isinstance(meaning, str):
        raise ValueError(f"{name!r} is no name of a figure")
    return Family(name, Kind(kind), meaning, tuple(made))


_SUFFIXES = ("", "_bucket", "_sum", "_count")


def _kept(there: Mapping[Labels, object], values: Labels) -> Labels:
    return values if values in there or len(there) < MOST_SERIES else (OTHER,) * len(values)


def _named(labels: Labels, values: Labels) -> dict[str, str]:
    return dict(zip(labels, values, strict=True))


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
