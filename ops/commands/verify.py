"""`verify`: every data invariant on the live database, a line each with the count of violations."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify")(verify)


def verify(
    context: typer.Context,
    full: bool = typer.Option(False, "--full", help="Read everything again, from the first transfer on."),
) -> None:
    """Check the data invariants and print each with its count of violations; exit status 1 if any is above 0.

    Without checkpoints in the books yet, both forms read everything. Reads one moment of the database; a running
    store sells on meanwhile.
    """
    from core import db
    from core.reports import checks
    from ops.store import load_config, opened

    with opened(load_config(context)) as store:
        db.connect(store.config.database.roles.worker, size=2)
        try:
            findings = checks.verify()
        finally:
            db.disconnect()
    for finding in findings:
        print(f"{finding.invariant} {finding.violations}")
    if any(finding.violations for finding in findings):
        raise typer.Exit(1)
