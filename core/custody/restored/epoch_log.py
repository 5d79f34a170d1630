"""The opening log as a restored database reads it: whether it is the one of the backup, and what it says went out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

BEFORE_THE_BACKUP = 4 * 1024 * 1024
"""So many bytes before its position the log is read as well: what was written then may not be in the backup."""


class LogReading:
    """One way through it, from a byte on; `unreadable` counts lines that cannot be read, `until` is of the last."""

    def __init__(self, log: Path, begin: int) -> None:
        self.unreadable = 0
        self.until: datetime | None = None
        self._log = log
        self._begin = begin

    def entries(self) -> Iterator[dict[str, Any]]:
        """What its lines say, oldest first; nothing where there is no log. Raises OSError.

        One that was cut short by a crash was never acted upon, but nobody can tell it from one that was damaged later.
        """
        try:
            file = self._log.open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(self._begin)
            if self._begin:
                file.readline()
            for line in file:
                if (entry := _read(line)) is not None:
                    self.until = datetime.fromisoformat(entry["at"])
                    yield entry
                elif line.strip():
                    self.unreadable += 1


def begins_as(log: Path, size: int, expected: str) -> bool:
    """Whether the log is at least so long, and has that SHA-256 (in hex) until there."""
    found, left = hashlib.sha256(), size
    try:
        with log.open("rb") as file:
            while left and (part := file.read(min(left, 1 << 20))):
                found.update(part)
                left -= len(part)
    except FileNotFoundError:
        return False
    return left == 0 and found.hexdigest() == expected


def take_back(entries: list[Mapping[str, Any]], refused: Mapping[str, Any]) -> None:
    """Forget what was written before an opening that then was refused: nothing of it left the vault.

    Its cards tell it from another attempt at the same delivery, which may have succeeded.
    """
    for place in range(len(entries) - 1, -1, -1):
        if all(entries[place].get(name) == refused.get(name) for name in ("delivery", "line", "cards")):
            del entries[place]
            return


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and _is_time(entry.get("at")) else None


def _is_time(at: object) -> bool:
    try:
        return datetime.fromisoformat(str(at)).tzinfo is not None
    except ValueError:
        return False
