"""Runs the decoder's process and reads its rows: the custodian's side of two pipes, with a clock beside them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Protocol

from core.custody.imports.decoder.problems import RowProblem
from core.custody.imports.decoder.tables import Row
from core.workbooks.problems import FileProblem, FileRefused

SECONDS = 300.0
"""Until its first answer, for which a workbook is read twice. Then its limit of processor time holds, since it may have
to wait for us."""
_LONGEST_FRAME = 64 * 1024 * 1024
_LONGEST_PIECE = 1024 * 1024
_ROOT = Path(__file__).resolve().parents[3]

Decoded = list[Any] | Row
"""A good row as it came, number and values in the order of `DecodedFile.fields`; a bad one with its problem."""


class DecoderDied(FileRefused):
    """The decoder's process ended in the middle: by its limits, or killed by someone. Another try may come further."""

    def __init__(self) -> None:
        super().__init__(FileProblem.TOO_LARGE)


class Source(Protocol):
    """What is decoded: a file whose pieces are brought as the decoder asks for them."""

    @property
    def size(self) -> int: ...

    def piece(self, offset: int, length: int) -> bytes:
        """So many bytes from that place."""
        ...


class DecodedFile:
    """One file being decoded: `columns` (field -> the header's name), `about` how many rows, then its rows, once.

    `format` is workbook or text, of which `encoding` and `separator` are.
    """

    def __init__(self, source: Source, *, extension: str, column: str | None) -> None:
        """Start the decoder and serve it. Raises `FileRefused`; an error of `source` passes through."""
        arguments = [
            sys.executable,
            "-S",
            "-E",
            "-s",
            "-m",
            "core.custody.imports.decoder",
            str(source.size),
            extension,
        ]
        self._source = source
        self._process = subprocess.Popen(
            arguments + ([column] if column is not None else []),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd=_ROOT,
            close_fds=True,
        )
        self._clock = threading.Timer(SECONDS, self._process.kill)
        self._clock.daemon = True
        self._clock.start()
        try:
            table = self._frame()["table"]
        except BaseException:
            self.close()
            raise
        self._clock.cancel()
        self.columns: dict[str, str] = table["columns"]
        self.fields: tuple[str, ...] = tuple(table["fields"])
        self.about: int = table["about"]
        self.format, self.encoding, self.separator = (str(table[name]) for name in ("format", "encoding", "separator"))

    def __enter__(self) -> DecodedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def decoded(self) -> Iterator[Decoded]:
        """The rows in the file's order. Raises `FileRefused`, `DecoderDied` when the decoder ends before they do."""
        while "end" not in (frame := self._frame()):
            for row in frame["rows"]:
                yield row if type(row) is list else _bad(row)

    def rows(self) -> Iterator[Row]:
        """The same, every one as a `Row`."""
        for row in self.decoded():
            yield row if isinstance(row, Row) else Row(row[0], dict(zip(self.fields, row[1:], strict=True)))

    def close(self) -> None:
        """End the decoder's process, if it still runs."""
        self._clock.cancel()
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue
        self._process.wait()

    def _frame(self) -> dict[str, Any]:
        """The next frame that is no request; what is asked for on the way is brought."""
        while "want" in (frame := self._read()):
            self._bring(*frame["want"])
        if "refused" in frame:
            raise FileRefused(FileProblem(frame["refused"]), **frame["params"])
        return frame

    def _read(self) -> dict[str, Any]:
        pipe = _open(self._process.stdout)
        head = pipe.read(4)
        length = int.from_bytes(head, "big")
        raw = pipe.read(length) if len(head) == 4 and length <= _LONGEST_FRAME else b""
        if not raw or len(raw) < length:
            raise DecoderDied
        frame: dict[str, Any] = json.loads(raw)
        return frame

    def _bring(self, offset: int, length: int) -> None:
        piece = self._source.piece(max(0, int(offset)), min(int(length), _LONGEST_PIECE))
        pipe = _open(self._process.stdin)
        try:
            pipe.write(piece)
            pipe.flush()
        except BrokenPipeError:
            raise DecoderDied from None


def _bad(row: dict[str, Any]) -> Row:
    return Row(int(row["number"]), {"secret": row["secret"]}, RowProblem(row["problem"]), str(row["where"]))


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise AssertionError("the decoder is started with both pipes")
    return pipe
