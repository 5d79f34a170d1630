"""A graceful restart: who is replaced in which order, what stays when a new process fails, who may ask for it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from core.config import Config, Store, Web
from ops.engines import launch
from ops.processes import ports
from ops.processes.restarting import last_restart, restart, restart_reported
from ops.processes.supervisor import START_ORDER, Supervisor
from tests.house.tree import ROOT
from tests.support.command_line import free_port

PROGRAM = (sys.executable, "-m", "tests.support.child")
PARENT = """
import sys
from pathlib import Path
from core.config import Config, Store
from ops.processes.supervisor import StopSignals, Supervisor
from ops.processes.restarting import restart_reported
supervisor = Supervisor(Config(store=Store(data_dir=Path(sys.argv[1]))), program=sys.argv[2:], restart=restart_reported)
with StopSignals() as signals:
    signals.supervisor = supervisor
    supervisor.start()
    print("ready", flush=True)
    supervisor.run()
    supervisor.stop()
"""


@pytest.fixture
def store(data_dir: Path) -> Config:
    return Config(store=Store(data_dir=data_dir), web=Web(port=free_port(), ops_port=free_port()))


@pytest.fixture
def supervise(store: Config) -> Iterator[Callable[..., Supervisor]]:
    with ExitStack() as ended:

        def start(*names: str) -> Supervisor:
            supervisor = Supervisor(store, names, program=PROGRAM, sockets=ports.reserved(store))
            ended.callback(supervisor.stop)
            supervisor.start()
            return supervisor

        yield start


@pytest.fixture
def parent(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """A supervisor in a process of its own, without a terminal."""
    arguments = [sys.executable, "-c", PARENT, str(data_dir), *PROGRAM]
    process = subprocess.Popen(
        arguments, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)


def pids(folder: Path) -> dict[str, int]:
    return {name: json.loads((folder / f"{name}.json").read_text("utf-8"))["pid"] for name in START_ORDER}


def life(folder: Path) -> list[str]:
    return (folder / "life").read_text().splitlines()


def who_answers(config: Config) -> int:
    """The pid that a connection to the shop's port meets; waits while nobody takes it, fails when it is refused."""
    with socket.create_connection((config.web.host, config.web.port), timeout=20) as connection:
        return int(connection.recv(100))


def test_web_and_worker_are_replaced_beside_the_old_ones_and_the_bot_after_it_and_the_vault_stays(
    store: Config, supervise: Callable[..., Supervisor]
) -> None:
    supervisor = supervise(*START_ORDER)
    before, begun = pids(store.data_dir), len(life(store.data_dir))

    problem = restart(supervisor)

    after = pids(store.data_dir)
    assert problem == ""
    assert {name for name in START_ORDER if before[name] == after[name]} == {"vault"}
    assert life(store.data_dir)[begun:] == [
        "web started", "web ended", "worker started", "worker ended", "bot ended", "bot started",
    ]  # fmt: skip
    assert [child.name for child in supervisor.children] == list(START_ORDER)  # so that a stop keeps its order
    assert not [before[name] for name in ("web", "worker", "bot") if launch.is_alive(before[name])]
    assert all(child.starts_again for child in supervisor.children)


def test_a_store_with_web_only_says_that_web_was_replaced(store: Config, supervise: Callable[..., Supervisor]) -> None:
    supervisor = supervise("web")

    restart_reported(supervisor)

    done = last_restart(store)
    assert done is not None
    assert (done.pid, done.count, done.problem, done.replaced) == (os.getpid(), 1, "", ("web",))


def test_a_new_web_that_does_not_start_leaves_the_old_one_serving(
    store: Config, supervise: Callable[..., Supervisor]
) -> None:
    supervisor = supervise("web")
    before = who_answers(store)
    (store.data_dir / "fault").write_text("web:dies")

    problem = restart(supervisor)

    assert problem.startswith("a new web does not start, the old one goes on: see ")
    assert who_answers(store) == before
    assert [child.name for child in supervisor.children] == ["web"]


def test_kill_9_of_web_refuses_no_connection_they_wait_for_the_next_one(
    store: Config, supervise: Callable[..., Supervisor]
) -> None:
    """Fault 8: the listening socket is the supervisor's, so that a death of web is a pause and not an outage."""
    supervisor = supervise("web")
    first = who_answers(store)
    os.kill(first, signal.SIGKILL)
    assert launch.wait_until_gone(first, 5) or not launch.is_alive(first)

    with socket.create_connection((store.web.host, store.web.port), timeout=20) as waits:  # while nobody serves
        end = time.monotonic() + 20
        while (child := supervisor.children[0]).process is None or not child.is_ready or child.process.pid == first:
            assert time.monotonic() < end
            supervisor.step(0.05)
        second = int(waits.recv(100))

    assert second == child.process.pid != first


def test_a_stopped_store_refuses_connections_again(store: Config, supervise: Callable[..., Supervisor]) -> None:
    supervisor = supervise("web")
    who_answers(store)

    supervisor.stop()

    with pytest.raises(ConnectionRefusedError):
        who_answers(store)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_restarts_a_store_without_a_terminal(
    parent: subprocess.Popen[str], data_dir: Path, number: signal.Signals
) -> None:
    before = pids(data_dir)

    parent.send_signal(number)
    end = time.monotonic() + 30
    while (done := last_restart(Config(store=Store(data_dir=data_dir)))) is None:
        assert time.monotonic() < end
        time.sleep(0.02)

    after = pids(data_dir)
    assert (done.pid, done.count, done.problem, done.replaced) == (parent.pid, 1, "", ("web", "worker", "bot"))
    assert {name for name in START_ORDER if before[name] == after[name]} == {"vault"}
    assert parent.poll() is None
