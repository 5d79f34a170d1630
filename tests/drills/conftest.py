"""What drills share: a whole store, a small file system, and the store's processes by name."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.support.whole import WholeStore

ProcessOf = Callable[[str], psutil.Process]


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[Path]:
    """A file system of that size in an empty folder. On the build machine, where we are root, it is never skipped."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    may = os.geteuid() == 0 and shutil.which("mount") is not None
    answer = subprocess.run(command, capture_output=True, text=True, check=False) if may else None
    if answer is None or answer.returncode:
        reason = answer.stderr.strip() if answer else "only root mounts"
        if os.environ.get("CI") == "true" and os.geteuid() == 0:
            pytest.fail(f"the build machine cannot mount a small file system: {reason}")
        pytest.skip(f"a small file system cannot be mounted: {reason}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 256 MB of its own."""
    folder = Path(tempfile.mkdtemp(prefix="ks-"))
    with mounted(folder, "256m"):
        yield folder
    folder.rmdir()


@pytest.fixture(scope="module")
def store() -> Iterator[WholeStore]:
    """A running store of the module's own."""
    whole = WholeStore()
    yield whole.start()
    whole.remove()


@pytest.fixture(scope="module")
def process_of(store: WholeStore) -> ProcessOf:
    """The store's process of a name, as it runs now."""

    def find(name: str) -> psutil.Process:
        assert store.process is not None
        children = psutil.Process(store.process.pid).children(recursive=True)
        return next(child for child in children if child.cmdline()[-2:] == ["process", name])

    return find
