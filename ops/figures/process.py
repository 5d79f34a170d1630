"""What every process knows about itself: memory, descriptors, threads, connections, since when it runs, which code."""

from __future__ import annotations

import os
import platform
import threading
import time
from pathlib import Path

from channels.figures import Figures
from core import db
from ops.version import version

_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_STATM = Path("/proc/self/statm")
_DESCRIPTORS = Path("/proc/self/fd")


def figures_of_this_process(*, started_at: float | None = None) -> Figures:
    """A new register with the figures that all processes have; `started_at` in seconds since 1970."""
    began = time.time() if started_at is None else started_at
    figures = Figures()
    figures.gauge("keystall_process_start_time_seconds", "When the process started, since 1970.", lambda: began)
    figures.gauge("keystall_process_memory_bytes", "Resident memory of the process.", resident_bytes)
    figures.gauge(
        "keystall_process_cpu_seconds", "Processor time that it used, its threads included.", time.process_time
    )
    figures.gauge("keystall_process_threads", "Its threads.", threading.active_count)
    figures.gauge("keystall_process_descriptors", "Its open file descriptors.", open_descriptors)
    figures.gauge("keystall_process_descriptors_limit", "How many it may open.", descriptor_limit)
    figures.gauge(
        "keystall_process_descriptors_used_ratio", "Open descriptors in parts of the limit.", descriptors_used
    )
    figures.gauge("keystall_database_connections_in_use", "Connections of its pool in use.", connections_in_use)
    figures.gauge("keystall_database_connections_limit", "The most its pool may have.", connection_limit)
    figures.gauge("keystall_database_connections_used_ratio", "Connections in use in parts of it.", connections_used)
    labels: dict[tuple[str, ...], float] = {(version(), platform.python_version()): 1.0}
    figures.gauge("keystall_build_info", "1; the labels say which code runs.", lambda: labels, "version", "python")
    return figures


def resident_bytes() -> float:
    """The resident set of this process."""
    return int(_STATM.read_text().split()[1]) * _PAGE


def open_descriptors() -> float:
    """How many descriptors this process has open."""
    return len(os.listdir(_DESCRIPTORS))


def descriptor_limit() -> float:
    """The soft limit."""
    import resource

    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def descriptors_used() -> float:
    """From 0 to 1."""
    return open_descriptors() / max(1, descriptor_limit())


def connections_used() -> float:
    """From 0 to 1."""
    return connections_in_use() / max(1, connection_limit())


def connections_in_use() -> float:
    """Connections that some thread holds now; 0 before there is a pool."""
    return len(getattr(db.db, "_in_use", {}) or {})


def connection_limit() -> float:
    """The size of the pool; 0 before there is one."""
    return getattr(db.db, "_max_connections", 0) or 0
