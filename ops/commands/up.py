"""`up`: the store in its production form, in the foreground."""

from __future__ import annotations

import typer

from core.config import ConfigError
from ops.processes.serving import serve
from ops.processes.supervisor import START_ORDER


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("up")(up)


def up(
    context: typer.Context,
    only: str = typer.Option("", "--only", metavar="NAMES", help="Some processes only: web,bot,worker,vault."),
) -> None:
    """Start the store: its engines, unless addresses are set, and its processes. Ctrl-C stops all of it."""
    from ops.installation import Kind
    from ops.store import load_config

    serve(load_config(context), Kind.PRODUCTION, names=chosen(only))


def chosen(only: str) -> tuple[str, ...]:
    """The processes of `--only`, in the order in which they start; all when it is empty. Raises ConfigError."""
    wanted = [name.strip() for name in only.split(",") if name.strip()]
    for name in wanted:
        if name not in START_ORDER:
            raise ConfigError(f"there is no process {name!r}: --only takes {', '.join(START_ORDER)}")
    return tuple(name for name in START_ORDER if not wanted or name in wanted)
