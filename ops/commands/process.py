"""`process NAME` (hidden): one process of the store, started by the supervisor with an environment of its own."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import structlog
import typer

from core.config import Config, ConfigError, loading
from ops import logs
from ops.installation import Kind
from ops.isolation import accounts
from ops.isolation.confinement import confine
from ops.isolation.entitlements import CLOSED, CONFINED, KIND, keys_in_memory
from ops.processes.supervisor import say_ready

Main = Callable[..., None]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("process", hidden=True)(process)


def process(name: str) -> None:
    """Run web, bot, worker, vault, or seed (once); all settings come from the environment."""
    config = prepared(name)
    log = structlog.get_logger()
    try:
        main_of(name)(config, say_ready)
    except ConfigError:
        raise
    except Exception:
        log.exception("ended by an error nobody expected")
        raise
    log.info("ended")


def prepared(name: str) -> Config:
    """The settings of this process, once it is its own user, or, web, bot and worker, shut in; and its log is open.

    Raises ConfigError where a real store's process cannot be shut in: it serves nobody. A demo's says so and goes on.
    """
    config, account = loading.load(None, os.environ), accounts.take_own(os.environ)
    closed = [Path(path) for path in os.environ.get(CLOSED, "").split(os.pathsep) if path]
    may_stay_open = os.environ.get(KIND) in (Kind.DEMO, Kind.TEST)
    forget_environment()
    os.umask(0o077)
    log_dir = config.data_dir / "log"
    if account is not None:
        config = keys_in_memory(name, config, but=accounts.OWN_KEYS if name == "vault" else ())
        accounts.become(*account)
        log_dir = log_dir / name
    logs.set_up(name, log_dir)
    if name in CONFINED and account is None:
        config = keys_in_memory(name, config)
        try:
            confine(closed, writable=[log_dir])
        except ConfigError as error:
            log = structlog.get_logger()
            (log.warning if may_stay_open else log.error)("the vault's split is not enforced", reason=str(error))
            if not may_stay_open:
                raise
    return config


def main_of(name: str) -> Main:
    """The `main(config, ready)` of a process; it returns on SIGTERM."""
    match name:
        case "web":
            from ops.processes import web

            return web.main
        case "bot":
            from ops.processes import bot

            return bot.main
        case "worker":
            from ops.processes import worker

            return worker.main
        case "vault":
            from ops.processes import vault

            return vault.main
        case "seed":
            return seed
    raise ConfigError(f"there is no process {name!r}")


def seed(config: Config, ready: Callable[[], None]) -> None:
    """Fill a fresh demo store; on a later start it finds everything there."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    from ops.demo.seed import seed as fill

    fill(config)
    ready()


def forget_environment() -> None:
    """Take the addresses out of our own environment: what we start inherits none of them."""
    settings = [name for name in os.environ if name.startswith("KEYSTALL_") and "__" in name]
    for name in (*settings, *({CLOSED, KIND} & os.environ.keys())):
        del os.environ[name]
