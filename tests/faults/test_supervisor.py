"""The supervisor: what each process is given, and what a death, a deaf process, Ctrl-C or kill -9 does."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.config import Config, ConfigError, Database, DatabaseRoles, Store
from ops.engines import launch
from ops.isolation.entitlements import environment_of
from ops.processes.supervisor import START_ORDER, Supervisor

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (sys.executable, "-m", "tests.support.child")
ROLES = DatabaseRoles(
    shop="postgresql://shop:shop-pw@/k", panel="postgresql://panel:panel-pw@/k",
    worker="postgresql://worker:worker-pw@/k", vault="postgresql://vault:vault-pw@/k",
    direct="postgresql://direct:direct-pw@/k",
)  # fmt: skip
PLAIN = {"PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR"}
PARENT = """
import sys
from pathlib import Path
from core.config import Config, Store
from ops.processes.supervisor import StopSignals, Supervisor
supervisor = Supervisor(Config(store=Store(data_dir=Path(sys.argv[1]))), program=sys.argv[2:])
with StopSignals() as signals:
    signals.supervisor = supervisor
    supervisor.start()
    print("ready", flush=True)
    supervisor.run()
    supervisor.stop()
"""


@pytest.fixture
def store(data_dir: Path) -> Config:
    return Config(store=Store(data_dir=data_dir), database=Database(url="postgresql://owner:owner-pw@/k", roles=ROLES))


@pytest.fixture
def supervise(store: Config) -> Iterator[Callable[..., Supervisor]]:
    with ExitStack() as ended:

        def start(*names: str) -> Supervisor:
            supervisor = Supervisor(store, names or START_ORDER, program=PROGRAM)
            ended.callback(supervisor.stop)
            supervisor.start()
            return supervisor

        yield start


@pytest.fixture
def parent(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """A supervisor in a process of its own, in a session like a terminal's."""
    arguments = [sys.executable, "-c", PARENT, str(data_dir), *PROGRAM]
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.communicate()


def seen_by(store_dir: Path, name: str) -> dict[str, Any]:
    seen: dict[str, Any] = json.loads((store_dir / f"{name}.json").read_text("utf-8"))
    return seen


def test_each_process_sees_its_own_addresses_and_keys_only(store: Config, supervise: Callable[..., Supervisor]) -> None:
    supervise()

    found = {}
    for name in START_ORDER:
        environment = seen_by(store.data_dir, name)["environment"]
        text = " ".join(environment.values())
        found[name] = {role for role in (*vars(ROLES), "owner") if f"{role}-pw" in text}
        ours = {key for key in environment if key.startswith("KEYSTALL_")}
        assert set(environment) - ours <= {*PLAIN, "PYTHONUNBUFFERED", "LC_CTYPE"}
        keys = {key for key, value in environment.items() if value.startswith("file:")}
        found[f"{name} keys"] = {key.rpartition("__")[2].lower() for key in keys}

    assert found == {
        "web": {"shop", "panel", "direct"},
        "web keys": {"public_key", "verify_key", "session_key", "seal_key", "inbox_key"},
        "bot": {"shop", "direct"},
        "bot keys": {"public_key", "session_key", "seal_key", "inbox_key", "bot_key"},
        "worker": {"worker", "direct"},
        "worker keys": {"act_key", "bot_key", "worker_key"},
        "vault": {"vault", "direct"},
        "vault keys": {
            "private_key", "public_key", "fingerprint_key", "audit_key", "link_key", "sign_key", "seal_key",
            "worker_key", "operator_key",
        },
    }  # fmt: skip


def test_no_password_stands_on_a_command_line(store: Config, supervise: Callable[..., Supervisor]) -> None:
    for child in supervise().children:
        assert child.process is not None
        arguments = Path(f"/proc/{child.process.pid}/cmdline").read_text().split("\0")
        assert not [argument for argument in arguments if "-pw" in argument]


