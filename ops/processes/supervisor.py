"""The supervisor: starts the processes of a store, each with its own settings only, restarts what dies, stops all."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from core.config import Config, ConfigError
from ops.engines import launch
from ops.installation import Kind
from ops.isolation.accounts import Accounts, accounts_of, settle
from ops.isolation.entitlements import KIND, environment_of
from ops.processes import ports

READY_FD = "KEYSTALL_READY_FD"  # the child writes one byte there when it serves
START_ORDER = ("vault", "worker", "bot", "web")
_STOP_SECONDS = {
    "web": 2.0,
    "bot": 2.0,
    "worker": 2.0,
    "vault": 0.7,
}  # then killed; of ten seconds, the engines get the rest
_READY_SECONDS = 60.0
_BACKOFF = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # seconds before the next start of a process that keeps dying
_STEADY_SECONDS = 30.0  # a process that lived so long starts again without delay

log = structlog.get_logger()


@dataclass
class Child:
    """One process of the store, over all its restarts."""

    name: str
    place: int = 0  # among the processes of that name
    process: subprocess.Popen[bytes] | None = None
    ready_pipe: int | None = None
    is_ready: bool = False
    started_at: float = 0.0
    deaths: int = 0
    start_again_at: float | None = None
    starts_again: bool = True  # else its end is expected


@dataclass
class Supervisor:
    """Runs the named processes until `stop`; must live in the main thread, whose death ends the children."""

    config: Config
    names: Sequence[str] = START_ORDER
    watch: Callable[[], str | None] = lambda: None
    sockets: Mapping[str, socket.socket] = field(default_factory=dict)  # kept over every restart of web
    restart: Callable[[Supervisor], None] = lambda _: None  # what is done when somebody asks for it
    kind: Kind = Kind.PRODUCTION  # a real store's process that cannot be shut in does not start
    program: Sequence[str] = field(default_factory=lambda: (sys.executable, str(_run_py()), "process"))
    children: list[Child] = field(default_factory=list)
    _accounts: Accounts | None = None
    _stopping: bool = False
    _restart_asked: bool = False

    def start(self) -> None:
        """Start all and wait until each says that it is ready. Raises ConfigError when one does not come up."""
        ports.open_to_all(self.sockets)
        self._accounts = accounts_of(self.config)
        if self._accounts is not None:
            settle(self.config, self._accounts)
        for name in self.names:
            for place in range(self.config.web.workers if name == "web" else 1):
                child = Child(name, place)
                self.children.append(child)
                self.launch(child)
        end = time.monotonic() + _READY_SECONDS
        while not self._stopping and not all(child.is_ready for child in self.children):
            self._look(0.1)
            dead = next((child for child in self.children if child.process is None and not child.is_ready), None)
            if dead is not None:
                raise ConfigError(f"the process {dead.name} does not start: {self._reason(dead)}")
            if time.monotonic() > end:
                late = ", ".join(child.name for child in self.children if not child.is_ready)
                raise ConfigError(f"not ready after {_READY_SECONDS:.0f} s: {late}; see {self.config.data_dir / 'log'}")

    def run(self) -> str | None:
        """Watch and restart until asked to stop; returns the name of an engine that ended by itself, or None."""
        while not self._stopping:
            self.step(0.25)
            gone = self.watch()
            if gone is not None and not self._stopping:
                return gone
            if self._restart_asked and not self._stopping:
                self._restart_asked = False
                self.restart(self)
        return None

    def step(self, seconds: float) -> None:
        """Wait for news for at most so long; start again what has died, once its time has come."""
        self._look(seconds)
        for child in self.children:
            again = child.start_again_at
            if again is not None and time.monotonic() >= again and not self._stopping:
                self.launch(child)

    def run_once(self, name: str) -> None:
        """Run a process that ends by itself, while the others are watched. Raises ConfigError when it fails."""
        if self._stopping:
            return
        child = Child(name, starts_again=False)
        self.children.append(child)
        self.launch(child)
        while child.process is not None and not self.is_stopping:
            self._look(0.1)
        if not self._stopping:
            self.children.remove(child)
            if not child.is_ready:
                raise ConfigError(f"the process {name} failed: {self._reason(child)}")

    @property
    def is_stopping(self) -> bool:
        """Whether someone asked to stop."""
        return self._stopping

    def ask_to_stop(self) -> None:
        """Let `start` and `run` return; safe in a signal handler."""
        self._stopping = True

    def ask_to_restart(self) -> None:
        """Let `run` restart what can be restarted without losing a request; safe in a signal handler."""
        self._restart_asked = True

    def stop(self) -> None:
        """SIGTERM to web, then bot, worker and vault, each once the one before has ended; late ones are killed."""
        self._stopping = True
        ports.close(self.sockets)
        for child in reversed(self.children):
            if child.process is not None:
                launch.stop(child.process, by=signal.SIGTERM, seconds=_STOP_SECONDS.get(child.name, 1.0))
                self._kill_group(child)
                child.process = None
            self._close_pipe(child)

    def launch(self, child: Child) -> None:
        """Start this process; the next looks tell whether it is ready."""
        read, write = os.pipe()
        named, descriptors = ports.handed_over(self.sockets) if child.name == "web" else ({}, ())
        environment = {**environment_of(child.name, self.config, place=child.place), **named, READY_FD: str(write)}
        environment[KIND] = self.kind.value
        if self._accounts is not None:
            environment |= self._accounts.environment(child.name)
        try:
            child.process = subprocess.Popen(
                launch.ended_with_parent([*self.program, child.name]), env=environment, stdin=subprocess.DEVNULL,
                pass_fds=(write, *descriptors), start_new_session=True, cwd=_run_py().parent,
            )  # fmt: skip
        finally:
            os.close(write)
        self._close_pipe(child)
        child.ready_pipe, child.is_ready = read, False
        child.started_at, child.start_again_at = time.monotonic(), None

    def _look(self, seconds: float) -> None:
        """Wait for news of the children for at most so long: one is ready, or one has ended."""
        pipes = {child.ready_pipe: child for child in self.children if child.ready_pipe is not None}
        readable, _, _ = select.select(list(pipes), [], [], seconds)
        for pipe in readable:
            child = pipes[pipe]
            child.is_ready = os.read(pipe, 1) == b"1" or child.is_ready
            self._close_pipe(child)
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                self._note_death(child)

    def _note_death(self, child: Child) -> None:
        if child.process is None:
            return
        self._kill_group(child)
        code = child.process.returncode
        child.process = None
        if not child.starts_again:
            return
        if time.monotonic() - child.started_at > _STEADY_SECONDS:
            child.deaths = 0
        delay = _BACKOFF[min(child.deaths, len(_BACKOFF) - 1)]
        child.deaths += 1
        child.start_again_at = time.monotonic() + delay
        if not self._stopping and child.is_ready:
            log.warning(f"the process {child.name} ended and is started again", status=code, in_seconds=delay)

    def _kill_group(self, child: Child) -> None:
        """End what a child has left behind in its session; harmless when nothing is left."""
        if child.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.process.pid, signal.SIGKILL)

    def _close_pipe(self, child: Child) -> None:
        if child.ready_pipe is not None:
            os.close(child.ready_pipe)
            child.ready_pipe = None

    def _reason(self, child: Child) -> str:
        return f"see {self.config.data_dir / 'log' / (child.name + '.log')}, or `python run.py doctor`"


class StopSignals:
    """SIGINT and SIGTERM until the end of the block: the first one stops, further ones change nothing.

    Before there is a supervisor the first one raises KeyboardInterrupt; later it asks the supervisor to stop.
    SIGUSR1 and SIGHUP ask for a graceful restart; but where a person's terminal is the input, a hang-up is its end.
    """

    def __init__(self) -> None:
        self.supervisor: Supervisor | None = None
        self._asked = False
        self._has_terminal = os.isatty(0)
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopSignals:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
            self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: object) -> None:
        is_restart = number == signal.SIGUSR1 or (number == signal.SIGHUP and not self._has_terminal)
        if is_restart:
            if self.supervisor is not None:
                self.supervisor.ask_to_restart()
            return
        if self._asked:
            return
        self._asked = True
        if self.supervisor is None:
            raise KeyboardInterrupt
        self.supervisor.ask_to_stop()


def say_ready() -> None:
    """In a child: tell the supervisor that it serves now. Nothing happens when there is no supervisor."""
    descriptor = os.environ.pop(READY_FD, "")
    if descriptor:
        os.write(int(descriptor), b"1")
        os.close(int(descriptor))


def _run_py() -> Path:
    return Path(__file__).resolve().parents[2] / "run.py"
