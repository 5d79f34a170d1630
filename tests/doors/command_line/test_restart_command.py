"""`restart`: what it says where nothing runs or answers; the restart itself is in tests/faults/test_restarts.py."""

import json
import os
import signal
from collections.abc import Callable, Iterator

import pytest

from core.config import Config
from ops.engines.lock import FolderLock, Running
from tests.support.command_line import Command


@pytest.fixture
def store(fresh: Config) -> Iterator[Callable[[str], None]]:
    """A store that runs in this process: asked to restart, it leaves such a file behind, or none."""
    lock = FolderLock(fresh.data_dir)
    lock.acquire()
    lock.write(Running(os.getpid(), "up", "", ready=True))
    leaves: list[str] = []

    def asked(*_: object) -> None:
        if leaves[0]:
            (fresh.data_dir / "restart.json").write_text(leaves[0])

    before = signal.signal(signal.SIGUSR1, asked)
    yield leaves.append
    signal.signal(signal.SIGUSR1, before)
    lock.release()


def test_restart_says_that_no_store_runs(command: Command, fresh: Config) -> None:
    status, out, err = command(fresh, "restart")

    assert (status, out) == (2, "")
    assert f"no store runs in {fresh.data_dir}: `python run.py up` starts one" in err


@pytest.mark.parametrize(
    ("replaced", "says"),
    [
        (["web"], "Restarted: web."),
        (["web", "worker", "bot"], "Restarted: web, worker, bot."),
        ([], "Restarted: nothing: this store runs neither web nor worker nor bot."),
    ],
)
def test_restart_names_what_was_replaced_and_claims_nothing_else(
    replaced: list[str], says: str, command: Command, fresh: Config, store: Callable[[str], None]
) -> None:
    store(json.dumps({"pid": os.getpid(), "count": 1, "problem": "", "replaced": replaced}))

    assert command(fresh, "restart") == (0, f"{says}\n", "")


def test_fault_14_restart_does_not_wait_for_ever_for_a_file_that_the_full_disk_does_not_take(
    command: Command, fresh: Config, store: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 14: the disk is full."""
    monkeypatch.setattr("ops.processes.restarting.longest", lambda _: 0.2)
    store("")

    status, out, err = command(fresh, "restart")

    assert (status, err) == (1, "")
    assert out == f"the store does not say how the restart went: see {fresh.data_dir}/log/supervisor.log\n"
