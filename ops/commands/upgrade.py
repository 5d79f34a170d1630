"""`upgrade --check`: whether this version fits what is there, said before it is started."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("upgrade")(upgrade)


def upgrade(
    context: typer.Context,
    check: bool = typer.Option(False, "--check", help="Say what an upgrade to this version would do; change nothing."),
) -> None:
    """Say whether schema, settings, data folder, keys and packages fit this version, and how to go over to it.

    Exits 1 on any defect; what is marked LOOK is none, but should be known before.
    """
    from core.config import ConfigError
    from ops.doctor.upgrading import upgrade_findings
    from ops.store import load_config

    if not check:
        raise ConfigError(
            "nothing is upgraded by one command: `python run.py upgrade --check` says what would be done and the way"
        )
    config = load_config(context)
    defects = 0
    for finding in upgrade_findings(config):
        defects += finding.is_defect
        print(finding.line, flush=True)
    if defects:
        print(f"{defects} defects: do not start this version yet.")
        raise typer.Exit(1)
    print("This version fits.")
