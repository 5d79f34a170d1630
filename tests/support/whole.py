"""A whole store as a person starts it: `python run.py demo` in a folder and on ports of its own, ended by SIGTERM."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from queue import Empty, Queue

from tests.house.tree import ROOT
from tests.support.engines import fast_folder

READY_SECONDS = 90


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class WholeStore:
    """One `demo` in the foreground of its own; `folder` may be given again to start it a second time."""

    def __init__(self, folder: Path | None = None, **settings: str) -> None:
        self.folder = folder or Path(tempfile.mkdtemp(prefix="ks-", dir=fast_folder()))
        self.port = free_port()
        self.settings = settings
        self.said: list[str] = []
        self.process: subprocess.Popen[str] | None = None
        self._lines: Queue[str | None] = Queue()
        self._reader = threading.Thread()

    @property
    def address(self) -> str:
        """The shop's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What makes any `run.py` command speak of this store."""
        keep = {name: value for name, value in os.environ.items() if not name.startswith("KEYSTALL_")}
        return keep | {
            "KEYSTALL_STORE__DATA_DIR": str(self.folder),
            "KEYSTALL_WEB__PORT": str(self.port),
            "KEYSTALL_WEB__OPS_PORT": str(free_port()),
            **self.settings,
        }

    def start(self) -> "WholeStore":
        """Start and wait until it says that it is ready."""
        self.process = subprocess.Popen(
            [sys.executable, "run.py", "demo"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.said = []
        self._lines = Queue()
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()
        end = time.monotonic() + READY_SECONDS
        while not (self.said and self.said[-1].startswith("Ready")):
            try:
                line = self._lines.get(timeout=max(0.01, end - time.monotonic()))
            except Empty:
                line = None
            if line is None:
                self.stop()
                raise AssertionError("the demo did not become ready; it said:\n" + "\n".join(self.said))
            self.said.append(line)
        return self

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._lines.put(line.rstrip())
        self._lines.put(None)

    def run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """One `run.py` command on this store."""
        return subprocess.run(
            [sys.executable, "run.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int | None:
        """Ask it to end and return its exit status; killed (and None) after 30 s."""
        process, self.process = self.process, None
        if process is None:
            return None
        process.send_signal(by)
        try:
            status = process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            status = None
        self._reader.join(5)
        while not self._lines.empty():
            self.said.append(self._lines.get() or "")
        assert process.stdout is not None
        process.stdout.close()
        return status

    def remove(self) -> None:
        """End it and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
