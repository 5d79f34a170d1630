"""Which Keystall this is."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


@cache
def version() -> str:
    """The version of the code that runs, as pyproject.toml has it."""
    return str(tomllib.loads(_PROJECT.read_text("utf-8"))["project"]["version"])
