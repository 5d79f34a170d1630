"""`demo`: the store with demo goods and play money, in the foreground."""

from __future__ import annotations

from dataclasses import replace

import typer

from core.config import Config
from ops.processes.serving import serve

LEAST_BUDGET = 5000
"""Cards that a demo's vault opens per SKU and hour without a person: nobody who tries it is stopped for buying many."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(context: typer.Context) -> None:
    """Start a store with demo goods and play money; a second start keeps what is there. Ctrl-C stops all of it."""
    from ops.installation import Kind
    from ops.store import load_config

    serve(as_demo(load_config(context)), Kind.DEMO, seed=True)


def as_demo(config: Config) -> Config:
    """The settings of a demo: the sandbox is on and at least `LEAST_BUDGET` cards are opened per SKU and hour."""
    budget = max(config.vault.opening_budget_per_hour, LEAST_BUDGET)
    return replace(
        config,
        pay=replace(config.pay, sandbox=replace(config.pay.sandbox, enabled=True)),
        vault=replace(config.vault, opening_budget_per_hour=budget),
    )
