"""A store as the commands see it: opened, up to date, with every address known; its life as `up` and `demo` run it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import typer

from core.config import Config, ConfigError, loading
from core.vault.client import VaultAway, VaultClient, VaultRefused
from ops import keys, migrate
from ops.engines import Engines, attach_or_start, start
from ops.engines.lock import FolderLock
from ops.installation import Kind, find_installation, has_cards, mark, other_kind, publish_keys
from ops.isolation.entitlements import check_keys
from ops.processes import ports, restarting
from ops.processes.supervisor import START_ORDER, StopSignals, Supervisor

ROOT = Path(__file__).resolve().parent.parent


def load_config(context: typer.Context) -> Config:
    """The settings of a command: --config, else config.toml here, else the one beside run.py; then the environment."""
    given: Path | None = context.find_root().obj
    if given is None:
        given = Path("config.toml") if Path("config.toml").exists() else ROOT / "config.toml"
    return loading.load(given, os.environ)


@dataclass(frozen=True)
class Running:
    """A store whose engines and processes are ours."""

    config: Config
    engines: Engines
    supervisor: Supervisor
    keys_made: list[Path]
    migrations: list[str]


@dataclass(frozen=True)
class OpenStore:
    """A store with its engines reachable and its schema up to date; `config` has every address filled in."""

    config: Config
    engines: Engines

    @property
    def is_running(self) -> bool:
        """Whether `up` or `demo` runs it (else its engines are this command's)."""
        return not self.engines.owns


@contextlib.contextmanager
def opened(config: Config) -> Iterator[OpenStore]:
    """Attach to the running store of this folder, or start its engines, until the block ends.

    An empty folder gets its schema and stays unmarked: `init`, `up` or `demo` says what it is and makes its keys.
    Raises ConfigError.
    """
    with attach_or_start(config) as engines:
        configured = engines.configured()
        if engines.owns:
            bring_up_to_date(configured)
        yield OpenStore(configured, engines)


@contextlib.contextmanager
def running(
    config: Config,
    kind: Kind,
    *,
    names: Sequence[str] = START_ORDER,
    durable: bool = True,
    signals: StopSignals | None = None,
) -> Iterator[Running]:
    """A whole store of our own: keys, engines, schema, processes; all ends with the block.

    For `up`, `demo`, and (in a folder that is thrown away, `kind` test) race and bench. Raises ConfigError: the
    folder or a port is in use, an address does not answer, a database of another kind, a process does not come up.
    With `signals` the first Ctrl-C asks the supervisor to stop; without, it is a KeyboardInterrupt in the block.
    """
    killed = FolderLock(config.data_dir).was_left_behind()
    reserved = ports.reserved(config, patient=killed) if "web" in names else {}
    with ports.kept(reserved) as sockets, start(config, kind=_purpose(kind), durable=durable) as engines:
        configured = engines.configured()
        ran = bring_up_to_date(configured)
        made = be_of_kind(configured, kind)
        for name in names:
            check_keys(name, configured)
        supervisor = Supervisor(
            configured, names, watch=engines.keep_running, sockets=sockets,
            restart=restarting.restart_reported, kind=kind,
        )  # fmt: skip
        if signals is not None:
            signals.supervisor = supervisor
        try:
            supervisor.start()
            yield Running(configured, engines, supervisor, keys_made=made, migrations=ran)
        finally:
            supervisor.stop()


def _purpose(kind: Kind) -> str:
    return "demo" if kind is Kind.DEMO else "up"


def bring_up_to_date(config: Config) -> list[str]:
    """Run the missing migrations and return their names.

    Without the owner's address nothing is run, and missing migrations are refused. Raises ConfigError.
    """
    owner = config.database.url
    if restore_broke_off(owner or config.database.roles.shop):
        raise ConfigError("a restore was broken off: run `restore` again with the same file, before anything else")
    if not owner:
        missing = migrate.pending(config.database.roles.shop)
        if missing:
            raise ConfigError(f"the schema lacks {missing[0]}: run `python run.py migrate` with database.url set")
        return []
    return migrate.migrate(owner)


def restore_broke_off(url: str) -> bool:
    """Whether a restore began here and has not ended; what it replaces still lies beside."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT to_regnamespace('replaced_by_restore') IS NOT NULL").fetchone()
    return bool(row and row[0])


def be_of_kind(config: Config, kind: Kind) -> list[Path]:
    """Mark a fresh database as `kind` and make the missing keys; returns the files that were made.

    A marked database keeps its keys as they are: a lost one is put back by a person, never replaced, except those
    that nothing was sealed with.
    Raises ConfigError when it is of another kind, or cannot be marked.
    """
    made: list[Path] = []
    found = find_installation(config.database.roles.shop)
    if found is None and not config.database.url:
        raise ConfigError("the database is not marked yet: run `python run.py init` once with database.url set")
    if found is None:
        made = keys.make_missing(config)
        found = mark(config.database.url, kind, config)
    elif config.database.url:
        with contextlib.suppress(ConfigError):  # a lost key: who needs it says so
            publish_keys(config.database.url, config)
    if found.kind is not kind:
        raise ConfigError(other_kind(kind, found.kind))
    return made + keys.make_missing(config, keys.REPLACEABLE)


def refuse_new_vault_keys(config: Config) -> None:
    """Raise ConfigError when a key of the vault is gone although cards were sealed with it: a new one opens nothing."""
    lost = [name for name in keys.missing_files(config) if name.startswith("vault.")]
    if lost and has_cards(config.database.url or config.database.roles.shop):
        raise ConfigError(
            f"{lost[0]} is missing, but cards were sealed with it: put it back from your copy of the keys"
        )


def why_nothing_sells(config: Config) -> str | None:
    """None while the vault of a running store opens cards; else the reason in one sentence."""
    try:
        return VaultClient(config.vault_socket, timeout=3).status().reason
    except VaultAway:
        return "the vault process does not answer"
    except VaultRefused as refused:
        return str(refused)
