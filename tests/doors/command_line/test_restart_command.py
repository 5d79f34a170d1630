"""`restart`: what it says where nothing runs; the restart itself is in tests/faults/test_restarts.py."""

from core.config import Config
from tests.support.command_line import Command


def test_restart_says_that_no_store_runs(command: Command, fresh: Config) -> None:
    status, out, err = command(fresh, "restart")

    assert (status, out) == (2, "")
    assert f"no store runs in {fresh.data_dir}: `python run.py up` starts one" in err
