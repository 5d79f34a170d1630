"""Many seeds on several processors: each process furnishes a town of its own and lives through a part of them."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import structlog

from tests.simulator.opened import opened
from tests.simulator.run import Outcome, Simulator
from tests.support.engines import Addresses, TestEngines, fast_folder

PART = 25  # seeds that a process takes at a time: a town is furnished in the time of one of them


def quiet() -> None:
    """What the store logs of the crashes is no news here."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


@contextlib.contextmanager
def running(addresses: Addresses | None) -> Iterator[Addresses]:
    """Engines that run already, or engines of its own until the block ends."""
    if addresses is not None:
        yield addresses
        return
    engines = TestEngines()
    try:
        yield engines.start()
    finally:
        engines.stop()


@contextlib.contextmanager
def simulator(steps: int, addresses: Addresses) -> Iterator[Simulator]:
    """A furnished town on engines that run; its database and its folder end with the block."""
    folder = tempfile.TemporaryDirectory(prefix="ks-", dir=fast_folder())
    with folder as name, opened(addresses, Path(name), steps=steps) as made:
        yield made


def outcomes(seeds: Sequence[int], *, steps: int, jobs: int, addresses: Addresses) -> Iterator[Outcome]:
    """What each seed came to, in their order."""
    if jobs == 1:
        with simulator(steps, addresses) as made:
            yield from map(made.run, seeds)
        return
    size = max(1, min(PART, len(seeds) // jobs))
    parts = [seeds[start : start + size] for start in range(0, len(seeds), size)]
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as processes:
        waiting = [processes.submit(_part, part, steps, addresses.dumps()) for part in parts]
        try:
            for future in waiting:
                yield from future.result()
        finally:
            processes.shutdown(cancel_futures=True)


def _part(seeds: Sequence[int], steps: int, addresses: str) -> list[Outcome]:
    quiet()
    with simulator(steps, Addresses.loads(addresses)) as made:
        return [made.run(seed) for seed in seeds]
