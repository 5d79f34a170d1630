"""Opens a workbook's zip as if it were hostile: what it is by its first bytes, and how far it may inflate."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator

from core.custody.decoder.problems import FileProblem, FileRefused

MOST_BYTES = 192 * 1024 * 1024  # of all entries together, inflated
MOST_ENTRIES = 5000
STEEPEST_RATIO = 100  # an honest sheet of random codes inflates about tenfold
_RATIO_COUNTS_ABOVE = 1024 * 1024
_BLOCK = 65536
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BINARY_MARKS = (b"%PDF", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"\x89PNG", b"\xff\xd8\xff", b"{\\rtf", b"\x7fELF")


def refuse_other_kinds(raw: bytes, *, named_workbook: bool) -> None:
    """Raises `FileRefused` for what the first bytes show to be neither text nor a workbook of today."""
    if raw.startswith(_OLE):
        encrypted = "EncryptedPackage".encode("utf-16-le") in raw
        raise FileRefused(FileProblem.ENCRYPTED if encrypted else FileProblem.OLD_WORKBOOK)
    head = raw[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html", b"<table", b"<?xml", b"<head", b"<meta")):
        raise FileRefused(FileProblem.WEB_PAGE)
    if raw.startswith(_BINARY_MARKS):
        raise FileRefused(FileProblem.BINARY)
    if named_workbook and not is_zip(raw):
        raise FileRefused(FileProblem.NOT_A_WORKBOOK)


def is_zip(raw: bytes) -> bool:
    """Whether the bytes begin as a zip archive."""
    return raw.startswith((b"PK\x03\x04", b"PK\x05\x06"))


class Archive:
    """The entries of one workbook; every read is bounded."""

    def __init__(self, raw: bytes) -> None:
        """Raises `FileRefused` with `DAMAGED`, `BOMB`, `ENCRYPTED` or `NOT_A_WORKBOOK` before anything is inflated."""
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(raw))
        except (zipfile.BadZipFile, ValueError, OSError):
            raise FileRefused(FileProblem.DAMAGED) from None
        entries = self._zip.infolist()
        if any(entry.flag_bits & 0x1 for entry in entries):
            raise FileRefused(FileProblem.ENCRYPTED)
        steep = any(
            entry.file_size > max(_RATIO_COUNTS_ABOVE, STEEPEST_RATIO * entry.compress_size) for entry in entries
        )
        if steep or len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > MOST_BYTES:
            raise FileRefused(FileProblem.BOMB)
        self._names = {entry.filename.lstrip("/").lower(): entry for entry in entries}
        self._inflated = 0
        if "xl/workbook.xml" not in self._names and "_rels/.rels" not in self._names:
            raise FileRefused(FileProblem.NOT_A_WORKBOOK)

    def has(self, name: str) -> bool:
        """Whether there is such an entry (names are compared without case)."""
        return name.lower() in self._names

    def blocks(self, name: str) -> Iterator[bytes]:
        """An entry's bytes in blocks. Raises `FileRefused` when it is missing, broken, or inflates past the limit."""
        entry = self._names.get(name.lower())
        if entry is None:
            raise FileRefused(FileProblem.DAMAGED)
        try:
            with self._zip.open(entry) as stream:
                while block := stream.read(_BLOCK):
                    self._inflated += len(block)
                    if self._inflated > MOST_BYTES:
                        raise FileRefused(FileProblem.BOMB)
                    yield block
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError):
            raise FileRefused(FileProblem.DAMAGED) from None
