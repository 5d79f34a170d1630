"""`restart`: web, worker and bot of the running store are replaced one after the other, and no request is lost."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("restart")(restart)


def restart(context: typer.Context) -> None:
    """Replace web, worker and bot of the running store by new processes; requests and deliveries go on meanwhile.

    They take the settings with which the store was started, and the code as it lies there now. Engines and vault stay.
    """
    import os
    import signal
    import time

    from core.config import ConfigError
    from ops.engines.lock import FolderLock
    from ops.processes.restarting import last_restart, longest
    from ops.store import load_config

    config = load_config(context)
    lock = FolderLock(config.data_dir)
    running = lock.read() if lock.is_held_by_another() else None
    if running is None or running.kind == "command" or not running.ready:
        raise ConfigError(f"no store runs in {config.data_dir}: `python run.py up` starts one")
    before = last_restart(config)
    end = time.monotonic() + longest(config)
    os.kill(running.pid, signal.SIGUSR1)
    while (after := last_restart(config)) == before or after is None or after.pid != running.pid:
        if not lock.is_held_by_another():
            raise ConfigError("the store ended meanwhile: `python run.py up` starts it again")
        if time.monotonic() > end:
            print(f"the store does not say how the restart went: see {config.data_dir / 'log' / 'supervisor.log'}")
            raise typer.Exit(1)
        time.sleep(0.1)
    if after.problem:
        print(after.problem)
        raise typer.Exit(1)
    none = "nothing: this store runs neither web nor worker nor bot"
    print(f"Restarted: {', '.join(after.replaced) or none}.")
