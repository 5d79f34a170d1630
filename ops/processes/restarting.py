"""A graceful restart: new web, worker and bot processes take over from the old ones, and no request is lost.

The listening sockets are the supervisor's, so that connections never fail. A new web or worker process starts beside
the old one and takes part; then the old one takes nothing new, finishes what it has and ends. Telegram gives updates to
one bot process only: there the old one ends first, and updates wait. The vault stays: deliveries would wait for it.
"""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

from core.config import Config
from ops.engines import launch
from ops.processes.supervisor import Child, Supervisor

RESTARTED = ("web", "worker", "bot")
BESIDE = ("web", "worker")  # the new one starts while the old one still works
DRAIN = signal.SIGUSR1
"""Takes nothing new, finishes what it has, ends."""

_READY_SECONDS = 60.0
_DRAIN_SECONDS = 30.0  # then the old process is ended as at a stop
_LOOK_SECONDS = 0.05

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Restart:
    """How the restarts of a running store went: `count` of them, and what kept the last one from being whole.

    `replaced` names the kinds of processes that are others since the last one.
    """

    pid: int
    count: int
    problem: str = ""
    replaced: tuple[str, ...] = ()


def restart_reported(supervisor: Supervisor) -> None:
    """Restart, and leave the outcome where `python run.py restart` reads it."""
    before = last_restart(supervisor.config)
    count = before.count if before is not None and before.pid == os.getpid() else 0
    log.info("restarting gracefully")
    old = {pid for _, pid in _running(supervisor)}
    problem = restart(supervisor)
    if problem:
        log.error("the restart is not complete", reason=problem)
    others = {name for name, pid in _running(supervisor) if pid not in old}
    replaced = tuple(name for name in RESTARTED if name in others)
    _write(supervisor.config, Restart(os.getpid(), count + 1, problem, replaced))


def restart(supervisor: Supervisor) -> str:
    """Replace the processes one after the other; returns what went wrong, or nothing. What is not replaced goes on."""
    for name in RESTARTED:
        for child in [one for one in supervisor.children if one.name == name]:
            problem = _replace_beside(supervisor, child) if name in BESIDE else _replace_after(supervisor, child)
            if supervisor.is_stopping:
                return "the store was asked to stop meanwhile"
            if problem:
                return problem
    return ""


def last_restart(config: Config) -> Restart | None:
    """What the supervisor left behind of its last restart; None where it made none."""
    try:
        told = json.loads(_file(config).read_text("utf-8"))
        return Restart(**told | {"replaced": tuple(told.get("replaced", ()))})
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def longest(config: Config) -> float:
    """Seconds after which no restart is under way any more, if it began when it was asked for."""
    return (config.web.workers + 2) * (_READY_SECONDS + _DRAIN_SECONDS) + _READY_SECONDS


def _running(supervisor: Supervisor) -> list[tuple[str, int]]:
    return [(child.name, child.process.pid) for child in supervisor.children if child.process is not None]


def _replace_beside(supervisor: Supervisor, old: Child) -> str:
    fresh = Child(old.name, old.place, starts_again=False)
    supervisor.children.insert(supervisor.children.index(old) + 1, fresh)
    supervisor.launch(fresh)
    if not _became_ready(supervisor, fresh):
        _end(fresh)
        supervisor.children.remove(fresh)
        return f"a new {old.name} does not start, the old one goes on: see {_log(supervisor, old)}"
    fresh.starts_again = True
    _retire(supervisor, old)
    supervisor.children.remove(old)
    return ""


def _replace_after(supervisor: Supervisor, child: Child) -> str:
    child.starts_again = False
    _retire(supervisor, child)
    child.starts_again = True
    if supervisor.is_stopping:
        return ""
    supervisor.launch(child)
    if not _became_ready(supervisor, child):
        return f"the new {child.name} does not start: see {_log(supervisor, child)}"
    return ""


def _became_ready(supervisor: Supervisor, child: Child) -> bool:
    end = time.monotonic() + _READY_SECONDS
    while not child.is_ready and child.process is not None and not supervisor.is_stopping:
        _step(supervisor)
        if time.monotonic() > end:
            return False
    return child.is_ready and child.process is not None


def _retire(supervisor: Supervisor, child: Child) -> None:
    """Let a process finish; what has not ended by then is ended."""
    child.starts_again, child.start_again_at = False, None
    if child.process is not None:
        child.process.send_signal(DRAIN)
    end = time.monotonic() + _DRAIN_SECONDS
    while child.process is not None and not supervisor.is_stopping and time.monotonic() < end:
        _step(supervisor)
    if not supervisor.is_stopping:
        _end(child)


def _step(supervisor: Supervisor) -> None:
    """The supervisor's other duties go on meanwhile; what its engines' habit is, its own loop finds."""
    supervisor.step(_LOOK_SECONDS)
    supervisor.watch()


def _end(child: Child) -> None:
    if child.process is not None:
        launch.stop(child.process, by=signal.SIGTERM, seconds=2.0)
        child.process = None


def _log(supervisor: Supervisor, child: Child) -> Path:
    return supervisor.config.data_dir / "log" / f"{child.name}.log"


def _file(config: Config) -> Path:
    return config.data_dir / "restart.json"


def _write(config: Config, restart: Restart) -> None:
    beside = _file(config).with_name(f".restart.{os.getpid()}")
    try:
        beside.write_text(json.dumps(asdict(restart)), "utf-8")
        beside.replace(_file(config))
    except OSError as error:  # a full disk keeps nobody from restarting; who asked for it waits until `longest`
        log.error("the outcome of the restart cannot be written", reason=error.strerror, **asdict(restart))
