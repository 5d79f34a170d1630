"""How an engine's process is started: another uid under root, ended with its parent, in a session of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from core.config import ConfigError

_LONGEST_LOG = 20 * 1024 * 1024
_ACCOUNTS = ("keystall", "postgres", "nobody")  # the first that the machine has; initdb insists on a named one


def engine_uid(folder: Path) -> int:
    """The uid that owns and runs the engines: our own, or under root the folder's owner or an account without power."""
    if os.geteuid() != 0:
        return os.geteuid()
    if folder.exists() and folder.stat().st_uid != 0:
        return folder.stat().st_uid
    for name in _ACCOUNTS:
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise ConfigError("started as root, but no account to run the database was found: `useradd -r keystall` makes one")


def command(arguments: Sequence[str | Path], *, uid: int) -> list[str]:
    """An engine's arguments behind setpriv: it gets SIGINT when its parent dies.

    Under root the engine's uid keeps only the capability to pass and read folders that are 0700 to it.
    """
    prefix = [_setpriv(), "--pdeathsig", "INT"]
    if os.geteuid() == 0:
        prefix += ["--reuid", str(uid), "--regid", str(_gid(uid)), "--clear-groups"]
        prefix += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    return [*prefix, *map(str, arguments)]


def ended_with_parent(arguments: Sequence[str]) -> list[str]:
    """The arguments of one of our own processes behind setpriv: it gets SIGTERM when its parent dies."""
    return [_setpriv(), "--pdeathsig", "TERM", *arguments]


def _setpriv() -> str:
    found = shutil.which("setpriv")
    if found is None:
        raise ConfigError("setpriv was not found: install the package util-linux")
    return found


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What an engine may see of our environment: the path, and a plain locale."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", **(extra or {})}


def own_folder(folder: Path, uid: int) -> None:
    """Make a 0700 folder of that uid; its missing parents are ours and 0700 too.

    Raises ConfigError when another user has put something there first (a trap in /tmp).
    """
    for place in (folder, folder.parent):
        _refuse_trap(place, uid)
    missing = [parent for parent in folder.parents if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(folder, uid, _gid(uid))
    elif folder.stat().st_uid != os.geteuid():
        raise ConfigError(f"{folder} belongs to another user: start as that user, or choose another store.data_dir")
    folder.chmod(0o700)


def _refuse_trap(place: Path, uid: int) -> None:
    open_to_all = place.parent.exists() and place.parent.stat().st_mode & stat.S_IWOTH
    if open_to_all and os.path.lexists(place) and place.lstat().st_uid not in (os.geteuid(), uid):
        raise ConfigError(f"{place} belongs to another user: remove it, or set another store.data_dir")


def open_log(file: Path) -> IO[bytes]:
    """An engine's log, 0600, to be appended to; one that has grown past 20 MB is put aside, one is kept."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if file.exists() and file.stat().st_size > _LONGEST_LOG:
        file.replace(file.with_name(file.name + ".1"))
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab")


def stop(process: subprocess.Popen[bytes], *, by: signal.Signals, seconds: float) -> None:
    """Ask a process to end, then kill it; returns when it is gone."""
    if process.poll() is None:
        process.send_signal(by)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run_session(arguments: Sequence[str]) -> tuple[int, str]:
    """Run a command that starts others to its end, in a session of its own; exit status and what it said of errors.

    However the waiting ends, all of the session has ended: initdb alone would leave the server it started to itself.
    """
    with subprocess.Popen(
        arguments, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, start_new_session=True, cwd="/",
    ) as process:  # fmt: skip
        try:
            said = process.communicate()[1]
        except BaseException:
            _kill_session(process.pid)
            raise
    return process.returncode, said


def _kill_session(leader: int, *, seconds: float = 2) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.killpg(leader, signal.SIGKILL)
        except ProcessLookupError:
            return
        if not any(is_alive(pid) for pid in _group(leader)):
            return
        time.sleep(0.01)


def _group(leader: int) -> list[int]:
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if _group_of(pid) == leader]


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def is_alive(pid: int) -> bool:
    """Whether a process of that id runs (a finished one that nobody waited for does not)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return text.rpartition(")")[2].split()[0] not in ("Z", "X")


def wait_until_gone(pid: int, seconds: float) -> bool:
    """Wait for a process that is not our child; False when it still runs after that time."""
    end = time.monotonic() + seconds
    while is_alive(pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _gid(uid: int) -> int:
    try:
        return pwd.getpwuid(uid).pw_gid
    except KeyError:
        return uid
