"""The vault's own record of what it opened, outside the database: what a restored backup is compared with."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID


class OpeningLog:
    """One JSON object a line, appended and on the disk before anything is opened; ids only, never a secret."""

    def __init__(self, path: Path) -> None:
        """Open or make the file, 0600 in a 0700 folder. Raises OSError."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._lock = threading.Lock()

    def append(self, *, delivery: UUID, line: UUID, cards: Sequence[UUID], action: str, now: datetime) -> None:
        """Write that these cards are about to be opened for a line, and wait until the disk has it. Raises OSError."""
        entry = {
            "at": now.isoformat(),
            "action": action,
            "delivery": str(delivery),
            "line": str(line),
            "cards": [str(card) for card in cards],
        }
        self._write(entry)

    def append_pickup(self, *, code: UUID, order: UUID, conversation: UUID, now: datetime) -> None:
        """Write that a pick-up code is about to be used by a chat, and wait until the disk has it. Raises OSError."""
        named = {"code": str(code), "order": str(order), "conversation": str(conversation)}
        self._write({"at": now.isoformat(), "action": "cards.picked_up", **named})

    def _write(self, entry: Mapping[str, object]) -> None:
        raw = (json.dumps(entry, separators=(",", ":")) + "\n").encode()
        with self._lock:
            if os.write(self._file, raw) != len(raw):
                raise OSError(28, "the opening log was cut short")
            os.fsync(self._file)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._file)
