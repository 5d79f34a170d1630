"""How the figures of all processes reach the one listener: each overwrites its row of one small unlogged table.

Files or sockets between them would have to be open to processes that must not see each other's files, and would end at
the machine. The table ends with nothing but the database, and then that is what is wrong.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from psycopg.types.json import Jsonb

from channels.figures import Family, Figures, packed, unpacked
from core import db
from ops.isolation.entitlements import PLACE

EVERY = 5.0  # seconds between two writes of a process
GONE_AFTER = timedelta(seconds=60)
"""A row that nobody has overwritten for so long is of a process that has ended."""

WRITE = """
INSERT INTO process_figures AS p (host, process, place, started_at, written_at, figures)
VALUES (%(host)s, %(process)s, %(place)s, %(started_at)s, now(), %(figures)s)
ON CONFLICT (host, process, place) DO UPDATE SET
    starts = p.starts + (EXCLUDED.started_at > p.started_at)::int, started_at = EXCLUDED.started_at,
    written_at = EXCLUDED.written_at, figures = EXCLUDED.figures
WHERE EXCLUDED.started_at >= p.started_at
"""
"""The newer process of a place has the row: one that ends beside it writes nothing any more."""

READ = """
SELECT host, process, place, started_at, written_at, starts, figures FROM process_figures
WHERE written_at > now() - %s ORDER BY process, host, place LIMIT 256
"""

FORGET = "DELETE FROM process_figures WHERE written_at < %s"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Published:
    """What one process last told of itself."""

    host: str
    process: str
    place: int
    started_at: datetime
    written_at: datetime
    starts: int
    families: tuple[Family, ...]

    @property
    def labels(self) -> dict[str, str]:
        """Whose figures these are."""
        return {"host": self.host, "process": self.process, "place": str(self.place)}


class Publisher:
    """Writes the figures of this process every few seconds, in a thread of its own, until it is stopped."""

    def __init__(self, process: str, figures: Figures, *, place: int = 0, host: str = "") -> None:
        self.figures = figures
        self.labels = {"host": host or socket.gethostname(), "process": process, "place": str(place)}
        self.started_at = datetime.now(UTC)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="figures", daemon=True)

    def start(self) -> None:
        """Begin; the pool must be connected."""
        self._thread.start()

    def stop(self) -> None:
        """Write no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2)

    def write(self) -> None:
        """One row, as things are now."""
        values = {"host": self.labels["host"], "process": self.labels["process"], "place": int(self.labels["place"])}
        figures = Jsonb(packed(self.figures.families()))
        with db.connection():
            db.execute(WRITE, values | {"started_at": self.started_at, "figures": figures})

    def _run(self) -> None:
        is_failing = False
        while not self._stop.is_set():
            try:
                self.write()
                is_failing = False
            except Exception:  # the database may be away: figures are the least that misses it
                if not is_failing:
                    log.warning("the figures of this process are not written", exc_info=True)
                is_failing = True
            self._stop.wait(EVERY)


def place_from_environment() -> int:
    """Which of its like this process is; 0 where nobody says."""
    given = os.environ.pop(PLACE, "0")
    return int(given) if given.isdigit() else 0


def published() -> Iterator[Published]:
    """What each living process last wrote; a row that no process of ours can have written is left out."""
    with db.connection():
        rows = db.execute(READ, (GONE_AFTER,))
    for host, process, place, started_at, written_at, starts, figures in rows:
        try:
            families = tuple(unpacked(figures))
        except ValueError:
            log.error("figures of another shape were left out", of=process)
            continue
        yield Published(host, process, place, started_at, written_at, starts, families)


def forget_ended(*, now: datetime) -> int:
    """Remove the rows of processes and machines that wrote nothing for a day; returns how many."""
    return db.changed(FORGET, (now - timedelta(days=1),))
