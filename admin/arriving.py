"""Files on their way into the panel: sealed to the vault as they come, or kept in memory where they are small.

Werkzeug would write what is larger than 500 kB to a temporary file, in clear. Here a route that takes files of cards
(`for_roles(…, takes_files=True)`) has each of them sealed piece by piece; any other route is bounded by what it may be
sent at all, which stays in memory.
"""

from __future__ import annotations

import io
import re
import threading
import time
from typing import IO, Any
from uuid import UUID

import peewee
import structlog
from flask import Request, current_app, g

from admin.declared import declared_for
from admin.panel import panel, request_time, signed_in
from core.errors import Refusal, Unavailable, error_id
from core.vault.arriving import ArrivingFile

ADDRESSES = re.compile(r"/imports/new/[0-9]{1,18}")
"""Whose bodies come piece by piece, below the panel's own address; every other body is read whole, up to 64 kB."""

AT_ONCE = 3
"""Files that arrive at once in one process: each keeps a thread, and the others are for everybody else's pages."""

LONGEST = 15 * 60.0
"""Seconds; whoever sends that slowly keeps others from sending."""

log = structlog.get_logger()
_rooms = threading.BoundedSemaphore(AT_ONCE)


class TooManyArriving(Unavailable):
    """As many files as one process takes at a time are arriving."""


class TooSlow(Unavailable):
    """The file did not arrive in time."""


class NoVaultKey(Unavailable):
    """The vault has never said its key: nothing can be sealed to it."""


class SealedOnItsWay(io.RawIOBase):
    """What werkzeug takes for a file: written once, read never. `refusal` is why nothing of it is kept."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.refusal: Refusal | None = None
        self.upload: UUID | None = None
        self._began = time.monotonic()
        self._arriving: ArrivingFile | None = None
        self._has_room = bool(name) and _rooms.acquire(blocking=False)
        if not name:  # an empty field of a form without a file
            return
        self._try(lambda: self._begin(name))

    def _begin(self, name: str) -> None:
        if not self._has_room:
            raise TooManyArriving
        public = panel().vault_public()
        if public is None:
            raise NoVaultKey
        owner = signed_in().party.id
        self._arriving = ArrivingFile(name=name, owner_id=owner, vault_public=public, now=request_time())

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, piece: Any) -> int:
        """Seal the next bytes; once it is refused they are only counted."""
        if self._arriving is not None and self.refusal is None:
            arriving = self._arriving
            self._try(lambda: self._take(arriving, bytes(piece)))
        return len(piece)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Werkzeug goes back to the start when all of it has come: then it is complete."""
        if self._arriving is not None and self.refusal is None and self.upload is None:
            arriving = self._arriving

            def finish() -> None:
                self.upload = arriving.finish()

            self._try(finish)
        self._leave()
        return 0

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._arriving.size if self._arriving is not None else 0

    def close(self) -> None:
        """Also when the sender went away in the middle."""
        self._leave()
        super().close()

    def _take(self, arriving: ArrivingFile, piece: bytes) -> None:
        if time.monotonic() - self._began > LONGEST:
            raise TooSlow
        arriving.take(piece)

    def _try(self, act: Any) -> None:
        try:
            act()
        except Refusal as refusal:
            self.refusal = refusal
        except (peewee.OperationalError, peewee.InterfaceError) as error:  # the database is away, or its disk is full
            log.warning("a file could not be kept", error_id=error_id(), kind=type(error).__name__)
            self.refusal = Unavailable(what="database")

    def _leave(self) -> None:
        if self._has_room:
            self._has_room = False
            _rooms.release()


class SealingRequest(Request):
    """A request whose files are nowhere in clear but in memory."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        del total_content_length, content_type, content_length  # what a browser says of a file counts for nothing
        declared = declared_for(current_app, self.endpoint)
        if declared is None or not declared.takes_files or g.get("session") is None:
            return io.BytesIO()
        stream = SealedOnItsWay(filename or "")
        g.setdefault("arriving", []).append(stream)
        return stream  # type: ignore[return-value]


def let_go() -> None:
    """At a request's end: whatever broke off keeps no room."""
    for stream in g.pop("arriving", []):
        stream.close()
