"""`doctor`: looks at everything the store needs, names each defect and its mend."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(context: typer.Context) -> None:
    """Check machine, settings, keys, database, rights, TLS, schema, redis, vault, ports, shop, gateways, chats, alarms.

    Exits 1 on any defect; what is marked LOOK is none, but somebody should know it.
    """
    from ops.doctor.examination import examine
    from ops.store import load_config

    config = load_config(context)
    defects = notices = 0
    for finding in examine(config):
        defects += finding.is_defect
        notices += finding.is_notice
        print(finding.line, flush=True)
    if defects:
        print(f"{defects} defects.")
        raise typer.Exit(1)
    print(f"No defects; to look at: {notices}." if notices else "Everything is in order.")
