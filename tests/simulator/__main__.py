"""`python -m tests.simulator --seed 1234 [--steps 60]` replays a run; `--seeds 200 [--jobs 2]` does many and counts."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections import Counter
from collections.abc import Sequence

from tests.simulator.crews import outcomes, quiet, running, simulator
from tests.simulator.run import STEPS, Outcome
from tests.support.engines import Addresses

REPORT_EVERY = 50  # seeds; said on standard error


def main(arguments: Sequence[str], addresses: Addresses | None = None) -> int:
    """Run what the arguments say; 1 if any seed failed."""
    asked = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    asked.add_argument("--seed", type=int, help="replay this one and print its steps")
    asked.add_argument("--seeds", type=int, default=200, help="how many, one after another")
    asked.add_argument("--from", type=int, default=1, dest="first", help="the first of them")
    asked.add_argument("--steps", type=int, default=STEPS, help="steps of each run")
    asked.add_argument("--jobs", type=int, default=1, help="processes at once")
    asked.add_argument("--stop", action="store_true", help="end with the first that fails")
    wanted = asked.parse_args(arguments)
    with running(addresses) as engines:
        if wanted.seed is not None:
            return _replayed(wanted.seed, wanted.steps, engines)
        return _many(wanted, engines)


def _replayed(seed: int, steps: int, engines: Addresses) -> int:
    with simulator(steps, engines) as made:
        made.traceback = True
        outcome = made.run(seed)
    print(outcome.story)
    print(f"seed {outcome.seed}  end state {outcome.state}  {outcome.problem or 'violations 0'}")
    return 1 if outcome.problem else 0


def _many(wanted: argparse.Namespace, engines: Addresses) -> int:
    seeds = range(wanted.first, wanted.first + wanted.seeds)
    began, done = time.monotonic(), list[Outcome]()
    with contextlib.suppress(KeyboardInterrupt):  # then what was done is counted
        for outcome in outcomes(seeds, steps=wanted.steps, jobs=wanted.jobs, addresses=engines):
            done.append(outcome)
            if outcome.problem:
                print(f"seed {outcome.seed} failed: {outcome.problem}\n{outcome.story}\n", flush=True)
                print(
                    f"replay it: python -m tests.simulator --seed {outcome.seed} --steps {wanted.steps}\n", flush=True
                )
                if wanted.stop:
                    break
            if len(done) % REPORT_EVERY == 0:
                print(f"  {len(done)} seeds in {time.monotonic() - began:.0f} s …", file=sys.stderr, flush=True)
    return _told(done, time.monotonic() - began)


def _told(done: Sequence[Outcome], seconds: float) -> int:
    failed = [outcome for outcome in done if outcome.problem]
    _print("steps", sum((outcome.kinds for outcome in done), Counter()))
    _print("refused", sum((outcome.refused for outcome in done), Counter()))
    _print("crashes", sum((outcome.crashes for outcome in done), Counter()))
    _print("done", sum((outcome.did for outcome in done), Counter()))
    steps = sum(outcome.kinds.total() for outcome in done)
    print(f"seeds {len(done)}  steps {steps}  violations {len(failed)}  in {seconds:.0f} s")
    return 1 if failed else 0


def _print(what: str, counts: Counter[str]) -> None:
    print(f"{what} {counts.total()}")
    for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        print(f"  {name:36} {count}")


if __name__ == "__main__":
    quiet()
    sys.exit(main(sys.argv[1:]))
