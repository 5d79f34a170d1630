"""What `doctor` finds about the machine: room on its disks, memory, descriptors, the kernel's fences, the packages."""

from __future__ import annotations

import importlib.metadata
import os
import re
import resource
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from core.config import Config
from ops.doctor.finding import Finding
from ops.isolation.accounts import split_sentence

LEAST_FREE = 1 << 30
LEAST_TEMPORARY = 256 << 20
LEAST_MEMORY = 1 << 30
LEAST_DESCRIPTORS = 4096
REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements.txt"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)", re.MULTILINE)


def folder_findings(config: Config) -> Iterator[Finding]:
    """The data folder, and every disk that what lies in it may be on."""
    folder = config.data_dir
    if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
        yield Finding("folder", f"{folder} cannot be written: start as its owner", is_defect=True)
        return
    places = {"data": _there(folder), "database": _there(folder / "postgres"), "logs": _there(folder / "log")}
    seen: set[int] = set()
    for name, place in places.items():
        disk = place.stat().st_dev
        if disk in seen:
            continue
        seen.add(disk)
        free = shutil.disk_usage(place).free
        if free < LEAST_FREE:
            text = f"only {free >> 20} MB are free at {place} ({name}): make room"
            yield Finding("folder", text, is_defect=True)
        else:
            yield Finding("folder", f"{place}, {free >> 30} GB free")
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < LEAST_TEMPORARY:
        text = f"only {free >> 20} MB are free in {tempfile.gettempdir()}: make room, or set TMPDIR"
        yield Finding("folder", text, is_defect=True)


def machine_findings(config: Config) -> Iterator[Finding]:
    """What the store needs from the machine and its kernel."""
    if shutil.which("setpriv") is None:
        yield Finding("machine", "setpriv was not found: install the package util-linux", is_defect=True)
    text, is_defect = split_sentence(config)
    yield Finding("machine", text, is_defect)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most != resource.RLIM_INFINITY and most < LEAST_DESCRIPTORS:
        text = f"a process may open {most} files at most: raise the limit (ulimit -Hn, LimitNOFILE) to 65536"
        yield Finding("machine", text, is_defect=True)
    total = memory()
    if total < LEAST_MEMORY:
        text = f"the machine has {total >> 20} MB of memory, the store wants 1 GB: give it more, or engines elsewhere"
        yield Finding("machine", text, is_defect=True)


def package_findings() -> Iterator[Finding]:
    """Whether what is installed is what this version was tested with."""
    other = [text for text in (_installed(*pin) for pin in pins()) if text]
    if other:
        more = f" and {len(other) - 3} more" if len(other) > 3 else ""
        text = f"{', '.join(other[:3])}{more}: pip install -r requirements.txt"
        yield Finding("packages", text, is_defect=True)
    else:
        yield Finding("packages", "the versions that requirements.txt names")


def pins() -> list[tuple[str, str]]:
    """Each package of requirements.txt with its version."""
    return [(match[1], match[2]) for match in _PINNED.finditer(REQUIREMENTS.read_text("utf-8"))]


def memory() -> int:
    """All memory that this machine has, in bytes; what a container may use where it may use less."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text("ascii").strip()
    except OSError:
        return total
    return min(total, int(limit)) if limit.isdigit() else total


def _installed(package: str, wanted: str) -> str:
    try:
        found = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return f"{package} is missing"
    return "" if found == wanted else f"{package} is {found}, not {wanted}"


def _there(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())
