"""Which files belong to the product: those that git tracks or would track; in an unpacked archive, all but what ran."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("core", "bot", "channels", "admin", "ops")


def files(*suffixes: str) -> list[Path]:
    """Every file of the tree with one of these suffixes (all files without any), sorted, as absolute paths."""
    paths = sorted(ROOT / name for name in (_tracked() if (ROOT / ".git").exists() else _unpacked()))
    return [path for path in paths if path.is_file() and (not suffixes or path.suffix in suffixes)]


def _tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [name for name in listed.split("\0") if name]


def _unpacked() -> list[str]:
    """The files of a tree that came without its history."""
    made = {"__pycache__", "var", "build"}
    names = [path.relative_to(ROOT) for path in ROOT.rglob("*")]
    return [str(name) for name in names if not made & set(name.parts) and not name.parts[0].startswith(".")]


def shown(path: Path) -> str:
    """The path as a person writes it, from the root of the repository."""
    return path.relative_to(ROOT).as_posix()


def is_product(path: Path) -> bool:
    """Code that runs in the store, not in its tests."""
    return path.relative_to(ROOT).parts[0] in (*PRODUCT, "run.py")


def modules(*, product_only: bool = False) -> Iterator[tuple[Path, str, ast.Module]]:
    """Each Python file with its text and its syntax tree."""
    for path in files(".py"):
        if product_only and not is_product(path):
            continue
        text = path.read_text(encoding="utf-8")
        yield path, text, ast.parse(text)
