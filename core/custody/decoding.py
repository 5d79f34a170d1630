"""Runs the decoder's process and reads its rows: the custodian's side of a pipe, with a clock beside it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from core.custody.decoder.problems import FileProblem, FileRefused, RowProblem
from core.custody.decoder.tables import Row

SECONDS = 120.0  # until its first answer; then its limit of processor time holds, since it may have to wait for us
_LONGEST_FRAME = 64 * 1024 * 1024
_ROOT = Path(__file__).resolve().parents[2]


class DecoderDied(FileRefused):
    """The decoder's process ended in the middle: by its limits, or killed by someone. Another try may come further."""

    def __init__(self) -> None:
        super().__init__(FileProblem.TOO_LARGE)


class DecodedFile:
    """One file being decoded: `columns` (field -> the header's name), `about` how many rows, then `rows()` once."""

    def __init__(self, blocks: Iterable[bytes], *, extension: str, column: str | None) -> None:
        """Start the decoder and feed it. Raises `FileRefused`; an error of `blocks` passes through."""
        arguments = [sys.executable, "-S", "-E", "-s", "-m", "core.custody.decoder", extension]
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
            self._feed(blocks)
            table = self._frame()["table"]
        except BaseException:
            self.close()
            raise
        self._clock.cancel()
        self.columns: dict[str, str] = table["columns"]
        self.about: int = table["about"]

    def __enter__(self) -> DecodedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def rows(self) -> Iterator[Row]:
        """The rows in the file's order. Raises `FileRefused`, `DecoderDied` when the decoder ends before they do."""
        while "end" not in (frame := self._frame()):
            for place, fields, problem in frame["rows"]:
                yield Row(place, fields, RowProblem(problem) if problem else None)

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

    def _feed(self, blocks: Iterable[bytes]) -> None:
        pipe = _open(self._process.stdin)
        try:
            for block in blocks:
                pipe.write(block)
            pipe.close()
        except BrokenPipeError:  # it refused by the first bytes; its answer says why
            for _ in blocks:
                continue

    def _frame(self) -> dict[str, Any]:
        pipe = _open(self._process.stdout)
        head = pipe.read(4)
        length = int.from_bytes(head, "big")
        raw = pipe.read(length) if len(head) == 4 and length <= _LONGEST_FRAME else b""
        if not raw or len(raw) < length:
            raise DecoderDied
        frame: dict[str, Any] = json.loads(raw)
        if "refused" in frame:
            raise FileRefused(FileProblem(frame["refused"]), **frame["params"])
        return frame


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise AssertionError("the decoder is started with both pipes")
    return pipe
