"""`restore`: brings a backup back, says what is left to see to, and lets the store sell again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from core.config import ConfigError

if TYPE_CHECKING:
    from core.config import Config
    from core.vault.epoch_requests import EpochRequests, Standing


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("restore")(restore)


def restore(
    context: typer.Context,
    file: Path | None = typer.Argument(None, metavar="[FILE]", help="A file that `backup` wrote."),
    key: Path | None = typer.Option(None, "--key", metavar="FILE", help="The private backup key (backup.key)."),
    replace: str = typer.Option("", "--replace", metavar="DATABASE", help="Its content may go away for the backup."),
    status: bool = typer.Option(False, "--status", help="What was found, and what is left to do."),
    compared: str = typer.Option("", "--compared", metavar="ACCOUNT", help="A gateway's own list was looked through."),
    release: bool = typer.Option(False, "--release", help="Sell again, once all is done; `verify` is run first."),
    log_until: str = typer.Option("", "--log-until", metavar="TIME", help="The log's last entry, as --status has it."),
    lock_old_stock: bool = typer.Option(False, "--lock-old-stock", help="Without the opening log: lock old batches."),
    accept_old_stock: bool = typer.Option(False, "--accept-old-stock", help="Without it: sell them, some maybe twice."),
) -> None:
    """Bring a backup back while the store is stopped; then it starts, but opens and sells nothing until released.

    The vault first marks the cards that went out after the backup, by its own log outside the database.
    """
    asked = [bool(file), status, bool(compared), release]
    if sum(asked) != 1:
        raise ConfigError("give a FILE, or one of --status, --compared ACCOUNT, --release")
    if lock_old_stock and accept_old_stock:
        raise ConfigError("--lock-old-stock and --accept-old-stock are two answers to one question: give one")
    if file is not None:
        _bring_back(context, file, key, replace)
    elif status:
        with _requests(context) as requests:
            for line in described(requests.status()):
                typer.echo(line)
    elif compared:
        with _requests(context) as requests:
            requests.compared(compared)
        typer.echo(f"{compared} is compared")
    else:
        _release(context, "lock" if lock_old_stock else "accept" if accept_old_stock else "", log_until)


def described(standing: Standing | None) -> list[str]:
    """A line for each thing that was found or is left to do."""
    if standing is None:
        return ["no restored database waits to be released"]
    lines = [
        f"restored {standing.restored_at:%Y-%m-%d %H:%M}Z from a backup of {standing.backup_made_at:%Y-%m-%d %H:%M}Z",
        f"opening log {'whole' if standing.log_is_whole else 'NOT WHOLE: what went out after the backup is not known'}"
        f"  last entry {standing.log_ends}, backup {standing.backup_made_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        f"sent again {standing.resumed}  (cards that went out for orders which the backup knows as paid)",
        f"set aside {standing.set_aside}  (cards that went out and are never sold again)",
        f"gone {standing.gone}  (cards imported and gone out after the backup; importing them again adds none)",
        f"orders gone {standing.orders_gone}  (lines of orders placed after the backup, whose cards went out)",
        f"payments still asked about {standing.unanswered}",
    ]
    lines += [
        f"gateway {one.account}  {one.gateway} of {one.merchant}  {'compared' if one.compared else 'TO COMPARE'}"
        for one in standing.gateways
    ]
    lines.append("audit: its marks know entries that the backup has not; once released: `audit verify`, `audit accept`")
    if not standing.log_is_whole:
        lines.append(f"old stock {standing.unsold}: --release needs --lock-old-stock or --accept-old-stock")
    else:
        lines.append(
            f"if the vault opened nothing after the log's last entry: --release --log-until {standing.log_ends}; else"
            " it is an older copy: put the newest one in its place and restore again"
        )
    return lines


def _bring_back(context: typer.Context, file: Path, key: Path | None, replace: str) -> None:
    from ops import keys
    from ops.backups.keys import private_key
    from ops.backups.restoring import restore as bring_back
    from ops.engines import attach_or_start
    from ops.store import load_config

    if not file.is_file():
        raise ConfigError(f"there is no file {file}: give one that `backup` wrote")
    config, began = load_config(context), time.monotonic()
    if missing := [name for name in keys.missing_files(config) if name.startswith("vault.")]:
        raise ConfigError(f"{missing[0]} is missing: put the keys folder back from your copy before restoring")
    private = private_key(config, key)
    with attach_or_start(config, with_redis=False) as engines:
        if not engines.owns:
            raise ConfigError("the store is running: stop it, then restore")
        configured = engines.configured()
        if not configured.database.url:
            raise ConfigError(
                "a backup is brought back as the owner of the database: set database.url for this command"
            )
        done = bring_back(configured, file, private=private, replace=replace)
    typer.echo(f"restored {file} of {done.head.made_at:%Y-%m-%d %H:%M:%S}Z in {time.monotonic() - began:.1f} s")
    for name in done.migrations:
        typer.echo(f"migrated {name}")
    typer.echo("The store may be started: it opens and sells nothing yet. Then: restore --status")


def _release(context: typer.Context, old_stock: str, log_until: str) -> None:
    from dataclasses import astuple

    from core import db
    from core.reports.checks import verify
    from ops.store import load_config, opened

    with opened(load_config(context)) as store:
        db.connect(store.config.database.roles.worker, size=2)
        try:
            broken = {name: count for name, count in map(astuple, verify()) if count}
        finally:
            db.disconnect()
        if broken:
            name, count = next(iter(broken.items()))
            raise ConfigError(f"{name} is violated {count} times: see `verify`, mend that first; nothing was released")
        with _asking(store.config, is_running=store.is_running) as requests:
            done = requests.release(old_stock=old_stock, log_until=log_until)
    typer.echo("released: the store sells again")
    if done.locked:
        typer.echo(f"batches locked: {done.locked}; `batch unlock` puts one back on sale")
    if done.checkpoints:
        typer.echo(f"the vault's record of checkpoints was put aside as vault/{done.checkpoints}; keep it")


@contextmanager
def _requests(context: typer.Context) -> Iterator[EpochRequests]:
    from ops.store import load_config, opened

    with opened(load_config(context)) as store, _asking(store.config, is_running=store.is_running) as requests:
        yield requests


@contextmanager
def _asking(config: Config, *, is_running: bool) -> Iterator[EpochRequests]:
    """The way to the running store's vault, or to one that is started for this; its no is one sentence."""
    from core.vault.client import VaultAway, VaultRefused
    from core.vault.epoch_requests import EpochRequests
    from ops.commands.import_ import vault

    try:
        with vault(config, is_running=is_running) as client:
            yield EpochRequests(client)
    except VaultAway:
        raise ConfigError("the vault does not answer: see `doctor`") from None
    except VaultRefused as refused:
        raise ConfigError(str(refused)) from None
