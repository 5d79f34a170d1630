"""`python -m tests.mutations [--new] [WORD …]`: take protections away, one at a time, and see the tests fail.

A WORD chooses by row (INV-S2, 58) or by a part of the file's name; `--new` leaves out what was seen already.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import sys
from collections.abc import Sequence

from tests.mutations.mutation import SEEN, Mutation, all_mutations, seen
from tests.mutations.trying import PASSED, copy_of_the_tree, run, tried


def main() -> int:
    """Try the chosen ones; 1 if any was not noticed."""
    asked = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    asked.add_argument("words", nargs="*", metavar="WORD")
    asked.add_argument("--new", action="store_true", help="only what was not seen to fail yet")
    wanted = asked.parse_args()
    chosen = [one for one in all_mutations() if _is_chosen(one, wanted.words)]
    if wanted.new:
        chosen = [one for one in chosen if one.fingerprint not in seen()]
    return _try(chosen)


def _is_chosen(one: Mutation, words: Sequence[str]) -> bool:
    return not words or any(word in one.rows or word in one.file or word in one.test for word in words)


def _try(chosen: Sequence[Mutation]) -> int:
    unnoticed, passing = 0, set[str]()
    with copy_of_the_tree() as tree:
        for one in chosen:
            if one.test not in passing:
                code, said = run(tree, one.test)
                if code != PASSED:
                    print(f"BROKEN  {', '.join(one.rows)}: the test fails as the code stands: {said}", flush=True)
                    unnoticed += 1
                    continue
                passing.add(one.test)
            failed, said = tried(tree, one)
            unnoticed += not failed
            print(f"{'failed' if failed else 'UNSEEN'}  {', '.join(one.rows)}: {one.removed}: {said}", flush=True)
            _remember(one, failed=failed, said=said)
    print(f"{len(chosen)} tried, {len(chosen) - unnoticed} noticed, {unnoticed} not")
    return 1 if unnoticed else 0


def _remember(one: Mutation, *, failed: bool, said: str) -> None:
    """Keep what was seen of the mutations that still stand in a list; others may try theirs at the same time."""
    with (SEEN.parent / "__init__.py").open() as pen:
        fcntl.flock(pen, fcntl.LOCK_EX)
        _keep(one, failed=failed, said=said)


def _keep(one: Mutation, *, failed: bool, said: str) -> None:
    stand = {other.fingerprint for other in all_mutations()}
    kept = {mark: line for mark, line in seen().items() if mark in stand and mark != one.fingerprint}
    if failed:
        kept[one.fingerprint] = said.partition(" in ")[0].strip("= ")
    fresh = SEEN.with_suffix(".new")
    fresh.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n", encoding="utf-8")
    fresh.replace(SEEN)


if __name__ == "__main__":
    sys.exit(main())
