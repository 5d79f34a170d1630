"""`keys`: the versions of the vault's key, and new data keys for all cards, while the store sells."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from core.config import Config, ConfigError

if TYPE_CHECKING:
    from core.vault.key_requests import KeyRequests, KeyUse, Rekeying

COPY = "Copy the keys folder away now: without the new version no card opens, and no backup holds it."


def register(app: typer.Typer) -> None:
    """Add the commands."""
    keys = typer.Typer(help="The vault's keys: versions, and new data keys for all cards.", no_args_is_help=True)
    keys.command("status")(status)
    keys.command("rotate")(rotate)
    keys.command("rekey")(rekey)
    keys.command("retire")(retire)
    keys.command("make")(make)
    app.add_typer(keys, name="keys")


def status(context: typer.Context) -> None:
    """Which versions there are, since when, and how many batches, cards, files and fields need each."""
    with _requests(context) as (requests, _):
        uses, rekeying = requests.status()
    for use in uses:
        typer.echo(described(use))
    typer.echo(_under_way(rekeying) if rekeying else "no rekeying is under way")


def rotate(
    context: typer.Context,
    to: str = typer.Option("", "--to", metavar="VERSION", help="Use a version that is there already (`keys status`)."),
    yes: bool = typer.Option(False, "--yes", help="Do it without asking."),
) -> None:
    """Make another version of the vault's key and seal every batch's data key with it; cards stay as they are."""
    with _requests(context) as (requests, config):
        uses, _ = requests.status()
        batches = sum(use.batches for use in uses)
        what = f"use version {to}" if to else "make another version of the vault's key, use it from now on"
        _sure(yes, f"This will {what}, and seal the data keys of {batches} batches with it. The store goes on selling.")
        with _bar("batches") as progress:
            done = requests.rotate(to=to or None, progress=progress)
    typer.echo(f"version {done.version} is in use; batches sealed with it: {done.batches}")
    if done.broken:
        typer.echo(f"WARNING: {done.broken} batches open with no version that is here: put its key file back")
    typer.echo(COPY.replace("the keys folder", str(config.keys_dir)))
    typer.echo("The version before stays until `keys retire VERSION`; backups made until now need it.")


def rekey(context: typer.Context, yes: bool = typer.Option(False, "--yes", help="Do it without asking.")) -> None:
    """After a compromise: another version, new data keys, and every card encrypted anew; goes on after a kill."""
    with _requests(context) as (requests, config):
        uses, running = requests.status()
        cards = sum(use.cards for use in uses)
        what = "go on with the rekeying that was begun" if running else "make another version of the vault's key"
        _sure(
            yes,
            f"This will {what}, give every batch a new data key and encrypt {cards} cards anew. The store goes on"
            " selling; of 1,000,000 cards it takes some minutes. What was stolen before stays open to the thief.",
        )
        with _bar("cards") as progress:
            done = requests.rekey(progress=progress)
    typer.echo(f"cards encrypted anew: {done.cards}")
    if done.broken:
        typer.echo(f"WARNING: {done.broken} cards do not open; they stay as they were and are set aside when bought")
    if done.unsigned:
        typer.echo(f"WARNING: {done.unsigned} batches are not as the vault signed them; nothing of them opens")
    if done.importing:
        typer.echo(
            f"batches still being imported: {done.importing}; the vault gives them new keys when they are complete"
        )
    typer.echo(COPY.replace("the keys folder", str(config.keys_dir)))


def retire(
    context: typer.Context,
    version: str = typer.Argument(..., metavar="VERSION", help="16 characters, as `keys status` shows them."),
    yes: bool = typer.Option(False, "--yes", help="Do it without asking."),
) -> None:
    """Take the private key of a version away that nothing needs any more; refused while anything does."""
    with _requests(context) as (requests, _):
        _sure(
            yes,
            f"This will delete the private key of version {version} here. Backups of the database that were made while"
            " it was in use open no more without your own copy of it.",
        )
        requests.retire(version)
    typer.echo(f"version {version} is retired: its private key is not here any more")


def make(
    file: Path = typer.Argument(..., metavar="FILE", help="Where the private key is written; it must not exist."),
) -> None:
    """Make a private key for `keys rotate --to`, where the keys come from elsewhere (a systemd credential)."""
    from core.vault.primitives import new_private, public_of
    from core.vault.seal import key_id
    from ops.engines.passwords import write_new

    if not file.parent.is_dir():
        raise ConfigError(f"there is no folder {file.parent}: make it first, or name another place")
    private = new_private()
    try:
        is_new = write_new(file, private)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written ({error.strerror}): name another place") from None
    if not is_new:
        raise ConfigError(f"{file} exists already: give another name")
    typer.echo(f"made {file}, version {key_id(public_of(private))}")


def described(use: KeyUse) -> str:
    """One line: the version, since when, what needs it."""
    if use.is_current:
        times = f"in use since {_shown(use.current_since)}"
    elif use.replaced_at is not None:
        times = f"in use from {_shown(use.current_since)} to {_shown(use.replaced_at)}"
    else:
        times = f"made {_shown(use.made_at)}, not used yet"
    return f"{use.id}  {times}  batches {use.batches}  cards {use.cards}  on their way {use.waiting}"


def _under_way(rekeying: Rekeying) -> str:
    return f"a rekeying is under way since {_shown(rekeying.started_at)}: {rekeying.cards} cards are done"


def _shown(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}Z" if at else "?"


def _sure(yes: bool, what: str) -> None:
    """Say what will happen and have it confirmed. Raises ConfigError where nobody can be asked, Abort for a no."""
    typer.echo(what)
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError("nothing was done: say --yes if that is what you want")
    typer.confirm("Go on?", abort=True)


@contextmanager
def _requests(context: typer.Context) -> Iterator[tuple[KeyRequests, Config]]:
    """The way to the running store's vault, or to one that is started for this command; its no is one sentence."""
    from core.vault.client import VaultAway, VaultRefused
    from core.vault.key_requests import KeyRequests
    from ops.commands.import_ import vault
    from ops.store import load_config, opened

    with opened(load_config(context)) as store:
        try:
            with vault(store.config, is_running=store.is_running) as client:
                yield KeyRequests(client), store.config
        except VaultAway:
            raise ConfigError("the vault went away: it goes on by itself when it is back; see `keys status`") from None
        except VaultRefused as refused:
            raise ConfigError(f"the vault says no: {refused}") from None


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    from ops.commands.import_ import progress_bar

    with progress_bar(what) as progress:
        yield progress
