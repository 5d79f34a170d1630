"""`vetting list | add | end`: which suppliers the platform knows; others may bring only so many rows a day."""

from __future__ import annotations

import typer

from core.config import ConfigError

_SUPPLIERS = """
SELECT p.code, v.vetted_at, v.reason FROM party p
LEFT JOIN supplier_vetting v ON v.party_id = p.id AND v.ended_at IS NULL
WHERE p.kind = 'supplier' AND p.status <> 'left' ORDER BY p.code
"""


def register(app: typer.Typer) -> None:
    """Add the command and its parts."""
    vetting = typer.Typer(help="Suppliers that are vetted; others may bring only so many rows a day.",
                          no_args_is_help=True)  # fmt: skip
    vetting.command("list")(listed)
    vetting.command("add")(add)
    vetting.command("end")(end)
    app.add_typer(vetting, name="vetting")


def listed(context: typer.Context) -> None:
    """Show every supplier: vetted since when and why, or how much he may bring a day."""
    from core import db
    from ops.commands.channel import as_shop
    from ops.store import load_config

    most = load_config(context).vault.unvetted_rows_per_day
    with as_shop(context):
        found = db.execute(_SUPPLIERS)
    for code, since, reason in found:
        said = f"vetted since {since:%Y-%m-%d %H:%M}Z: {reason}" if since else f"not vetted: {most} rows a day"
        typer.echo(f"{code}  {said}")
    typer.echo(f"vetted {sum(since is not None for _, since, _ in found)} of {len(found)}")


def add(
    context: typer.Context,
    code: str = typer.Argument(..., metavar="CODE", help="The supplier."),
    reason: str = typer.Option("", "--reason", metavar="TEXT", help="What was looked at; kept with it."),
) -> None:
    """Say that a supplier is vetted: he may bring as much as any file holds."""
    _say(context, code, reason, is_vetted=True)
    typer.echo(f"{code} is vetted: no quota holds for what he brings")


def end(
    context: typer.Context,
    code: str = typer.Argument(..., metavar="CODE", help="The supplier."),
    reason: str = typer.Option("", "--reason", metavar="TEXT", help="Why not any more; kept with it."),
) -> None:
    """Say that a supplier is not vetted any more: the daily quota holds again."""
    _say(context, code, reason, is_vetted=False)
    typer.echo(f"{code} is not vetted any more: the daily quota holds from now on")


def _say(context: typer.Context, code: str, reason: str, *, is_vetted: bool) -> None:
    from core.vault.client import VaultAway, VaultRefused
    from core.vault.stock_requests import StockRequests
    from ops.commands.import_ import vault
    from ops.store import load_config, opened

    if not reason.strip():
        raise ConfigError("a vetting has a --reason")
    with opened(load_config(context)) as store:
        try:
            with vault(store.config, is_running=store.is_running) as client:
                requests = StockRequests(client)
                requests.vet_supplier(code, is_vetted=is_vetted, reason=reason.strip())
        except VaultRefused as refused:
            raise ConfigError(str(refused)) from None
        except VaultAway:
            raise ConfigError("the vault is away: see `doctor`") from None
