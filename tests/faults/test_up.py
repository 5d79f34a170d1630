"""The whole store as a person runs it: real processes, real engines, Ctrl-C, kill -9, a second start."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psycopg
import pytest

from core.config import Config, Store
from core.vault.client import VaultClient
from ops.engines import launch
from ops.engines.engines import embedded_urls
from ops.processes.supervisor import START_ORDER

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


class RunningStore:
    """`python run.py up` in a process of its own, in a session like a terminal's."""

    def __init__(self, data_dir: Path, *arguments: str, **settings: str) -> None:
        self.data_dir = data_dir
        self.port, ops_port = free_port(), free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "KEYSTALL_STORE__DATA_DIR": str(data_dir),
            "KEYSTALL_WEB__PORT": str(self.port),
            "KEYSTALL_WEB__OPS_PORT": str(ops_port),
            **settings,
        }
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "run.py"), "up", *arguments],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        self.said: list[str] = []

    def wait_ready(self) -> None:
        """Read until the store says that it is ready."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if line.startswith("Ready."):
                return
        raise AssertionError("".join(self.said))

    def stop(self, by: signal.Signals = signal.SIGINT) -> tuple[int, float]:
        """Send a signal and wait; exit status and seconds."""
        started = time.monotonic()
        self.process.send_signal(by)
        out, _ = self.process.communicate(timeout=20)
        self.said.append(out)
        return self.process.returncode, time.monotonic() - started

    def pids(self) -> list[int]:
        """Every process that this store has started, itself excluded."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != self.process.pid and launch.is_alive(int(entry.name)):
                try:
                    environ, arguments = (entry / "environ").read_bytes(), (entry / "cmdline").read_bytes()
                except OSError:
                    continue
                if os.fsencode(self.data_dir) in environ + arguments:
                    found.append(int(entry.name))
        return found


