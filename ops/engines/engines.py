"""The engines of a store as one thing with addresses: embedded, external, or those of a store that already runs."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import TracebackType

import structlog

from core.config import Config, ConfigError, DatabaseRoles
from ops.engines import passwords
from ops.engines.lock import FolderBusy, FolderLock, Running
from ops.engines.postgres import SUPERUSER, PostgresServer, address
from ops.engines.reach import check_database, check_redis
from ops.engines.roles import DATABASE, OWNER, ROLES, create_roles
from ops.engines.valkey import ValkeyServer
from ops.isolation.accounts import share_sockets

_WAIT_FOR_COMMAND = 15.0  # seconds that `up` waits for a short command that has the folder
_MOST_RESTARTS, _HABIT_SECONDS = 5, 60.0  # an engine that ends more often has a reason that restarts do not mend
_WAIT_FOR_START = 130.0  # seconds that a command waits for a store that is starting

log = structlog.get_logger()


@dataclass(frozen=True)
class Urls:
    """One PostgreSQL address per role; `owner` is for migrations only and may be empty with an external database."""

    owner: str
    shop: str
    panel: str
    worker: str
    vault: str
    direct: str


class Engines:
    """PostgreSQL and Redis of one store, as addresses; `stop` ends what this object started and nothing else."""

    def __init__(self, config: Config, *, lock: FolderLock | None, kind: str) -> None:
        self.config = config
        self.kind = kind
        self.durable = True
        self.was_unclean = False
        self.urls = Urls("", "", "", "", "", "")
        self.redis_url = ""
        self.postgres: PostgresServer | None = None
        self.valkey: ValkeyServer | None = None
        self._lock = lock
        self._restarts: list[float] = []

    @property
    def owns(self) -> bool:
        """Whether the folder is ours (else we are attached to a running store)."""
        return self._lock is not None and self.kind != "attached"

    def configured(self) -> Config:
        """The settings with every address filled in."""
        roles = DatabaseRoles(**{item.name: getattr(self.urls, item.name) for item in fields(DatabaseRoles)})
        return replace(
            self.config,
            database=replace(self.config.database, url=self.urls.owner, roles=roles),
            redis=replace(self.config.redis, url=self.redis_url or self.config.redis.url),
        )

    def keep_running(self) -> str | None:
        """Start an engine again that has ended by itself; its name when that has become a habit.

        A start may fail while sessions of the server that was killed still end: the next call tries again.
        """
        for name, engine in (("PostgreSQL", self.postgres), ("Valkey", self.valkey)):
            if engine is None or engine.is_running():
                continue
            now = time.monotonic()
            self._restarts = [at for at in self._restarts if now - at < _HABIT_SECONDS] + [now]
            if len(self._restarts) > _MOST_RESTARTS:
                return name
            log.warning(f"{name} ended by itself and is started again", log=str(engine.log))
            try:
                engine.start()
                share_sockets(engine.sockets, self.config)
            except ConfigError as error:
                log.error(f"{name} does not start again yet", reason=str(error))
                time.sleep(0.4 * len(self._restarts))
        return None

    def stop(self) -> None:
        """Valkey, then PostgreSQL, then the lock; a command waits for others that attached to it meanwhile."""
        if self._lock is not None and self.kind == "command":
            self._lock.write(Running(os.getpid(), self.kind, "", ready=False))
            self._lock.wait_for_users()
        if self.valkey is not None:
            self.valkey.stop()
            self.valkey = None
        if self.postgres is not None:
            self.postgres.stop()
            self.postgres = None
        if self._lock is not None:
            self._lock.detach()
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Engines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(config: Config, *, kind: str = "up", durable: bool = True, with_redis: bool = True) -> Engines:
    """Take the data folder and start what has no address of its own; `kind` is up, demo or command.

    `durable=False` is for tests and benchmarks in folders that are thrown away: no fsync.

    Raises ConfigError: the folder is in use, another version's, or an external address does not answer.
    """
    lock = FolderLock(config.data_dir)
    unclean = _acquire(lock, patient=kind != "command")
    engines = Engines(config, lock=lock, kind=kind)
    engines.was_unclean = unclean
    engines.durable = durable
    try:
        lock.write(Running(os.getpid(), kind, str(config.engine_sockets), ready=False))
        _start_database(engines)
        if with_redis:
            _start_redis(engines)
        lock.write(Running(os.getpid(), kind, str(config.engine_sockets), ready=True))
    except BaseException:
        engines.stop()
        raise
    return engines


def attach_or_start(config: Config, *, with_redis: bool = True) -> Engines:
    """The engines of the running store of this folder, or our own until `stop`.

    Without `with_redis` none is started, and none has to answer. Raises ConfigError as `start` does.
    """
    for _ in range(3):
        lock = FolderLock(config.data_dir)
        if not lock.is_held_by_another():
            with contextlib.suppress(FolderBusy):
                return start(config, kind="command", with_redis=with_redis)
        with contextlib.suppress(LookupError):
            return _attach(config, lock, lock.attach(_WAIT_FOR_START))
    raise ConfigError(f"the store in {config.data_dir} starts and stops: wait until it runs, then try again")


def is_external(config: Config) -> bool:
    """Whether the database is someone else's to run."""
    return bool(config.database.url or any(vars(config.database.roles).values()))


