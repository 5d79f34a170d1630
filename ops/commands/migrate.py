"""`migrate`: the schema, brought up to date by the owner."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("migrate")(migrate)


def migrate(context: typer.Context) -> None:
    """Bring the database's schema up to date; running it again changes nothing."""
    from core.config import ConfigError
    from ops.engines import attach_or_start
    from ops.migrate import migrate as run_missing
    from ops.migrate import migrations
    from ops.store import load_config

    config = load_config(context)
    with attach_or_start(config) as engines:
        if not engines.urls.owner:
            raise ConfigError("database.url is empty: migrations run as the owner, set its address")
        ran = run_missing(engines.urls.owner)
    for name in ran:
        print(f"ran {name}")
    print(f"The schema is up to date: {len(migrations())} migrations, {len(ran)} of them now.")
