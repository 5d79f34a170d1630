"""Debian's own servers as processes on loopback: their packages' binaries, our certificates, nothing installed runs."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
import redis

from ops.engines import launch
from ops.engines.roles import DATABASE, OWNER, ROLES, create_roles
from tests.external.certificates import HOST, Authority
from tests.support.command_line import free_port

START_SECONDS = 30
CONNECT_QUERY = "SET timezone = 'UTC'; SET statement_timeout = '30s'; SET idle_in_transaction_session_timeout = '60s'"
"""What a session past a pooler is given by it: the store's own start options do not get through."""


def missing() -> list[str]:
    """The packages that this machine lacks."""
    needed = {"postgresql": postgres_binaries(), "redis-server": _redis(), "pgbouncer": _pgbouncer()}
    return [package for package, found in needed.items() if found is None]


def postgres_binaries() -> Path | None:
    """The newest of Debian's PostgreSQL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def _redis() -> str | None:
    return shutil.which("redis-server") or shutil.which("valkey-server")


def _pgbouncer() -> str | None:
    return shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")


class DebianServers:
    """All three, with passwords and certificates of their own, until `stop`."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ks-debian-"))
        self.authority = Authority(self.folder, "authority")
        self.stranger = Authority(self.folder, "stranger")
        self.passwords = {role: secrets.token_urlsafe(16) for role in (OWNER, *ROLES, "postgres", "redis")}
        self.ports = {name: free_port() for name in ("postgres", "pgbouncer", "redis")}
        self._processes: list[subprocess.Popen[bytes]] = []
        self._uid = _unprivileged()

    def start(self) -> "DebianServers":
        """Start them and make the store's roles and an empty database."""
        self._start_postgres()
        create_roles(self.url("postgres", database="postgres"), self.passwords)
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        self._start_pgbouncer()
        self._start_redis()
        return self

    def url(
        self, role: str, *, server: str = "postgres", host: str = HOST, trusts: Path | None = None,
        database: str = DATABASE,
    ) -> str:  # fmt: skip
        """An address that trusts our authority (or another) and asks for the server's name."""
        place = f"{role}:{self.passwords[role]}@{host}:{self.ports[server]}/{database}"
        return f"postgresql://{place}?sslmode=verify-full&sslrootcert={trusts or self.authority.certificate}"

    def redis_url(self, *, host: str = HOST, trusts: Path | None = None) -> str:
        """The same for Redis."""
        place = f":{self.passwords['redis']}@{host}:{self.ports['redis']}/0"
        return f"rediss://{place}?ssl_ca_certs={trusts or self.authority.certificate}"

    def settings(self, *, pooled: Sequence[str] = ()) -> dict[str, str]:
        """The store's environment: the named roles go through PgBouncer, the others straight."""
        urls = {"KEYSTALL_DATABASE__URL": self.url(OWNER), "KEYSTALL_REDIS__URL": self.redis_url()}
        for role in ROLES:
            short = role.removeprefix("keystall_")
            server = "pgbouncer" if short in pooled else "postgres"
            urls[f"KEYSTALL_DATABASE__ROLES__{short.upper()}"] = self.url(role, server=server)
        return urls

    def stop(self) -> None:
        """End what was started, and remove its files."""
        for process in reversed(self._processes):
            launch.stop(process, by=signal.SIGINT, seconds=5)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start_postgres(self) -> None:
        binaries = postgres_binaries()
        assert binaries is not None
        cluster, password = self.folder / "cluster", self.folder / "superuser"
        password.write_text(self.passwords["postgres"])
        certificate, key = self.authority.server("postgres")
        self._give_away()
        self._run(
            binaries / "initdb", "-D", cluster, "-U", "postgres", "--pwfile", password, "-A", "scram-sha-256",
            "--locale=C.UTF-8", "-E", "UTF8", "--no-sync",
        )  # fmt: skip
        (cluster / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
        settings = {
            "port": self.ports["postgres"], "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "ssl": "on",
            "ssl_cert_file": certificate, "ssl_key_file": key, "fsync": "off", "max_connections": 150,
            "log_error_verbosity": "terse", "log_min_messages": "log", "log_parameter_max_length_on_error": 0,
            "timezone": "UTC",
        }  # fmt: skip
        options = [f"--{name}={value}" for name, value in settings.items()]
        self._serve(binaries / "postgres", "-D", cluster, *options)
        self._wait(lambda: psycopg.connect(self.url("postgres", database="postgres")).close())

    def _start_pgbouncer(self) -> None:
        binary = _pgbouncer()
        assert binary is not None
        users = self.folder / "users.txt"
        users.write_text("".join(f'"{role}" "{self.passwords[role]}"\n' for role in ROLES))
        certificate, key = self.authority.server("pgbouncer")
        settings = {
            "listen_addr": "127.0.0.1", "listen_port": self.ports["pgbouncer"], "unix_socket_dir": "",
            "auth_type": "scram-sha-256", "auth_file": users, "pool_mode": "transaction", "default_pool_size": 20,
            "ignore_startup_parameters": "options", "client_tls_sslmode": "require",
            "client_tls_cert_file": certificate, "client_tls_key_file": key, "server_tls_sslmode": "verify-full",
            "server_tls_ca_file": self.authority.certificate,
        }  # fmt: skip
        past = f"host={HOST} port={self.ports['postgres']} dbname={DATABASE} connect_query='{_quoted(CONNECT_QUERY)}'"
        lines = ["[databases]", f"{DATABASE} = {past}", "[pgbouncer]"]
        lines += [f"{name} = {value}" for name, value in settings.items()]
        (self.folder / "pgbouncer.ini").write_text("\n".join(lines) + "\n")
        self._give_away()
        self._serve(binary, self.folder / "pgbouncer.ini")
        self._wait(lambda: psycopg.connect(self.url(ROLES[0], server="pgbouncer")).close())

    def _start_redis(self) -> None:
        binary = _redis()
        assert binary is not None
        certificate, key = self.authority.server("redis")
        settings = {
            "port": 0, "tls-port": self.ports["redis"], "bind": "127.0.0.1", "requirepass": self.passwords["redis"],
            "tls-cert-file": certificate, "tls-key-file": key, "tls-ca-cert-file": self.authority.certificate,
            "tls-auth-clients": "no", "save": "", "dir": self.folder,
        }  # fmt: skip
        lines = [f'{name} "{value}"' for name, value in settings.items()]
        (self.folder / "redis.conf").write_text("\n".join(lines) + "\n")
        self._give_away()
        self._serve(binary, self.folder / "redis.conf")
        self._wait(lambda: redis.Redis.from_url(self.redis_url()).ping())

    def _give_away(self) -> None:
        """The files to the account that runs the servers, all of them closed to others but what clients trust."""
        if os.geteuid() == 0:
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, self._uid, -1)

    def _run(self, *arguments: str | Path) -> None:
        said = subprocess.run(launch.command(arguments, uid=self._uid), capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stderr

    def _serve(self, *arguments: str | Path) -> None:
        log = (self.folder / f"{Path(arguments[0]).name}.log").open("ab")
        with log:
            self._processes.append(
                subprocess.Popen(
                    launch.command(arguments, uid=self._uid), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env=launch.environment(), start_new_session=True, cwd="/",
                )
            )  # fmt: skip

    def _wait(self, answers: Callable[[], object]) -> None:
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                answers()
                return
            except (psycopg.Error, redis.RedisError):
                if time.monotonic() > end or self._processes[-1].poll() is not None:
                    raise
                time.sleep(0.05)


def _quoted(query: str) -> str:
    return query.replace("'", "''")


def _unprivileged() -> int:
    return pwd.getpwnam("postgres").pw_uid if os.geteuid() == 0 else os.geteuid()
