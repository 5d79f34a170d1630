"""The bench's parts in small: that they run to their figures; how large those are is the bench's own business."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from core import db
from core.config import Config
from ops.bench import arrival, functions, listeners
from ops.bench.figures import Figure
from ops.races.trial import Trial, trial

pytestmark = pytest.mark.slow
ORDERS = 24


@pytest.fixture(scope="module")
def store() -> Iterator[Trial]:
    """One store under trial for the parts that want a whole one."""
    with trial(Config(), cards=400) as made:
        yield made


@pytest.fixture
def shared(store: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them finds that store where it would start its own."""

    @contextmanager
    def started(*_: Any, **__: Any) -> Iterator[Trial]:
        db.connect(store.config.database.roles.shop, size=20)
        yield store

    for part in (arrival, listeners):
        monkeypatch.setattr(part, "trial", started)
    monkeypatch.setattr(listeners, "TURNS", 1)
    monkeypatch.setattr(listeners, "EACH", 3)


def told(figures: list[Figure], said: list[str]) -> list[float]:
    """The values of figures that are all there and are positive."""
    assert figures
    assert said
    assert all(figure.value > 0 for figure in figures)
    return [figure.value for figure in figures]


def test_functions_says_each_phase_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "ORDERS", ORDERS)
    said: list[str] = []

    assert len(told(functions.measured(Config(), said.append), said)) == len(functions.PHASES)


@pytest.mark.usefixtures("shared")
def test_arrival_brings_everybody_the_cards() -> None:
    said: list[str] = []

    median, late = told(arrival.measured(Config(), said.append, orders=ORDERS), said)

    assert median <= late


@pytest.mark.usefixtures("shared")
def test_listeners_orders_beside_open_streams() -> None:
    said: list[str] = []

    told(listeners.measured(Config(), said.append, listeners=4), said)

    assert said == ["3 checkouts alone, and as many beside 4 listeners"]