def external_urls(config: Config) -> Urls:
    """The addresses as given, references resolved; `direct` falls back to the shop's. Raises ConfigError."""
    given = {name: _address(config, value) for name, value in vars(config.database.roles).items()}
    for name in ("shop", "panel", "worker", "vault"):
        if not given[name]:
            raise ConfigError(f"database.roles.{name} is empty: with a database of your own each role needs its login")
    given["direct"] = given["direct"] or given["shop"]
    return Urls(owner=_address(config, config.database.url), **given)


def redis_address(config: Config) -> str:
    """The address as given, its reference resolved, or that of the embedded Valkey."""
    return _address(config, config.redis.url) or ValkeyServer(config.data_dir).url


def _address(config: Config, value: str) -> str:
    is_reference = value.startswith(("env:", "file:", "credential:"))
    return config.secret(value).reveal().decode().strip() if is_reference else value


def _acquire(lock: FolderLock, *, patient: bool) -> bool:
    end = time.monotonic() + _WAIT_FOR_COMMAND
    while True:
        try:
            return lock.acquire()
        except FolderBusy as busy:
            short = busy.running is None or busy.running.kind == "command"
            if not (patient and short) or time.monotonic() > end:
                raise
        time.sleep(0.1)


def _start_database(engines: Engines) -> None:
    config = engines.config
    if is_external(config):
        engines.urls = external_urls(config)
        check_database(engines.urls.owner or engines.urls.shop)
        return
    server = PostgresServer(config.data_dir, durable=engines.durable)
    engines.postgres = server
    server.start()
    share_sockets(server.sockets, config)
    logins = {role: passwords.password(config.data_dir, role) for role in (OWNER, *ROLES)}
    create_roles(server.url(SUPERUSER, "postgres"), logins)
    engines.urls = embedded_urls(config.data_dir, server.sockets)


def _start_redis(engines: Engines) -> None:
    config = engines.config
    if config.redis.url:
        engines.redis_url = redis_address(config)
        check_redis(engines.redis_url)
        return
    engines.valkey = ValkeyServer(config.data_dir)
    engines.valkey.start()
    share_sockets(engines.valkey.sockets, config)
    engines.redis_url = engines.valkey.url


def _attach(config: Config, lock: FolderLock, running: Running) -> Engines:
    engines = Engines(config, lock=lock, kind="attached")
    try:
        sockets = Path(running.sockets)
        engines.urls = external_urls(config) if is_external(config) else embedded_urls(config.data_dir, sockets)
        engines.redis_url = redis_address(config)
        check_database(engines.urls.owner or engines.urls.shop)
    except BaseException:
        engines.stop()
        raise
    return engines


def embedded_urls(data_dir: Path, sockets: Path) -> Urls:
    """The addresses of the logins of this folder's cluster."""
    made = {
        role.removeprefix("keystall_"): address(role, passwords.password(data_dir, role), DATABASE, sockets)
        for role in (OWNER, *ROLES)
    }
    return Urls(**made)
