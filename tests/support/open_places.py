"""A Python and a checkout that every user of the machine can read, as on a server of the store's own.

Where they lie below a closed folder (a home, a temporary copy of the tree) they are linked or copied to an open one.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("admin", "bot", "channels", "core", "ops", "tests")
NOT_NEEDED = ("test", "tests", "site-packages", "idlelib", "tkinter", "ensurepip", "__pycache__", "lib2to3")


@contextmanager
def open_python(*arguments: str) -> Iterator[list[str]]:
    """A command that runs Python with these arguments in the checkout, whoever runs it."""
    folder = Path(mkdtemp(prefix="ks-open-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        checkout = ROOT if others_read(ROOT / "run.py") else _copied_checkout(folder / "checkout")
        site = Path(sysconfig.get_paths()["purelib"])
        site = site if others_read(site) else _linked(site, folder / "site")
        python = _interpreter(folder / "python")
        libraries = Path(python).resolve().parent.parent / "lib"
        yield [
            "/usr/bin/env", "-C", str(checkout), f"PYTHONPATH={checkout}{os.pathsep}{site}",
            "PYTHONDONTWRITEBYTECODE=1", f"LD_LIBRARY_PATH={libraries}", python, *arguments,
        ]  # fmt: skip
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def others_read(place: Path) -> bool:
    """Whether every user can reach and read this path."""
    real = place.resolve()
    return bool(real.stat().st_mode & 0o004) and all(folder.stat().st_mode & 0o001 for folder in real.parents)


def _interpreter(folder: Path) -> str:
    if others_read(Path(sys.executable)) and others_read(Path(os.__file__)):
        return sys.executable
    version, base = f"python{sys.version_info.major}.{sys.version_info.minor}", Path(sys.base_prefix)
    _linked(base / "bin" / version, folder / "bin" / version)
    for library in (base / "lib").glob("libpython*"):
        _linked(library, folder / "lib" / library.name)
    _linked(base / "lib" / version, folder / "lib" / version, but=NOT_NEEDED)
    return str(folder / "bin" / version)


def _copied_checkout(to: Path) -> Path:
    for name in PACKAGES:
        shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__", "*.png"))
    shutil.copy2(ROOT / "run.py", to / "run.py")
    return to


def _linked(what: Path, to: Path, *, but: tuple[str, ...] = ()) -> Path:
    to.parent.mkdir(parents=True, exist_ok=True)
    if what.is_dir():
        shutil.copytree(what, to, symlinks=True, copy_function=_link, ignore=shutil.ignore_patterns(*but))
    else:
        _link(str(what.resolve()), str(to))
    return to


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
