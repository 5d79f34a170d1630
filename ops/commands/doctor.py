"""`doctor`: looks at everything the store needs, names each defect and its mend."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(context: typer.Context) -> None:
    """Check settings, folders, keys, database, schema, redis, vault, ports and gateways; exit 1 on any defect."""
    from ops.examination import examine
    from ops.store import load_config

    config = load_config(context)
    defects = 0
    for finding in examine(config):
        defects += finding.is_defect
        print(f"{'DEFECT' if finding.is_defect else 'ok':7} {finding.what:10} {finding.text}", flush=True)
    print(f"{defects} defects." if defects else "Everything is in order.")
    if defects:
        raise typer.Exit(1)
