"""What a race with faults does and when: every kind before the last cards go; only what did happen counts."""

import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from ops.processes.supervisor import Child
from ops.races.faults import EVERY, Fault, Faults, Planned, before_the_end, plan
from ops.races.race import Race


def test_a_seed_decides_what_is_done_when():
    assert plan(7, cards=100) == plan(7, cards=100)
    assert plan(7, cards=100) != plan(8, cards=100)


def test_every_fault_is_done_in_every_race_while_cards_are_still_to_be_sold():
    for seed in range(50):
        planned = plan(seed, cards=100)

        assert sorted(one.fault for one in planned) == sorted(EVERY)
        assert set(EVERY) == set(Fault)
        moments = [one.after for one in planned]
        assert moments == sorted(moments)
        assert all(0 <= after < 90 for after in moments)


def test_a_race_of_one_card_has_all_its_faults_at_the_start():
    assert {one.after for one in plan(1, cards=1)} == {0}


def store_with(*, children: list[Child], engine: int | None = None) -> Any:
    """As much of a trial as faults touch: processes, the id of both engines, a Redis that nobody answers at."""
    one = SimpleNamespace(pid=engine) if engine else None
    engines = SimpleNamespace(postgres=one, valkey=one)
    config = SimpleNamespace(redis=SimpleNamespace(url="unix:///nowhere/valkey.sock"))
    return SimpleNamespace(
        config=config, running=SimpleNamespace(engines=engines, supervisor=SimpleNamespace(children=children))
    )


@contextmanager
def sleeping() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            yield process
        finally:
            process.kill()


def carried_out(store: Any, *wanted: Fault, patience: float = 0.1) -> Faults:
    faults = Faults(store, [Planned(fault, 0) for fault in wanted], lambda _: None, patience=patience)
    faults.carry_out()
    return faults


def test_what_is_not_there_is_not_counted_as_done():
    every = tuple(Fault)

    faults = carried_out(store_with(children=[]), *every)

    assert faults.done == Counter()
    assert faults.undone == sorted(every)
    assert faults.is_through.is_set()


def test_a_process_is_killed_once_and_the_dead_one_not_once_more():
    with sleeping() as process:
        faults = carried_out(
            store_with(children=[Child("worker", process=process, is_ready=True)]), Fault.WORKER, Fault.WORKER
        )

        assert faults.done == {Fault.WORKER: 1}
        assert faults.undone == [Fault.WORKER]
        assert process.wait(5) == -signal.SIGKILL


def test_a_process_that_starts_again_is_waited_for():
    with sleeping() as process:
        child = Child("vault", process=process)
        ready = threading.Timer(0.2, setattr, (child, "is_ready", True))
        ready.start()

        faults = carried_out(store_with(children=[child]), Fault.VAULT, patience=30)

        ready.join()
        assert (faults.done, faults.undone) == ({Fault.VAULT: 1}, [])


def test_an_engine_that_has_ended_before_is_not_counted():
    with sleeping() as process:
        process.kill()
        process.wait(5)

        faults = carried_out(store_with(children=[], engine=process.pid), Fault.DATABASE, Fault.REDIS_KILLED)

    assert faults.undone == sorted([Fault.DATABASE, Fault.REDIS_KILLED])


def test_the_buyers_of_the_last_tenth_come_when_all_faults_are_done():
    faults = Faults(store_with(children=[]), [], lambda _: None)
    race = Race(SimpleNamespace(cards=range(40)), [_buyer(number) for number in range(60)], faults=faults)  # type: ignore[arg-type]
    came: list[int] = []
    late = threading.Thread(target=race._in_turn, args=(before_the_end(40), lambda: came.append(36)))
    early = threading.Thread(target=race._in_turn, args=(35, lambda: came.append(35)))

    race._gate.set()
    late.start()
    early.start()
    early.join(5)
    assert came == [35]
    faults.carry_out()
    late.join(5)

    assert came == [35, 36]


def _buyer(number: int) -> Any:
    return SimpleNamespace(session=SimpleNamespace(conversation_id=number))
