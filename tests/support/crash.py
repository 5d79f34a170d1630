"""kill -9 between any two steps: runs work in a child process that dies at its n-th word with the database.

No failpoint stands in the store's own code: the child counts statements and commits, and ends itself with `os._exit`
just before the n-th, which is what kill -9 leaves behind: an open transaction that the server rolls back.
"""

import os
import traceback
import warnings
from collections.abc import Callable, Iterator

from core import db

CRASHED = 9
FAILED = 3


def run_until(work: Callable[[], object], *, url: str, at: int) -> bool:
    """Run `work` in a child connected as `url`, killed before its `at`-th statement or commit; True if it got through.

    Raises AssertionError when the work itself fails in the child (its traceback is on standard error).
    """
    db.disconnect()  # a child must not share sockets with its parent
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12: about threads, unused here
        child = os.fork()
    if child == 0:
        _child(work, url, at)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, CRASHED), f"the work failed in the child (exit {code}); its traceback is above"
    return code == 0


def at_every_step(work: Callable[[], object], *, url: str, limit: int = 500) -> Iterator[int]:
    """Crash `work` before its 1st, 2nd, 3rd … step; yields the step after each crash, ends when it got through.

    The caller sees to recovery between two steps; the last run is the one that was not killed.
    """
    for step in range(1, limit + 1):
        if run_until(work, url=url, at=step):
            return
        yield step
    raise AssertionError(f"the work still had steps after {limit}")


def _child(work: Callable[[], object], url: str, at: int) -> None:
    try:
        db.connect(url, size=4)
        _count_down(at)
        work()
    except BaseException:  # noqa: BLE001 - whatever it was, the parent reports it
        traceback.print_exc()
        os._exit(FAILED)
    os._exit(0)


def _count_down(at: int) -> None:
    left = at
    kind = type(db.db)
    execute_sql, commit = kind.execute_sql, kind.commit

    def step() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os._exit(CRASHED)

    def counted_execute(self: db.StoreDatabase, *args: object, **kwargs: object) -> object:
        step()
        return execute_sql(self, *args, **kwargs)  # type: ignore[arg-type]

    def counted_commit(self: db.StoreDatabase) -> None:
        step()
        commit(self)

    kind.execute_sql, kind.commit = counted_execute, counted_commit  # type: ignore[method-assign,assignment]
