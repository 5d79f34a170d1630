"""`imports`: how imports stand; and taking one back that is under way (`import --cancel`)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import typer

from core.config import Config, ConfigError
from core.errors import NotFound
from core.ids import Prefix, parse, public

if TYPE_CHECKING:
    from core.stock.imports import ImportStanding


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("imports")(imports)


def imports(
    context: typer.Context,
    most: int = typer.Option(20, "--most", metavar="N", min=1, max=1000, help="How many, those under way first."),
) -> None:
    """Show how imports stand: state, percent, rows, and what became of them."""
    from core import db
    from core.actor import OPERATOR
    from core.stock.imports import imports as standing
    from ops.store import load_config, opened

    with opened(load_config(context)) as store:
        db.connect(store.config.database.roles.shop, size=2)
        try:
            found = standing(actor=OPERATOR, most=most)
        finally:
            db.disconnect()
    for one in found:
        typer.echo(described(one))
    typer.echo(f"under way {sum(one.finished_at is None for one in found)}")


def described(one: ImportStanding) -> str:
    """One line: what it is, how far it is, and why it ended if not well."""
    counts = f"added {one.added}  duplicates {one.duplicates}  refused {one.refused}"
    rows = f"{one.rows_done} of about {one.rows_about} rows" if one.finished_at is None else f"{one.rows_done} rows"
    problem = f"  {one.problem}" if one.problem else ""
    number = public(Prefix.BATCH, one.batch)
    return f"{number}  {one.state}  {one.percent} %  {rows}  {counts}  {one.sku}  {one.party}  {one.file_name}{problem}"


def cancelled(config: Config, number: str, *, is_running: bool) -> str:
    """Take an import back; the sentence that says what became of it. Raises ConfigError."""
    from core.vault.client import VaultAway, VaultRefused
    from core.vault.stock_requests import StockRequests
    from ops.commands.import_ import vault

    try:
        batch = parse(Prefix.BATCH, number)
    except NotFound:
        raise ConfigError(f"{number!r} is no batch number: it looks like bat_… ; `imports` shows it") from None
    try:
        with vault(config, is_running=is_running) as client:
            count = StockRequests(client).cancel_import(batch)
    except VaultRefused as refused:
        raise ConfigError(f"{number}: {refused}") from None
    except VaultAway:
        raise ConfigError("the vault is away: it takes the import back when it is asked again; see `doctor`") from None
    return f"{number} is cancelled: {count} cards that had come were taken back; the same file may be imported again"


def of_upload(config: Config, upload: UUID) -> str | None:
    """The number of the batch that an upload fills, once its import has begun."""
    from core import db

    db.connect(config.database.roles.shop, size=2)
    try:
        rows = db.execute("SELECT id FROM batch WHERE upload_id = %s", (upload,))
    finally:
        db.disconnect()
    return public(Prefix.BATCH, rows[0][0]) if rows else None
