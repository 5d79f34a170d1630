"""`race --faults`: its plan is one that the race can reach; what was not done is said, and is no success."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.config import Config
from ops.races.faults import EVERY, Fault, Faults, plan
from ops.races.figures import Outcome
from tests.doors.command_line.conftest import Command


@pytest.mark.parametrize(
    ("happens", "status", "said"),
    [
        (EVERY, 0, []),
        (EVERY[1:], 1, ["not done  worker killed"]),
        (EVERY[:-2], 1, ["not done  Redis flushed, Redis killed"]),
    ],
)
def test_a_race_plans_for_the_cards_that_can_be_sold_and_says_what_was_not_done(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    happens: tuple[Fault, ...],
    status: int,
    said: list[str],
) -> None:
    @contextmanager
    def trial(*_: object, **__: object) -> Iterator[Any]:
        yield SimpleNamespace(config=SimpleNamespace(data_dir=tmp_path))

    def run_race(*_: object, faults: Faults, **__: object) -> Outcome:
        assert list(faults.planned) == plan(3, cards=4)
        faults.done.update(happens)
        return Outcome(4, 0, 0, 0, expected=4, violations=0, place=[], paid_to_cards=[], strangers_held=0)

    monkeypatch.setattr("ops.races.trial.trial", trial)
    monkeypatch.setattr("ops.races.race.run_race", run_race)

    done, out, _ = command(Config(), "race", "--buyers", "4", "--cards", "500", "--faults", "--seed", "3")

    assert done == status
    assert [line for line in out.splitlines() if line.startswith("not done")] == said
