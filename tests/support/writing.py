"""Which files this process opens for writing while somebody looks: told by the interpreter, so nothing passes by it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

_lookers: list[list[str]] = []
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TMPFILE
_hooked: list[bool] = []


@contextlib.contextmanager
def files_written() -> Iterator[list[str]]:
    """Paths of files that were opened for writing within the block, also nameless ones; of Python's own cache none."""
    if not _hooked:
        sys.addaudithook(_hook)  # for ever: it costs a look at the event's name
        _hooked.append(True)
    seen: list[str] = []
    _lookers.append(seen)
    try:
        yield seen
    finally:
        _lookers.remove(seen)


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if event != "open" or not _lookers:
        return
    path, _, flags = args
    if isinstance(flags, int) and flags & _WRITES and "__pycache__" not in str(path) and str(path) != os.devnull:
        for seen in _lookers:
            seen.append(str(path))
