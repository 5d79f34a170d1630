"""Tries mutations in a copy of the tree: the test passes as the code stands, and fails without the protection."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.house.tree import files
from tests.mutations.mutation import ROOT, Mutation

LONGEST = 600  # seconds of one test
PASSED, FAILED = 0, 1  # pytest's
SECONDS = itertools.count(int(datetime(2001, 1, 1, tzinfo=UTC).timestamp()))


@contextmanager
def copy_of_the_tree() -> Iterator[Path]:
    """The files of the tree as they stand now, in a folder of their own."""
    with TemporaryDirectory(prefix="mutated-") as made:
        Path(made).chmod(0o755)  # processes with users of their own read it too
        for file in files():
            target = Path(made) / file.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target)
        yield Path(made)


def run(tree: Path, test: str) -> tuple[int, str]:
    """pytest's exit code for the tests, and the last line it said."""
    words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:randomly", "-p", "no:cacheprovider", *test.split()]
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    done = subprocess.run(
        words, cwd=tree, env=environment, capture_output=True, text=True, timeout=LONGEST, check=False
    )
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    return done.returncode, lines[-1] if lines else done.stderr[-200:]


def tried(tree: Path, mutation: Mutation) -> tuple[bool, str]:
    """Whether the test fails without the protection, and the last line of that run. The files are put back."""
    before = {file: (tree / file).read_text(encoding="utf-8") for file, _, _ in mutation.edits}
    mutated = dict(before)
    for file, old, new in mutation.edits:
        if before[file].count(old) != 1:
            return False, f"what should be taken away stands {before[file].count(old)} times in {file}"
        mutated[file] = mutated[file].replace(old, new)
    try:
        _write(tree, mutated)
        code, said = run(tree, mutation.test)
    except subprocess.TimeoutExpired:
        return False, f"no end within {LONGEST} s"
    finally:
        _write(tree, before)
    return code == FAILED, said


def _write(tree: Path, texts: Mapping[str, str]) -> None:
    """Each write has a second of its own: bytecode is known by its source's size and second, so none is mistaken."""
    for file, text in texts.items():
        (tree / file).write_text(text, encoding="utf-8")
        os.utime(tree / file, (second := next(SECONDS), second))
