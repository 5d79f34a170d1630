"""`process NAME` (hidden): one process of the store, started by the supervisor with an environment of its own."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable

import structlog
import typer

from core.config import Config, ConfigError, loading
from ops import logs
from ops.processes import say_ready

Main = Callable[..., None]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("process", hidden=True)(process)


def process(name: str) -> None:
    """Run web, worker, vault, or seed (once); all settings come from the environment."""
    config = loading.load(None, os.environ)
    forget_environment()
    os.umask(0o077)
    logs.set_up(name, config.data_dir / "log")
    log = structlog.get_logger()
    try:
        main_of(name)(config, say_ready)
    except ConfigError:
        raise
    except Exception:
        log.exception("ended by an error nobody expected")
        raise
    log.info("ended")


def main_of(name: str) -> Main:
    """The `main(config, ready)` of a process; it returns on SIGTERM."""
    match name:
        case "web":
            from ops import web

            return web.main
        case "worker":
            from ops import worker

            return worker.main
        case "vault":
            from ops import vault

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
    for name in [name for name in os.environ if name.startswith("KEYSTALL_") and "__" in name]:
        with contextlib.suppress(KeyError):
            del os.environ[name]
