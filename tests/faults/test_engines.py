"""The embedded engines: who may enter, what is logged, and what a kill, a second start or an old folder does."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis

from core.config import Config, ConfigError, Store
from ops import engines
from ops.engines import launch
from ops.engines.lock import FolderBusy, FolderLock

ROOT = Path(__file__).resolve().parents[2]
HOLDER = """
import os, sys, time
from pathlib import Path
from core.config import Config, Store
from ops import engines
held = engines.start(Config(store=Store(data_dir=Path(sys.argv[1]))), kind=sys.argv[2], durable=False)
print(held.postgres.pid, held.valkey._process.pid, flush=True)
sys.stdin.read()
held.stop()
"""


@pytest.fixture
def embedded(data_dir: Path) -> Config:
    return Config(store=Store(data_dir=data_dir))


@pytest.fixture
def hold(data_dir: Path) -> Callable[[str], subprocess.Popen[str]]:
    """Starts the engines in another process, as `up`, `demo` or `command`; its first line names their pids."""
    started = []

    def start(kind: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(data_dir), kind],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield start  # type: ignore[misc]
    for process in started:
        if process.stdin is not None and process.stdin.closed:
            process.stdin = None
        process.communicate(timeout=20)


def pids(process: subprocess.Popen[str]) -> list[int]:
    assert process.stdout is not None
    return [int(word) for word in process.stdout.readline().split()]


def test_a_second_start_keeps_what_the_first_one_wrote(embedded: Config) -> None:
    with engines.start(embedded, durable=False) as first, psycopg.connect(first.urls.owner) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS number")

    with engines.start(embedded, durable=False) as second, psycopg.connect(second.urls.owner) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (42,)
        assert not second.was_unclean


def test_two_starts_on_one_folder_are_refused_with_a_sentence(embedded: Config) -> None:
    with engines.start(embedded, durable=False), pytest.raises(FolderBusy) as refused:
        engines.start(embedded, durable=False)

    assert str(refused.value) == (
        f"`up`, process {os.getpid()}, already runs the store in {embedded.data_dir}: "
        "stop it first, or set another store.data_dir"
    )


def test_engines_are_gone_and_start_again_after_kill_9_of_their_owner(
    embedded: Config, hold: Callable[[str], subprocess.Popen[str]]
) -> None:
    owner = hold("up")
    postgres, valkey = pids(owner)
    with engines.attach_or_start(embedded) as attached, psycopg.connect(attached.urls.owner) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS number")

    owner.send_signal(signal.SIGKILL)
    owner.wait()

    with engines.start(embedded, durable=False) as again, psycopg.connect(again.urls.owner) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (42,)
        assert again.was_unclean
        assert launch.wait_until_gone(postgres, 5)
        assert launch.wait_until_gone(valkey, 5)


def test_a_server_killed_with_its_owner_leaves_files_that_stop_nothing(embedded: Config) -> None:
    with engines.start(embedded, durable=False) as first:
        assert first.postgres is not None
        assert first.postgres.pid is not None
        os.kill(first.postgres.pid, signal.SIGKILL)
        assert launch.wait_until_gone(first.postgres.pid, 5)
        assert not first.postgres.is_running()
        assert (first.postgres.cluster / "postmaster.pid").exists()

    with engines.start(embedded, durable=False) as second, psycopg.connect(second.urls.shop) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("keystall_shop",)


def test_a_start_that_was_killed_while_it_made_the_cluster_is_made_again(embedded: Config) -> None:
    half = embedded.data_dir / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    with engines.start(embedded, durable=False) as made:
        assert made.postgres is not None
        assert not half.exists()


def test_a_cluster_of_another_major_version_is_refused_and_left_alone(embedded: Config) -> None:
    cluster = embedded.data_dir / "postgres"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("15\n")

    with pytest.raises(ConfigError, match=r"was made by PostgreSQL 15, this Keystall brings 18: dump it"):
        engines.start(embedded, durable=False)

    assert [path.name for path in cluster.iterdir()] == ["PG_VERSION"]


def test_a_deep_data_dir_still_has_sockets(tmp_path: Path) -> None:
    deep = Config(store=Store(data_dir=tmp_path / ("deep" * 25)))
    short = deep.engine_sockets.parent

    try:
        with engines.start(deep, durable=False) as running, psycopg.connect(running.urls.shop) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
            assert stat.S_IMODE(short.stat().st_mode) == 0o700
    finally:
        shutil.rmtree(short, ignore_errors=True)


def test_a_socket_folder_that_another_user_planted_is_refused(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = data_dir.parent / f"{data_dir.name}-planted"
    planted.mkdir()
    me = os.geteuid() + 4242
    monkeypatch.setattr(os, "geteuid", lambda: me)

    try:
        with pytest.raises(ConfigError, match=f"{planted} belongs to another user: remove it"):
            launch.own_folder(planted / "run", me)
        assert not (planted / "run").exists()
    finally:
        planted.rmdir()


def test_engines_run_for_a_user_who_is_not_root(data_dir: Path) -> None:
    prefix: list[str] = []
    if os.geteuid() == 0:
        os.chown(data_dir, 65534, 65534)
        prefix = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        prefix += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]  # to read a checkout below /root

    done = subprocess.run(
        [*prefix, sys.executable, "-B", "-c", HOLDER, str(data_dir), "up"],
        cwd=ROOT, input="", capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    owner = 65534 if os.geteuid() == 0 else os.geteuid()
    assert {path.stat().st_uid for path in data_dir.rglob("*")} == {owner}


def test_a_command_attaches_to_a_running_store_and_leaves_it_running(embedded: Config) -> None:
    with engines.start(embedded, kind="up", durable=False) as running:
        with engines.attach_or_start(embedded) as attached:
            assert not attached.owns
            assert attached.urls == running.urls
            with redis.Redis.from_url(attached.redis_url) as client:
                client.set("a", "1")
        assert running.postgres is not None
        assert running.postgres.is_running()
        with redis.Redis.from_url(running.redis_url) as client:
            assert client.get("a") == b"1"


def test_a_command_that_started_the_engines_waits_for_another_that_uses_them(
    embedded: Config, hold: Callable[[str], subprocess.Popen[str]]
) -> None:
    first = hold("command")
    pids(first)
    attached = engines.attach_or_start(embedded)
    assert not attached.owns

    assert first.stdin is not None
    first.stdin.close()
    time.sleep(0.3)
    with psycopg.connect(attached.urls.shop) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert first.poll() is None
    attached.stop()

    assert first.wait(timeout=10) == 0


def test_up_waits_for_a_short_command_to_finish(embedded: Config, hold: Callable[[str], subprocess.Popen[str]]) -> None:
    command = hold("command")
    pids(command)
    assert command.stdin is not None
    command.stdin.close()

    with engines.start(embedded, kind="up", durable=False) as running:
        assert running.owns


def test_a_lock_file_without_its_owner_stops_nothing(embedded: Config) -> None:
    embedded.data_dir.mkdir(parents=True, exist_ok=True)
    stale = {"pid": 1, "kind": "up", "sockets": "/nowhere", "ready": True}
    (embedded.data_dir / "engines.lock").write_text(json.dumps(stale))
    lock = FolderLock(embedded.data_dir)

    assert not lock.is_held_by_another()
    assert lock.acquire() is True
    lock.release()


def test_a_missing_setpriv_is_named(embedded: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(ConfigError, match="setpriv was not found: install the package util-linux"):
        engines.start(embedded, durable=False)
