"""`audit verify | mark | accept`: whether the record of who did what is whole, asked of the vault process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from core.config import ConfigError

if TYPE_CHECKING:
    from core.vault.client import VaultClient


def register(app: typer.Typer) -> None:
    """Add the commands."""
    audit = typer.Typer(help="Whether the record of who did what is whole.", rich_markup_mode=None)
    audit.command("verify")(verify)
    audit.command("mark")(mark)
    audit.command("accept")(accept)
    app.add_typer(audit, name="audit")


def verify(
    context: typer.Context,
    against: Path | None = typer.Option(None, "--against", metavar="FILE", help="Lines that `audit mark` gave out."),
) -> None:
    """Read the whole chain; name the first entry that is broken, what waits for its link, and a tail that was cut.

    Exit status 1 if anything is wrong.
    """
    lines = _lines(against) if against else []
    from ops.doctor.audit import sentences

    with _vault(context) as client:
        report = client.verify_audit(copies=lines, progress=_progress)
    counts = f"entries {report.entries}  broken {report.broken}  unlinked {report.unlinked}  marks {report.marks}"
    print(counts)
    for sentence in sentences(report):
        print(sentence)
    if not report.is_sound:
        raise typer.Exit(1)


def mark(
    context: typer.Context,
    to: Path | None = typer.Option(None, "--to", metavar="FILE", help="Append the line to this file, kept elsewhere."),
) -> None:
    """Write down outside the database how far the chain has come, and print the line, to be kept elsewhere."""
    with _vault(context) as client:
        entry, line = client.mark_audit()
    if to is None:
        print(line)
        return
    with to.open("a", encoding="ascii") as file:
        file.write(line + "\n")
    print(f"marked at entry {entry}")


def accept(
    context: typer.Context,
    reason: str = typer.Option(..., "--reason", metavar="TEXT", help="What happened, for those who read it later."),
) -> None:
    """Say that somebody has looked at all that `audit verify` names now; from then on it names only what is new."""
    if not reason.strip():
        raise ConfigError("--reason is empty: say what happened, for those who read it later")
    with _vault(context) as client:
        count = client.accept_audit(reason=reason)
    print(f"accepted {count}")


@contextlib.contextmanager
def _vault(context: typer.Context) -> Iterator[VaultClient]:
    from core.vault.client import VaultAway, VaultRefused
    from ops.commands.import_ import vault
    from ops.store import load_config, opened

    with opened(load_config(context)) as store, vault(store.config, is_running=store.is_running) as client:
        try:
            yield client
        except VaultRefused as refused:
            raise ConfigError(f"the vault refuses: {refused}") from None
        except VaultAway:
            raise ConfigError("the vault process does not answer: `python run.py doctor` says why") from None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{path} cannot be read: give a file with lines that `audit mark` gave out") from None


def _progress(done: int, about: int) -> None:
    typer.echo(f"\r{done} entries read", err=True, nl=False)
