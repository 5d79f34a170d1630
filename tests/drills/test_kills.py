"""Everything that `race --faults` does to a store, while a race runs: whoever paid gets the cards, once."""

from collections import Counter

import pytest

from core.config import Config
from ops.races.faults import EVERY, Faults, plan
from ops.races.race import run_race
from ops.races.trial import trial

pytestmark = pytest.mark.drill
BUYERS, CARDS, SEED = 40, 60, 7


def test_inv_o7_processes_killed_during_a_race_lose_nothing_and_sell_nothing_twice() -> None:
    """Worker, vault and web killed twice each, the database stopped at once, Redis killed and flushed, every notice
    sent twice more. Faults 1, 2, 7, 11, 12 and 21 happen.
    """
    with trial(Config(), cards=CARDS) as store:
        faults = Faults(store, plan(SEED, cards=BUYERS), print)
        outcome = run_race(store, buyers=BUYERS, strangers=False, say=print, faults=faults)

    assert (outcome.sold, outcome.sold_twice, outcome.lost, outcome.violations) == (BUYERS, 0, 0, 0)
    assert faults.undone == []
    assert Counter({fault: faults.done[fault] for fault in EVERY}) == Counter(EVERY)
    assert faults.done["notices doubled"] > 0
