"""What an idle store takes: `run.py demo` with all its processes and engines, measured when it has come to rest.

PostgreSQL's shared buffers stand in the RSS of each of its backends; what counts is the memory that is gone (PSS).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from ops.bench.figures import Figure
from ops.races.trial import free_port

GOAL_MB = 600.0
REST = 10.0  # seconds after it is ready
PATIENCE = 120.0
RUN_PY = Path(__file__).resolve().parents[2] / "run.py"


def measured(say: Callable[[str], None]) -> list[Figure]:
    """Megabytes of all processes together; half a minute."""
    with demo() as (process, ready):
        wait_until_ready(ready)
        time.sleep(REST)
        pids = [process.pid, *children_of(process.pid)]
        resident, shared_once = sum(map(resident_mb, pids)), sum(map(proportional_mb, pids))
    say(f"the idle store has {len(pids)} processes")
    return [
        Figure("memory", f"idle store, {len(pids)} processes, shared pages once (PSS)", shared_once, "MB", GOAL_MB),
        Figure("memory", "the same, shared pages counted in each process (RSS)", resident, "MB"),
    ]


@contextlib.contextmanager
def demo() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A demo in a folder and on ports of its own, and the address that says whether it is ready."""
    folder, port, ops_port = tempfile.mkdtemp(prefix="keystall-idle-"), free_port(), free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KEYSTALL_")}
    environment |= {"KEYSTALL_STORE__DATA_DIR": folder, "KEYSTALL_WEB__PORT": str(port)}
    environment |= {"KEYSTALL_WEB__OPS_PORT": str(ops_port)}
    words = [sys.executable, str(RUN_PY), "demo"]
    process = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        yield process, f"http://127.0.0.1:{port}/readyz"
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def wait_until_ready(address: str) -> None:
    """Return once the store says that it is ready. Raises RuntimeError."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(address, trust_env=False).status_code == 200:
                return
        time.sleep(0.5)
    raise RuntimeError("the demo of the bench did not become ready")


def children_of(pid: int) -> list[int]:
    """All processes below one."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            after_name = stat.read_text().rpartition(")")[2].split()
            parents.setdefault(int(after_name[1]), []).append(int(stat.parent.name))
    found = list(parents.get(pid, ()))
    for one in found:
        found += parents.get(one, ())
    return found


def resident_mb(pid: int) -> float:
    """Memory of a process that is in use, shared pages included."""
    return _kilobytes(Path(f"/proc/{pid}/status"), "VmRSS:") / 1024


def proportional_mb(pid: int) -> float:
    """The same with shared pages divided by those that share them."""
    return _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") / 1024


def _kilobytes(file: Path, name: str) -> int:
    with contextlib.suppress(OSError):
        for line in file.read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1])
    return 0
