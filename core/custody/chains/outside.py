"""What the vault writes down of the audit's chain outside the database, so that a cut tail shows, a restored one too.

`audit.marks` only grows: one line an hour, and one for each thing that was found or accepted. `audit.head` is the last
link of all, replaced after each stretch. Every line is under the vault's key and names the line before it: who reaches
these files without the key can lose them, which shows, but not change them.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from core.custody.chains.chain import Head

_CANONICAL = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), sort_keys=True)


class MarkKind(StrEnum):
    """Why a line was written."""

    HEAD = "head"  # so far the chain had come
    CUT = "cut"  # the database had lost this link, which was there before
    ACCEPTED = "accepted"  # a person has looked at what was broken, and said why it may stay so


@dataclass(frozen=True, slots=True)
class Mark:
    """One line: the chain's last link at that time. `broken` are the entries that a person accepted as broken."""

    kind: MarkKind
    at: datetime
    entry: int
    link: bytes
    reason: str = ""
    broken: tuple[int, ...] = ()


class MarksAltered(Exception):
    """Lines are missing, changed or not by this vault; the text says where, in one sentence."""


class Outside:
    """The two files of one vault. Used by one thread at a time; the caller holds the round."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._marks = folder / "audit.marks"
        self._head = folder / "audit.head"
        self._key = hmac.digest(key, b"keystall audit marks 1", "sha256")
        self._read: tuple[tuple[int, ...], list[tuple[Mark, str]]] = ((), [])

    def marks(self) -> list[Mark]:
        """All lines, oldest first. Raises `MarksAltered`, OSError."""
        return [mark for mark, _ in self._lines()]

    def head(self) -> Head | None:
        """The last link that was written down; None when nothing ever was. Raises `MarksAltered`, OSError."""
        lines = self._lines()
        text = _content(self._head)
        if not text and not lines:
            return None
        if not text:
            raise MarksAltered(f"{self._head.name} is missing")
        entry = self._opened(text, self._head.name)
        if entry["lines"] > len(lines) or (entry["lines"] and lines[entry["lines"] - 1][1] != entry["last"]):
            raise MarksAltered(f"the last lines of {self._marks.name} are missing")
        return Head(int(entry["entry"]), base64.b64decode(entry["link"]))

    def keep(self, head: Head) -> None:
        """Write down how far the chain has come, and wait until the disk has it. Raises `MarksAltered`, OSError."""
        lines = self._lines()
        last = lines[-1][1] if lines else ""
        entry = {"entry": head.entry, "link": _text(head.link), "lines": len(lines), "last": last}
        beside = self._head.with_name(self._head.name + ".new")
        with _opened(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as handle:
            os.write(handle, self._closed(entry))
            os.fsync(handle)
        os.replace(beside, self._head)
        _sync_folder(self._head.parent)

    def add(self, mark: Mark) -> None:
        """Append a line, then the head again, which counts it. Raises `MarksAltered`, OSError."""
        lines = self._lines()
        entry: dict[str, Any] = {"kind": mark.kind.value, "at": mark.at.isoformat(), "entry": mark.entry}
        entry |= {"link": _text(mark.link), "reason": mark.reason, "broken": list(mark.broken)}
        raw = self._closed(entry | {"before": lines[-1][1] if lines else ""})
        with _opened(self._marks, os.O_WRONLY | os.O_CREAT | os.O_APPEND) as handle:
            os.ftruncate(handle, len(_whole(_content(self._marks)).encode()))  # what a crash left of a line
            if os.write(handle, raw) != len(raw):
                raise OSError(28, "the line was cut short", str(self._marks))
            os.fsync(handle)
        self.keep(Head(mark.entry, mark.link))

    def begin_anew(self) -> None:
        """Put altered files aside, under the time's name, so that a first line can be written. Raises OSError."""
        for path in (self._marks, self._head):
            with contextlib.suppress(FileNotFoundError):
                path.rename(path.with_name(f"{path.name}.{int(path.stat().st_mtime)}"))

    def copied(self, mark: Mark) -> str:
        """A line to be kept elsewhere, on another machine or on paper: it proves itself without the others."""
        entry = {"kind": mark.kind.value, "at": mark.at.isoformat(), "entry": mark.entry, "link": _text(mark.link)}
        return self._closed(entry | {"copy": True}).decode().strip()

    def copies(self, lines: Sequence[str]) -> list[Mark]:
        """The marks of lines that were kept elsewhere. Raises `MarksAltered`."""
        found = (self._opened(line, f"line {place}") for place, line in enumerate(lines, 1) if line.strip())
        return [_mark(entry) for entry in found]

    def _lines(self) -> list[tuple[Mark, str]]:
        """The marks with their proofs; read again when the file has changed."""
        seen = _looks(self._marks)
        if self._read[0] != seen:
            self._read = (seen, list(self._all()))
        return self._read[1]

    def _all(self) -> Iterator[tuple[Mark, str]]:
        before = ""
        for place, line in enumerate(_whole(_content(self._marks)).splitlines(), 1):
            where = f"line {place} of {self._marks.name}"
            entry = self._opened(line, where)
            if entry.get("before") != before:
                raise MarksAltered(f"what stood before {where} is missing")
            before = entry["proof"]
            yield _mark(entry), before

    def _closed(self, entry: Mapping[str, Any]) -> bytes:
        return (_CANONICAL.encode(dict(entry) | {"proof": self._proof(entry)}) + "\n").encode()

    def _opened(self, line: str, where: str) -> dict[str, Any]:
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict) and isinstance(proof := entry.get("proof"), str):
                bare = {name: value for name, value in entry.items() if name != "proof"}
                if hmac.compare_digest(self._proof(bare).encode(), proof.encode(errors="replace")):
                    return entry
        raise MarksAltered(f"{where} is not as this vault wrote it")

    def _proof(self, entry: Mapping[str, Any]) -> str:
        return hmac.new(self._key, _CANONICAL.encode(dict(entry)).encode(), "sha256").hexdigest()


def last_accepted(marks: Iterable[Mark]) -> int:
    """How many of the marks a person has accepted, counted from the first."""
    return max((place for place, mark in enumerate(marks, 1) if mark.kind is MarkKind.ACCEPTED), default=0)


def _mark(entry: Mapping[str, Any]) -> Mark:
    at, link = datetime.fromisoformat(entry["at"]), base64.b64decode(entry["link"])
    broken = tuple(int(one) for one in entry.get("broken", ()))
    return Mark(MarkKind(entry["kind"]), at, int(entry["entry"]), link, str(entry.get("reason", "")), broken)


def _text(link: bytes) -> str:
    return base64.b64encode(link).decode()


def _content(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return ""


def _whole(content: str) -> str:
    """The lines that end; of a last one that does not, a crash left a part."""
    return content[: content.rfind("\n") + 1]


def _looks(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


class _opened:  # noqa: N801 - reads as a phrase: with _opened(path, flags)
    """A 0600 file handle that is closed at the end of the block."""

    def __init__(self, path: Path, flags: int) -> None:
        self._handle = os.open(path, flags | os.O_CLOEXEC, 0o600)

    def __enter__(self) -> int:
        return self._handle

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)


def _sync_folder(folder: Path) -> None:
    with _opened(folder, os.O_RDONLY | os.O_DIRECTORY) as handle:
        os.fsync(handle)
