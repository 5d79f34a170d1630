"""`python -m tests.simulator --seed 1234 [--steps 60]` replays a run; `--seeds 200 [--from 1]` does many and counts."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import structlog

from tests.simulator.opened import opened
from tests.simulator.run import STEPS, Outcome, Simulator
from tests.support.engines import Addresses, TestEngines, fast_folder

REPORT_EVERY = 50  # seeds; said on standard error


@contextlib.contextmanager
def simulator(steps: int, addresses: Addresses | None) -> Iterator[Simulator]:
    """A simulator on engines that run, or on engines of its own; everything ends with the block."""
    with contextlib.ExitStack() as stack:
        if addresses is None:
            engines = TestEngines()
            stack.callback(engines.stop)
            addresses = engines.start()
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ks-", dir=fast_folder()))
        yield stack.enter_context(opened(addresses, Path(folder), steps=steps))


def main(arguments: Sequence[str], addresses: Addresses | None = None) -> int:
    """Run what the arguments say; 1 if any seed failed."""
    asked = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    asked.add_argument("--seed", type=int, help="replay this one and print its steps")
    asked.add_argument("--seeds", type=int, default=200, help="how many, one after another")
    asked.add_argument("--from", type=int, default=1, dest="first", help="the first of them")
    asked.add_argument("--steps", type=int, default=STEPS, help="steps of each run")
    asked.add_argument("--stop", action="store_true", help="end with the first that fails")
    wanted = asked.parse_args(arguments)
    with simulator(wanted.steps, addresses) as made:
        if wanted.seed is not None:
            made.traceback = True
            outcome = made.run(wanted.seed)
            print(outcome.story)
            print(f"seed {outcome.seed}  end state {outcome.state}  {outcome.problem or 'violations 0'}")
            return 1 if outcome.problem else 0
        return _many(made, range(wanted.first, wanted.first + wanted.seeds), stop=wanted.stop)


def _many(made: Simulator, seeds: range, *, stop: bool) -> int:
    began, outcomes = time.monotonic(), list[Outcome]()
    with contextlib.suppress(KeyboardInterrupt):  # then what was done is counted
        for seed in seeds:
            outcomes.append(made.run(seed))
            if outcomes[-1].problem:
                print(f"seed {seed} failed: {outcomes[-1].problem}\n{outcomes[-1].story}\n", flush=True)
                print(f"replay it: python -m tests.simulator --seed {seed} --steps {made.steps}\n", flush=True)
                if stop:
                    break
            if len(outcomes) % REPORT_EVERY == 0:
                print(f"  {len(outcomes)} seeds in {time.monotonic() - began:.0f} s …", file=sys.stderr, flush=True)
    failed = [outcome for outcome in outcomes if outcome.problem]
    _print("steps", sum((outcome.kinds for outcome in outcomes), Counter()))
    _print("refused", sum((outcome.refused for outcome in outcomes), Counter()))
    _print("crashes", sum((outcome.crashes for outcome in outcomes), Counter()))
    print(f"seeds {len(outcomes)}  violations {len(failed)}  in {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


def _print(what: str, counts: Counter[str]) -> None:
    print(f"{what} {counts.total()}")
    for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        print(f"  {name:36} {count}")


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    sys.exit(main(sys.argv[1:]))
