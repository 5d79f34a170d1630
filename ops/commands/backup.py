"""`backup`: the database into one sealed file, while the store sells."""

from __future__ import annotations

from pathlib import Path

import typer

from core.config import ConfigError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backup")(backup)


def backup(
    context: typer.Context,
    to: Path | None = typer.Option(None, "--to", metavar="DIR", help="Where to (default: backups in the data folder)."),
    keep: int = typer.Option(0, "--keep", metavar="N", help="Then remove all but the N newest there; 0 removes none."),
) -> None:
    """Write the database, sealed to the backup key, into one file; no key of the vault is in it.

    The store may go on selling. Whoever restores needs the private backup key and the keys folder.
    """
    from ops.backups import keys
    from ops.backups.making import make
    from ops.store import load_config, opened

    if keep < 0:
        raise ConfigError("--keep is below 0: give how many backups shall stay, or leave it out")
    with opened(load_config(context)) as store:
        config = store.config
        if not config.database.url:
            raise ConfigError("a backup is made as the owner of the database: set database.url for this command")
        for path in keys.make_missing(config):
            typer.echo(f"made {path}")
        made = make(config, (to or config.data_dir / "backups").absolute(), keep=keep or None)
    typer.echo(f"wrote {made.file}  {made.size:,} bytes in {made.seconds:.1f} s")
    for path in made.removed:
        typer.echo(f"removed {path}")
    private, _ = keys.files(config)
    if private.exists():
        typer.echo(f"WARNING: {private} opens every backup: move it to a safe place, away from this machine")
    typer.echo(f"To bring it back: python run.py restore {made.file} --key BACKUP.KEY (with the keys folder in place)")
