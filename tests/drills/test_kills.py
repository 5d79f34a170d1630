"""kill -9 of every process, again and again, while a race runs: whoever paid gets the cards, once."""

import os
import signal
import threading
import time

import pytest

from core.config import Config
from core.orders.deliveries import LEASE
from ops.processes import Supervisor
from ops.race import Race
from ops.race_figures import Outcome
from ops.trial import trial

pytestmark = pytest.mark.drill
KILLS = ("worker", "vault", "web", "worker", "worker", "vault", "worker")


def kill_in_turn(supervisor: Supervisor, over: threading.Event) -> None:
    """Kill one process after another, two seconds apart, whatever it is doing."""
    for name in KILLS:
        if over.wait(2):
            return
        process = next(child.process for child in supervisor.children if child.name == name)
        if process is not None:
            os.kill(process.pid, signal.SIGKILL)


def test_inv_o7_processes_killed_during_a_race_lose_nothing_and_sell_nothing_twice() -> None:
    outcomes: list[Outcome] = []
    over = threading.Event()
    with trial(Config(), cards=60) as store:
        supervisor = store.running.supervisor
        race = Race(store, store.buyers(40), patience=2 * LEASE.total_seconds() + 30)

        def run() -> None:
            outcomes.append(race.run())
            over.set()
            supervisor.ask_to_stop()

        racing = threading.Thread(target=run)
        killing = threading.Thread(target=kill_in_turn, args=(supervisor, over))
        began = time.monotonic()
        racing.start()
        killing.start()
        supervisor.run()  # starts again what was killed
        racing.join()
        killing.join()

    (outcome,) = outcomes
    assert (outcome.sold, outcome.sold_twice, outcome.lost, outcome.violations) == (40, 0, 0, 0)
    assert time.monotonic() - began < 240
