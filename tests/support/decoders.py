"""Decoders that are forked from a process that has read their modules: 4 ms of processor instead of 40 for each file.

Those of desks in a test's own process; a vault that is a process starts its own. A forked one runs what a started one
runs: `main`, which sets its limits first. tests/unit/test_decoder_process.py holds both to the same.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any


class Forked:
    """What `subprocess.Popen` is to who reads a decoder."""

    def __init__(self, parent: Decoders, arguments: Sequence[str], **_: Any) -> None:
        (theirs_in, to_it), (from_it, theirs_out) = os.pipe(), os.pipe()
        self._parent = parent
        self.pid = parent.ask(list(arguments[arguments.index("-m") + 2 :]), theirs_in, theirs_out)
        os.close(theirs_in)
        os.close(theirs_out)
        self.stdin, self.stdout = os.fdopen(to_it, "wb"), os.fdopen(from_it, "rb")
        self._status: int | None = None

    def kill(self) -> None:
        """End it, if it has not been waited for: until then nobody else gets its number."""
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        if self._status is None:
            self._status = self._parent.ask(self.pid)
        return self._status


class Decoders:
    """The process that forks them, begun with the first; one that forked from ours begins another."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None

    def ask(self, what: list[str] | int, *files: int) -> int:
        """A new decoder's number for its arguments; the exit status of one for its number."""
        if self._owner != os.getpid():
            Decoders.__init__(self)
        with self._lock:
            line = self._line or self._begun()
            socket.send_fds(line, [json.dumps(what).encode()], files)
            return int(line.recv(100))

    def _begun(self) -> socket.socket:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-S", "-E", "-s", "-m", __name__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={}, pass_fds=[theirs.fileno()],
            )  # fmt: skip
        return self._line

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Desks of this process get forked ones meanwhile."""
        from core.custody.imports import decoding

        def popen(arguments: Sequence[str], **how: Any) -> Forked:
            return Forked(self, arguments, **how)

        started = decoding.subprocess
        decoding.subprocess = SimpleNamespace(Popen=popen, PIPE=subprocess.PIPE, DEVNULL=subprocess.DEVNULL)
        try:
            yield
        finally:
            decoding.subprocess = started
            if self._line is not None and self._process is not None:
                self._line.close()
                self._process.wait()


def serve(line: socket.socket) -> None:
    """Fork a decoder for each list of arguments, wait for each number, until nobody asks any more."""
    from core.custody.imports.decoder.__main__ import main

    while True:
        said, files, _, _ = socket.recv_fds(line, 10_000, 2)
        if not said:
            return
        what = json.loads(said)
        if isinstance(what, int):
            line.send(str(os.waitstatus_to_exitcode(os.waitpid(what, 0)[1])).encode())
            continue
        pid = os.fork()
        if pid == 0:
            _decode(main, what, files)
        for file in files:
            os.close(file)
        line.send(str(pid).encode())


def _decode(main: Any, arguments: list[str], files: list[int]) -> None:
    """Never returns."""
    status = 1
    try:
        for at, file in enumerate(files):
            os.dup2(file, at)
        os.closerange(3, 64)
        status = main(int(arguments[0]), arguments[1], arguments[2] if len(arguments) > 2 else None)
    finally:
        os._exit(status)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
