"""What the processes of an import cost, as the kernel counts it: their greatest memory (VmHWM), processor time."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_EVERY = 0.05
_TICKS = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def peaks(vault: int) -> Iterator[dict[str, float]]:
    """Process -> its peak in MB: `vault` and, as long as they live, its children (`decoder`). Reset at the start."""
    found: dict[str, float] = {}
    over = threading.Event()
    with contextlib.suppress(OSError):
        (_PROC / str(vault) / "clear_refs").write_text("5")  # the peak begins anew

    def look() -> None:
        while not over.wait(_EVERY):
            _note(found, "vault", vault)
            for child in children(vault):
                _note(found, "decoder", child)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def children(parent: int) -> list[int]:
    """The processes that a process started and that still run."""
    found: list[int] = []
    for task in (_PROC / str(parent) / "task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(one) for one in task.read_text().split()]
    return found


def processor_of(pid: int) -> tuple[float, float]:
    """Seconds of processor time of a process, and of all its children that were or are there."""
    own, ended = _times(pid)
    return own, ended + sum(sum(_times(child)) for child in children(pid))


def parent_of(pid: int) -> int:
    """Who started a process."""
    return int(_stat(pid)[1])


def _times(pid: int) -> tuple[float, float]:
    try:
        found = _stat(pid)
    except OSError:
        return 0.0, 0.0
    return (int(found[11]) + int(found[12])) / _TICKS, (int(found[13]) + int(found[14])) / _TICKS


def _stat(pid: int) -> list[str]:
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def peak_of(pid: int) -> float:
    """VmHWM of a process in MB; 0 when it is gone."""
    with contextlib.suppress(OSError):
        for line in (_PROC / str(pid) / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _note(found: dict[str, float], name: str, pid: int) -> None:
    found[name] = max(found.get(name, 0.0), peak_of(pid))
