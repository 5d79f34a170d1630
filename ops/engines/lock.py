"""One store per data folder: the lock file `engines.lock` says who runs it and where its sockets are.

The lock is the kernel's (flock), so a killed owner leaves none behind; the text in the file is only for readers.
Who attaches holds `engines.users` shared, so that a command which started the engines for itself can wait for others.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from core.config import ConfigError


@dataclass(frozen=True)
class Running:
    """What the lock file says: `kind` is up, demo or command; sockets is the folder of both engines' sockets."""

    pid: int
    kind: str
    sockets: str
    ready: bool


class FolderBusy(ConfigError):
    """Another process runs this folder."""

    def __init__(self, data_dir: Path, running: Running | None) -> None:
        who = f"`{running.kind}`, process {running.pid}," if running else "another process"
        super().__init__(f"{who} already runs the store in {data_dir}: stop it first, or set another store.data_dir")
        self.running = running


class FolderLock:
    """The lock of one data folder. Taken by `acquire`, given back by `release` or by the end of the process."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.file = data_dir / "engines.lock"
        self._held: IO[str] | None = None
        self._users: IO[str] | None = None

    def acquire(self) -> bool:
        """Take the folder; True when its last owner did not end in order. Raises FolderBusy."""
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = _open(self.file)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            opened.close()
            raise FolderBusy(self.data_dir, self.read()) from None
        unclean = os.fstat(opened.fileno()).st_size > 0
        opened.truncate(0)
        self._held = opened
        return unclean

    def write(self, running: Running) -> None:
        """Say who we are, for those who want to attach."""
        if self._held is None:
            raise AssertionError("write needs the lock")
        text = json.dumps(asdict(running))
        self._held.seek(0)
        self._held.truncate(0)
        self._held.write(text)
        self._held.flush()

    def read(self) -> Running | None:
        """What the owner says; None while it writes, or when there is none."""
        try:
            return Running(**json.loads(self.file.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def is_held_by_another(self) -> bool:
        """Whether someone else runs the folder now."""
        if not self.file.exists():
            return False
        with _open(self.file) as opened:
            try:
                fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def was_left_behind(self) -> bool:
        """Whether the last owner was killed. Raises FolderBusy when `up` or `demo` runs the folder now."""
        if self.is_held_by_another():
            running = self.read()
            if running is not None and running.kind != "command":
                raise FolderBusy(self.data_dir, running)
            return False
        return self.read() is not None

    def attach(self, seconds: float) -> Running:
        """Register as a user of a running store and wait until it is ready.

        Raises FolderBusy when it is not ready in time, LookupError when it ended.
        """
        self._users = _open(self.data_dir / "engines.users")
        fcntl.flock(self._users, fcntl.LOCK_SH)
        end = time.monotonic() + seconds
        while self.is_held_by_another():
            running = self.read()
            if running is not None and running.ready:
                return running
            if time.monotonic() > end:
                raise FolderBusy(self.data_dir, running)
            time.sleep(0.05)
        self.detach()
        raise LookupError("the store ended meanwhile")

    def detach(self) -> None:
        """No longer a user."""
        if self._users is not None:
            self._users.close()
            self._users = None

    def wait_for_users(self) -> None:
        """Wait until nobody is attached."""
        with _open(self.data_dir / "engines.users") as users:
            fcntl.flock(users, fcntl.LOCK_EX)

    def release(self) -> None:
        """Give the folder back; an empty file says that all ended in order."""
        if self._held is not None:
            with contextlib.suppress(OSError):
                self._held.truncate(0)
            self._held.close()
            self._held = None


def _open(file: Path) -> IO[str]:
    return os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")