def arguments_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One data folder for the tests of this file: a second start keeps what the first one wrote."""
    made = Path(tempfile.mkdtemp(prefix="ks-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def up(folder: Path) -> Iterator[Callable[..., RunningStore]]:
    with ExitStack() as ended:

        def start(*arguments: str, **settings: str) -> RunningStore:
            store = RunningStore(folder, *arguments, **settings)
            ended.callback(finish, store)
            store.wait_ready()
            return store

        yield start


@pytest.fixture(scope="module")
def running() -> Iterator[RunningStore]:
    """A store in a folder of its own, for the tests that leave it running."""
    made = Path(tempfile.mkdtemp(prefix="ks-"))
    store = RunningStore(made)
    try:
        store.wait_ready()
        yield store
    finally:
        finish(store)
        shutil.rmtree(made)


def finish(store: RunningStore) -> None:
    if store.process.poll() is None:
        store.stop(signal.SIGTERM)
    assert store.process.stdout is not None
    store.process.stdout.close()


def test_up_makes_a_store_that_answers_and_ctrl_c_ends_all_of_it(up: Callable[..., RunningStore]) -> None:
    store = up()
    alive = httpx.get(f"http://127.0.0.1:{store.port}/healthz")
    ready = httpx.get(f"http://127.0.0.1:{store.port}/readyz")
    processes = store.pids()

    status, seconds = store.stop(signal.SIGINT)

    assert (alive.status_code, ready.status_code) == (200, 200)
    assert any(line == f"  shop    http://127.0.0.1:{store.port}/\n" for line in store.said)
    assert len(processes) >= 5
    assert (status, store.said[-1].splitlines()[-1]) == (0, "Keystall has stopped; nothing is lost.")
    assert seconds < 10
    assert store.pids() == []


def test_a_second_start_keeps_keys_and_rows_and_sigterm_ends_it_too(
    up: Callable[..., RunningStore], folder: Path
) -> None:
    store = up("--only", "vault")
    keys = {path: path.read_bytes() for path in (folder / "keys").iterdir()}
    config = Config(store=Store(data_dir=folder))
    urls = embedded_urls(folder, config.engine_sockets)
    with psycopg.connect(urls.owner) as connection:
        before = connection.execute("SELECT vault_id, created_at FROM installation").fetchone()
    status, seconds = store.stop(signal.SIGTERM)
    assert status == 0
    assert seconds < 10

    again = up("--only", "vault")

    with psycopg.connect(urls.owner) as connection:
        assert connection.execute("SELECT vault_id, created_at FROM installation").fetchone() == before
    assert {path: path.read_bytes() for path in (folder / "keys").iterdir()} == keys
    assert not any(line.startswith("  keys ") for line in again.said)


def test_kill_9_of_the_supervisor_ends_everything_and_the_next_start_works(up: Callable[..., RunningStore]) -> None:
    store = up()
    processes = store.pids()

    store.process.kill()
    store.process.wait()

    assert all(launch.wait_until_gone(pid, 10) for pid in processes)
    again = up("--only", "web")
    assert httpx.get(f"http://127.0.0.1:{again.port}/healthz").status_code == 200


def test_each_process_killed_with_kill_9_is_back_soon(running: RunningStore) -> None:
    first = {name: processes_called(running, name) for name in START_ORDER}

    for (pid,) in first.values():
        os.kill(pid, signal.SIGKILL)

    end = time.monotonic() + 15
    again = first
    while any(found in ([], first[name]) for name, found in again.items()) and time.monotonic() < end:
        time.sleep(0.1)
        again = {name: processes_called(running, name) for name in START_ORDER}
    assert [len(found) for found in again.values()] == [1, 1, 1, 1]
    assert all(again[name] != first[name] for name in START_ORDER)


def processes_called(store: RunningStore, name: str) -> list[int]:
    """The pids of one process of the store."""
    ending = b"run.py\0process\0" + name.encode() + b"\0"
    return [pid for pid in store.pids() if Path(f"/proc/{pid}/cmdline").read_bytes().endswith(ending)]


def test_no_process_has_the_password_or_key_reference_of_another(running: RunningStore) -> None:
    seen = {}
    for name in START_ORDER:
        (pid,) = processes_called(running, name)
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
        passwords = {path.stem: path.read_bytes() for path in (running.data_dir / "keys").glob("*.password")}
        assert not [role for role, password in passwords.items() if password in arguments]
        roles = {role.removeprefix("keystall_") for role, password in passwords.items() if password in environment}
        seen[name] = (roles, sorted(re.findall(rb"file:keys/(\w+\.\w+)", environment)))

    assert seen == {
        "web": ({"shop", "panel", "direct"}, [b"inbox.key", b"seal.key", b"session.key", b"vault.pub", b"verify.key"]),
        "bot": ({"shop", "direct"}, [b"bot.key", b"inbox.key", b"seal.key", b"session.key", b"vault.pub"]),
        "worker": ({"worker", "direct"}, [b"act.key", b"bot.key", b"worker.key"]),
        "vault": (
            {"vault", "direct"},
            [
                *(b"audit.key", b"fingerprint.key", b"link.key", b"operator.key", b"seal.key", b"sign.key"),
                *(b"vault.key", b"vault.pub", b"worker.key"),
            ],
        ),
    }


def test_a_store_without_its_vault_key_starts_sells_nothing_and_says_why(
    up: Callable[..., RunningStore], folder: Path
) -> None:
    """Fault 70."""
    finish(up("--only", "vault"))  # a store that was there before, whichever test came first
    key = folder / "keys" / "vault.key"
    kept = key.read_bytes()
    key.unlink()

    try:
        store = up("--only", "web,vault")

        (said,) = (line for line in store.said if "NOTHING IS SOLD" in line)
        assert f"the key file {key} is missing: put it back from your copy" in said
        assert httpx.get(f"http://127.0.0.1:{store.port}/healthz").status_code == 200
        reason = VaultClient(Config(store=Store(data_dir=folder)).vault_socket).status().reason
        assert reason is not None
        assert "vault.key is missing" in reason
        assert not key.exists()
        finish(store)
    finally:
        key.write_bytes(kept)


@pytest.mark.parametrize("moment", [b"--boot", b"--single", b"-D"])
def test_sigterm_in_the_middle_of_a_first_start_leaves_no_process(moment: bytes) -> None:
    """While initdb runs servers of its own, and while the database is started."""
    folder = Path(tempfile.mkdtemp(prefix="ks-"))
    store = RunningStore(folder)
    end = time.monotonic() + 30
    while moment not in b"".join(map(arguments_of, store.pids())):
        assert time.monotonic() < end

    status, seconds = store.stop(signal.SIGTERM)

    assert status in (0, 130)
    assert seconds < 10
    assert store.pids() == []
    shutil.rmtree(folder)


@pytest.mark.parametrize("engine", ["postgres", "valkey"])
def test_an_engine_killed_with_kill_9_is_back_and_the_store_goes_on(running: RunningStore, engine: str) -> None:
    """Faults 7, 8 and 11 as seen from outside: the store heals by itself."""
    (first,) = engines_called(running, engine)

    os.kill(first, signal.SIGKILL)

    end = time.monotonic() + 20
    while (engines_called(running, engine) in ([], [first]) or not is_ready(running)) and time.monotonic() < end:
        time.sleep(0.2)
    assert len(engines_called(running, engine)) == 1
    assert is_ready(running)


def engines_called(store: RunningStore, name: str) -> list[int]:
    """The pids of one engine of the store: its parent is the supervisor."""
    found = []
    for pid in store.pids():
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        if parent == store.process.pid and name in Path(f"/proc/{pid}/comm").read_text():
            found.append(pid)
    return found


def is_ready(store: RunningStore) -> bool:
    """Whether the readiness page says so."""
    try:
        return httpx.get(f"http://127.0.0.1:{store.port}/readyz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def test_several_web_processes_share_the_port_and_one_may_die(up: Callable[..., RunningStore]) -> None:
    store = up("--only", "web,bot", KEYSTALL_WEB__WORKERS="2")
    first, second = processes_called(store, "web")

    os.kill(first, signal.SIGKILL)
    answers = [httpx.get(f"http://127.0.0.1:{store.port}/healthz").status_code for _ in range(10)]

    assert answers == [200] * 10
    assert second in processes_called(store, "web")
    end = time.monotonic() + 15
    while len(processes_called(store, "web")) < 2 and time.monotonic() < end:
        time.sleep(0.1)
    assert len(processes_called(store, "web")) == 2
