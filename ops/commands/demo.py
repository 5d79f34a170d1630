"""`demo`: the store with demo goods and play money, in the foreground."""

from __future__ import annotations

from dataclasses import replace

import typer

from ops.serving import serve


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(context: typer.Context) -> None:
    """Start a store with demo goods and play money; a second start keeps what is there. Ctrl-C stops all of it."""
    from core.config import Pay, PaySandbox
    from ops.installation import Kind
    from ops.store import load_config

    config = load_config(context)
    serve(replace(config, pay=Pay(sandbox=PaySandbox(enabled=True))), Kind.DEMO, seed=True)
