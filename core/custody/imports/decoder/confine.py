"""Takes from the decoder's process what a parser of strangers' files never needs: memory, time, files, sockets."""

from __future__ import annotations

import ctypes
import os
import resource

MEMORY_BYTES = 256 * 1024 * 1024  # a full sheet takes 65, the largest text 35
CPU_SECONDS = 120
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_RESTRICT_SELF = 446
_FILE_RIGHTS_OF_ABI_1 = (1 << 13) - 1


def confine() -> None:
    """Limit memory and time, forbid new files and, where the kernel has Landlock, opening any file by name."""
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 8),
    ):
        resource.setrlimit(limit, (value, value))
    os.umask(0o077)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _forbid_files(libc)


def _forbid_files(libc: ctypes.CDLL) -> None:
    handled = ctypes.c_uint64(_FILE_RIGHTS_OF_ABI_1)
    ruleset = libc.syscall(_LANDLOCK_CREATE_RULESET, ctypes.byref(handled), ctypes.sizeof(handled), 0)
    if ruleset < 0:  # no Landlock here: the limits above and the empty environment remain
        return
    libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
