"""Opens a workbook's zip as if it were hostile: what it is by its first bytes, and how far it may inflate."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from core.workbooks.problems import FileProblem, FileRefused

MOST_BYTES = 640 * 1024 * 1024  # of all entries together, inflated: a full sheet of three columns has 200 MB
MOST_ENTRIES = 5000
STEEPEST_RATIO = 100  # an honest sheet of random codes inflates about tenfold
_RATIO_COUNTS_ABOVE = 1024 * 1024
_LONGEST_DIRECTORY = 2 * 1024 * 1024
_BLOCK = 65536
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BINARY_MARKS = (b"%PDF", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"\x89PNG", b"\xff\xd8\xff", b"{\\rtf", b"\x7fELF")
_END = b"PK\x05\x06"
_END_BYTES = 22
_LONGEST_REMARK = 65535


def refuse_other_kinds(file: BinaryIO, *, named_workbook: bool) -> None:
    """Raises `FileRefused` for what the first bytes show to be neither text nor a workbook of today."""
    file.seek(0)
    raw = file.read(1024)
    if raw.startswith(_OLE):
        raise FileRefused(FileProblem.ENCRYPTED if _has_encrypted_package(file) else FileProblem.OLD_WORKBOOK)
    head = raw.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html", b"<table", b"<?xml", b"<head", b"<meta")):
        raise FileRefused(FileProblem.WEB_PAGE)
    if raw.startswith(_BINARY_MARKS):
        raise FileRefused(FileProblem.BINARY)
    if named_workbook and not is_zip(file):
        raise FileRefused(FileProblem.NOT_A_WORKBOOK)


def _has_encrypted_package(file: BinaryIO) -> bool:
    name, tail = "EncryptedPackage".encode("utf-16-le"), b""
    file.seek(0)
    while block := file.read(_BLOCK):
        if name in tail + block:
            return True
        tail = block[-len(name) :]
    return False


def is_zip(file: BinaryIO) -> bool:
    """Whether a file begins as a zip archive."""
    file.seek(0)
    return file.read(4) in (b"PK\x03\x04", _END)


class Archive:
    """The entries of one workbook; every read is bounded."""

    def __init__(self, file: BinaryIO, *, most_bytes: int = MOST_BYTES) -> None:
        """`most_bytes` of all entries together, inflated.

        Raises `FileRefused` with `DAMAGED`, `BOMB`, `ENCRYPTED` or `NOT_A_WORKBOOK` before anything is inflated.
        """
        size = file.seek(0, io.SEEK_END)
        _check_directory(file, size)
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error):
            raise FileRefused(FileProblem.DAMAGED) from None
        entries = self._zip.infolist()
        if any(entry.flag_bits & 0x1 for entry in entries):
            raise FileRefused(FileProblem.ENCRYPTED)
        steep = any(
            entry.file_size > max(_RATIO_COUNTS_ABOVE, STEEPEST_RATIO * entry.compress_size) for entry in entries
        )
        if (
            steep
            or len(entries) > MOST_ENTRIES
            or sum(entry.file_size for entry in entries) > most_bytes
            or _overlap(entries, size)
        ):
            raise FileRefused(FileProblem.BOMB)
        self._names = {entry.filename.lstrip("/").lower(): entry for entry in entries}
        self._inflated: dict[str, int] = {}
        self._most_bytes = most_bytes
        if "xl/workbook.xml" not in self._names and "_rels/.rels" not in self._names:
            raise FileRefused(FileProblem.NOT_A_WORKBOOK)

    def has(self, name: str) -> bool:
        """Whether there is such an entry (names are compared without case)."""
        return name.lower() in self._names

    def has_macros(self) -> bool:
        """Whether any entry is a program, of today or of Excel 4."""
        return any(name.endswith("vbaproject.bin") or "/macrosheets/" in name for name in self._names)

    def blocks(self, name: str) -> Iterator[bytes]:
        """An entry's bytes in blocks. Raises `FileRefused` when it is missing, broken, or inflates past the limit."""
        entry = self._names.get(name.lower())
        if entry is None:
            raise FileRefused(FileProblem.DAMAGED)
        self._inflated[entry.filename] = 0  # the sheet is read twice
        try:
            with self._zip.open(entry) as stream:
                while block := stream.read(_BLOCK):
                    self._inflated[entry.filename] += len(block)
                    if sum(self._inflated.values()) > self._most_bytes:
                        raise FileRefused(FileProblem.BOMB)
                    yield block
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, struct.error):
            raise FileRefused(FileProblem.DAMAGED) from None


def _check_directory(file: BinaryIO, size: int) -> None:
    """Raises `FileRefused` for a list of entries that is itself a bomb: it would be read as a whole."""
    file.seek(max(0, size - _END_BYTES - _LONGEST_REMARK))
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + _END_BYTES:
        raise FileRefused(FileProblem.DAMAGED)
    entries, length = struct.unpack("<HI", tail[at + 10 : at + 16])
    if entries > MOST_ENTRIES or length > _LONGEST_DIRECTORY:
        raise FileRefused(FileProblem.BOMB)


def _overlap(entries: list[zipfile.ZipInfo], size: int) -> bool:
    """Whether entries share bytes of the file: how a small one inflates to petabytes with an honest ratio each."""
    end = 0
    for entry in sorted(entries, key=lambda one: one.header_offset):
        if entry.header_offset < end:
            return True
        end = entry.header_offset + entry.compress_size
    return end > size
