"""Shuts web and worker in (Landlock): what they may not have is unreadable even to one who has taken them over.

Processes of one user can read each other's files, environment and memory; a file's mode protects nothing between them.
A confined process reads no closed path, writes only its log and temporary files, and can neither trace nor signal a
process outside: the kernel keeps that over exec, and root cannot lift it.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.config import ConfigError

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _RULE_PATH_BENEATH, _PR_SET_NO_NEW_PRIVS = 1, 1, 38
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14
_OF_ABI_1, _SCOPES_OF_ABI_6 = (1 << 13) - 1, 3  # abstract sockets, signals
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_CAPABILITY_VERSION_3, _CAP_DAC_OVERRIDE, _CAP_NET_BIND_SERVICE = 0x20080522, 1 << 1, 1 << 10
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_CODE = Path(__file__).resolve().parents[2]  # a checkout below the temporary folder stays unwritable
_DEVICES = {"null", "zero", "full", "random", "urandom", "tty", "shm", "fd", "stdin", "stdout", "stderr"}


NOT_ENFORCED = "the vault split is not enforced on this machine: it needs Linux 5.13 or newer with Landlock switched on"


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def landlock_version() -> int:
    """The kernel's Landlock ABI; 0 when it has none or forbids it."""
    return max(0, int(_libc().syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)))


def confine(closed: Sequence[Path], *, writable: Sequence[Path]) -> None:
    """Shut this process and all its threads to come in. Call before any thread starts.

    `closed` paths (files or folders) cannot be opened at all; only below `writable` anything can be changed.
    Raises ConfigError when the kernel cannot do it.
    """
    version = landlock_version()
    if not version:
        raise ConfigError(NOT_ENFORCED)
    handled = _OF_ABI_1 | (_TRUNCATE if version >= 3 else 0)
    attributes = _Ruleset(handled, 0, _SCOPES_OF_ABI_6 if version >= 6 else 0)
    size = ctypes.sizeof(_Ruleset) if version >= 6 else 8
    ruleset = _checked(_libc().syscall(_CREATE_RULESET, ctypes.byref(attributes), size, 0))
    try:
        _allow(ruleset, Path("/"), _READ_DIR)
        for path in _around(Path("/"), [Path(os.path.realpath(path)) for path in closed]):
            _allow(ruleset, path, _READ)
        for path in (*writable, Path(tempfile.gettempdir()), Path("/dev/shm")):  # noqa: S108 (as a rule, not a file)
            if not any(Path(os.path.realpath(one)).is_relative_to(path) for one in (*closed, _CODE)):
                _allow(ruleset, path, handled)
        for name in ("null", "full", "zero", "tty"):
            _allow(ruleset, Path("/dev") / name, _READ_FILE | _WRITE_FILE)
        _checked(_libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        if os.geteuid() == 0:
            _drop_capabilities()
        _checked(_libc().syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _around(folder: Path, closed: Sequence[Path]) -> Iterator[Path]:
    """The paths below `folder` that together hold everything but the closed ones and raw devices."""
    for entry in os.scandir(folder):
        path = Path(entry.path)
        if entry.is_symlink() or path in closed or (folder == Path("/dev") and entry.name not in _DEVICES):
            continue
        if path == Path("/dev") or any(one.is_relative_to(path) for one in closed):
            yield from _around(path, closed)
        else:
            yield path


def _allow(ruleset: int, path: Path, rights: int) -> None:
    """Allow these rights below a path; what has gone meanwhile needs no rule."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
                rights &= _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
            rule = _PathBeneath(rights, descriptor)
            _checked(_libc().syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0))
        finally:
            os.close(descriptor)


def _drop_capabilities() -> None:
    """Keep of root's powers what reaches the engines' sockets and a low port; no_new_privs lets none come back."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; low words, then high words
    _checked(_libc().capget(ctypes.byref(header), ctypes.byref(sets)))
    kept = sets[1] & (_CAP_DAC_OVERRIDE | _CAP_NET_BIND_SERVICE)
    sets[:] = [kept, kept, 0, 0, 0, 0]
    _checked(_libc().prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
    _checked(_libc().capset(ctypes.byref(header), ctypes.byref(sets)))


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise ConfigError(f"the kernel refuses to confine a process ({errno.errorcode.get(code, code)}): see `doctor`")
    return int(result)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
