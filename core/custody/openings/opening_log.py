"""The vault's own record of what it opened, outside the database: what a restored backup is compared with."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from uuid import UUID


class Written:
    """A line of the log that the disk may not have yet."""

    def __init__(self, log: OpeningLog, number: int) -> None:
        self._log = log
        self._kept = log.keep(number)

    def wait(self) -> None:
        """Return once the disk has it. Raises OSError."""
        self._kept.result()


class OpeningLog:
    """One JSON object a line, appended, and on the disk before anything that was opened leaves; ids only, no secret.

    One thread waits for the disk, for all lines written meanwhile at once: openings at the same time share one wait.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file, 0600 in a 0700 folder. Raises OSError."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._lock = threading.Lock()
        self._written = self._kept = 0  # lines; the second only by the one thread of the keeper
        self._failed = False
        self._end_torn_line()
        self._keeper = ThreadPoolExecutor(1, thread_name_prefix="opening-log")

    def begin(
        self,
        *,
        delivery: UUID,
        line: UUID,
        cards: Sequence[UUID],
        action: str,
        now: datetime,
        prints: Sequence[bytes] = (),
    ) -> Written:
        """Write that these cards are about to be opened for a line; nothing may leave before `wait`. Raises OSError.

        `prints` are the cards' keyed fingerprints: a restored database may not know the cards any more.
        """
        entry: dict[str, object] = {
            "at": now.isoformat(),
            "action": action,
            "delivery": str(delivery),
            "line": str(line),
            "cards": [str(card) for card in cards],
        }
        if prints:
            entry["prints"] = [base64.b64encode(one).decode() for one in prints]
        return self._write(entry)

    def append_pickup(self, *, code: UUID, order: UUID, conversation: UUID, now: datetime) -> None:
        """Write that a pick-up code is about to be used by a chat, and wait until the disk has it. Raises OSError."""
        named = {"code": str(code), "order": str(order), "conversation": str(conversation)}
        self._write({"at": now.isoformat(), "action": "cards.picked_up", **named}).wait()

    @property
    def has_failed(self) -> bool:
        """Whether nothing is written any more until the vault starts again."""
        return self._failed

    def keep(self, number: int) -> Future[None]:
        """Have the disk keep everything up to a line."""
        return self._keeper.submit(self._sync, number)

    def _write(self, entry: Mapping[str, object]) -> Written:
        raw = (json.dumps(entry, separators=(",", ":")) + "\n").encode()
        with self._lock:
            if self._failed:
                raise OSError(5, "the opening log was cut short, or the disk did not keep it")
            try:
                if os.write(self._file, raw) != len(raw):
                    raise OSError(28, "the opening log was cut short")
            except OSError:
                self._failed = True  # the next line would be glued to what stands there of this one, and lost with it
                raise
            self._written += 1
            return Written(self, self._written)

    def _end_torn_line(self) -> None:
        """What a full disk or a power cut left of a line stays a line of its own. Raises OSError.

        The disk must keep the log before anything is opened: a vault that cannot write it does not start.
        """
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n" and os.write(self._file, b"\n") != 1:
            raise OSError(28, "the opening log was cut short")
        os.fsync(self._file)

    def _sync(self, number: int) -> None:
        """What was written before this begins is on the disk when it ends.

        After a failure nothing is written any more until the vault starts again: the kernel forgets such an error, and
        the next wait would succeed for lines that the disk never got.
        """
        if self._failed:
            raise OSError(5, "the disk did not keep the opening log")
        if number <= self._kept:
            return
        upto = self._written
        try:
            os.fsync(self._file)
        except OSError:
            self._failed = True
            raise
        self._kept = upto

    def close(self) -> None:
        """Give the file back."""
        self._keeper.shutdown()
        os.close(self._file)
