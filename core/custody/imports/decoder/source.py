"""The file as its decoder reads it: pulled from the custodian a piece at a time, so that no more of it is ever here."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

PIECE = 256 * 1024
_HELD = 4  # pieces kept: a workbook is read at two or three places at a time

Fetch = Callable[[int, int], bytes]


class CustodianGone(Exception):
    """Whoever holds the file does not answer any more."""


class Pulled(io.RawIOBase):
    """A file of `size` bytes that `fetch(offset, length)` brings, whole pieces at a time; read-only."""

    def __init__(self, size: int, fetch: Fetch) -> None:
        super().__init__()
        self._size = size
        self._fetch = fetch
        self._at = 0
        self._pieces: dict[int, bytes] = {}

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always: the custodian opens any piece by itself."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place; nothing is fetched."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("before the start of the file")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from the piece at this place; 0 at the end."""
        if self._at >= self._size:
            return 0
        number, inside = divmod(self._at, PIECE)
        found = memoryview(self._piece(number))[inside : inside + len(buffer)]
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def _piece(self, number: int) -> bytes:
        piece = self._pieces.pop(number, None)
        if piece is None:
            start = number * PIECE
            piece = self._fetch(start, min(PIECE, self._size - start))
            if len(self._pieces) >= _HELD:
                del self._pieces[next(iter(self._pieces))]
        self._pieces[number] = piece  # last, as the one used last
        return piece


def opened(size: int, fetch: Fetch) -> BinaryIO:
    """Such a file with a buffer over it."""
    return io.BufferedReader(Pulled(size, fetch), buffer_size=64 * 1024)


def from_custodian(send: Callable[[dict[str, Any]], None]) -> Fetch:
    """Asks for pieces on standard output (`{"want": [offset, length]}`), gets their bytes on standard input."""

    def fetch(offset: int, length: int) -> bytes:
        send({"want": [offset, length]})
        piece = sys.stdin.buffer.read(length)
        if len(piece) < length:
            raise CustodianGone
        return piece

    return fetch