def test_a_key_in_a_variable_reaches_the_process_that_may_have_it_and_no_other(
    store: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINK", "0123456789abcdef")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not ours")
    given = replace(store, vault=replace(store.vault, link_key="env:LINK"))

    environments = {name: environment_of(name, given) for name in START_ORDER}

    assert [name for name, variables in environments.items() if "LINK" in variables] == ["vault"]
    assert not [name for name, variables in environments.items() if "AWS_SECRET_ACCESS_KEY" in variables]


def test_a_process_that_dies_is_started_again(store: Config, supervise: Callable[..., Supervisor]) -> None:
    supervisor = supervise("worker")
    first = seen_by(store.data_dir, "worker")["pid"]

    os.kill(first, signal.SIGKILL)
    end = time.monotonic() + 10
    while seen_by(store.data_dir, "worker")["pid"] == first and time.monotonic() < end:
        supervisor.step(0.1)

    assert launch.is_alive(seen_by(store.data_dir, "worker")["pid"])
    assert not launch.is_alive(first)


def test_a_process_that_keeps_dying_is_started_ever_more_slowly(
    store: Config, supervise: Callable[..., Supervisor]
) -> None:
    supervisor = supervise("worker")
    (child,) = supervisor.children
    delays = []

    for _ in range(3):
        assert child.process is not None
        child.process.kill()
        child.process.wait()
        supervisor.step(0)
        assert child.start_again_at is not None
        delays.append(round(child.start_again_at - time.monotonic(), 1))
        child.start_again_at = 0.0
        supervisor.step(0)

    assert delays == [0.2, 0.5, 1.0]


def test_a_process_that_does_not_come_up_is_named(store: Config, supervise: Callable[..., Supervisor]) -> None:
    (store.data_dir / "fault").write_text("worker:dies")

    with pytest.raises(ConfigError, match=r"the process worker does not start: see .*worker\.log"):
        supervise("vault", "worker")


def test_a_deaf_process_is_killed_in_time(store: Config, supervise: Callable[..., Supervisor]) -> None:
    (store.data_dir / "fault").write_text("vault:deaf")
    supervisor = supervise("vault")
    started = time.monotonic()

    supervisor.stop()

    assert time.monotonic() - started < 3
    assert not launch.is_alive(seen_by(store.data_dir, "vault")["pid"])


def test_processes_stop_in_the_order_that_loses_nothing(
    store: Config, supervise: Callable[..., Supervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor = supervise()
    stopped = []
    names = {child.process.pid: child.name for child in supervisor.children if child.process is not None}
    real = launch.stop

    def noted(process: subprocess.Popen[bytes], *, by: signal.Signals, seconds: float) -> None:
        stopped.append(names[process.pid])
        real(process, by=by, seconds=seconds)

    monkeypatch.setattr(launch, "stop", noted)
    supervisor.stop()

    assert stopped == ["web", "bot", "worker", "vault"]


def test_a_process_that_ends_by_itself_is_run_once_and_without_alarm(
    store: Config, supervise: Callable[..., Supervisor], capsys: pytest.CaptureFixture[str]
) -> None:
    supervisor = supervise("vault")

    supervisor.run_once("seed")

    assert not launch.is_alive(seen_by(store.data_dir, "seed")["pid"])
    assert [child.name for child in supervisor.children] == ["vault"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_all_processes(
    parent: subprocess.Popen[str], data_dir: Path, number: signal.Signals
) -> None:
    children = [seen_by(data_dir, name)["pid"] for name in START_ORDER]

    os.killpg(parent.pid, number)
    parent.send_signal(number)

    assert parent.wait(timeout=10) == 0
    assert not [pid for pid in children if launch.is_alive(pid)]


def test_kill_9_of_the_supervisor_ends_its_processes(parent: subprocess.Popen[str], data_dir: Path) -> None:
    children = [seen_by(data_dir, name)["pid"] for name in START_ORDER]

    parent.kill()
    parent.wait()

    assert all(launch.wait_until_gone(pid, 5) for pid in children)
