"""`reports`: the panel's daily figures compared with the orders that they stand for, and counted again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import typer

from core.config import ConfigError

DEFAULT_DAYS = 30
MOST_DAYS = 3660
CATCH_UP = 600.0  # seconds for days that wait


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="The panel's daily figures: compare them with their orders, count them again.")
    group.command("check")(check)
    group.command("recount")(recount)
    app.add_typer(group, name="reports")


FIRST = typer.Option("", "--since", metavar="DAY", help="The first day, YYYY-MM-DD (default: 30 days ago).")
LAST = typer.Option("", "--until", metavar="DAY", help="The last day (default: today).")


def check(context: typer.Context, since: str = FIRST, until: str = LAST) -> None:
    """Compute each day again from its orders and compare; changes nothing; exit status 1 where a figure differs.

    Days that wait for the worker are left out. A running store sells on meanwhile.
    """
    if not _run(context, since, until, again=False):
        raise typer.Exit(1)


def recount(context: typer.Context, since: str = FIRST, until: str = LAST) -> None:
    """Compute each day again from its orders and write it anew, whatever stands there; then compare."""
    if not _run(context, since, until, again=True):
        raise typer.Exit(1)


def _run(context: typer.Context, since: str, until: str, *, again: bool) -> bool:
    from core import db
    from core.reports import rollup
    from ops.store import load_config, opened

    with opened(load_config(context)) as store:
        zone = store.config.store.timezone
        first, last = _range(since, until, zone)
        db.connect(store.config.database.roles.worker, size=2)
        try:
            if again:
                rollup.recount(zone=zone, first=first, last=last)
            rollup.roll_up_all(zone=zone, now=datetime.now(UTC), seconds=CATCH_UP)
            found = rollup.compare(zone=zone, first=first, last=last)
        finally:
            db.disconnect()
    for table, rows in found.differing.items():
        print(f"{table} {rows}")
    print(f"unbalanced {found.unbalanced}")
    print(f"{found.days} days from {first} to {last}: " + ("as their orders say" if found.is_right else "DIFFERENT"))
    return found.is_right


def _range(since: str, until: str, zone: str) -> tuple[date, date]:
    today = datetime.now(UTC).astimezone(ZoneInfo(zone)).date()
    try:
        last = date.fromisoformat(until) if until else today
        first = date.fromisoformat(since) if since else last - timedelta(days=DEFAULT_DAYS)
    except ValueError:
        raise ConfigError("give days as YYYY-MM-DD") from None
    if not timedelta(0) <= last - first <= timedelta(days=MOST_DAYS):
        raise ConfigError("the last day comes after the first, at most ten years later")
    return first, last
