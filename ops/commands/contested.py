"""`contested`: cards that two parties brought, and the platform's decision whose they are."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import typer

from core.config import Config, ConfigError
from core.errors import NotFound
from core.ids import Prefix, parse, public

if TYPE_CHECKING:
    from core.stock.contested import Contest


class Act(StrEnum):
    """What can be asked."""

    LIST = "list"  # what has to be decided
    DECIDE = "decide"  # whose the cards of one batch are


class Give(StrEnum):
    """Whom the cards are given to."""

    EARLIER = "earlier"  # who brought them first: the later copies become void
    LATER = "later"  # who brought them later: they go on sale, the first ones become void


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("contested")(contested)


def contested(
    context: typer.Context,
    act: Act = typer.Argument(..., metavar="list|decide", help="Show what is contested, or decide."),
    number: str = typer.Argument("", metavar="BATCH", help="The batch with the later copies, as `list` shows it."),
    give: Give | None = typer.Option(None, "--give", metavar="earlier|later", help="Whose the cards are."),
    card: str = typer.Option("", "--card", metavar="TOKEN", help="Only this card of it: crd_…"),
    reason: str = typer.Option("", "--reason", metavar="TEXT", help="Why; kept with the decision."),
) -> None:
    """Show contested cards, or give those of a batch to one party; the other's copies become void."""
    from core import db
    from core.stock.contested import open_contests
    from ops.store import load_config, opened

    if act is Act.DECIDE and not (number and give and reason.strip()):
        raise ConfigError("a decision names the batch, --give earlier or --give later, and a --reason")
    with opened(load_config(context)) as store:
        if act is Act.DECIDE and give:
            typer.echo(decided(store.config, number, card=card, give=give, reason=reason, running=store.is_running))
            return
        db.connect(store.config.database.roles.shop, size=2)
        try:
            found = open_contests()
        finally:
            db.disconnect()
    for one in found:
        typer.echo(described(one))
    typer.echo(f"contested {sum(one.cards for one in found)}")


def described(one: Contest) -> str:
    """One line: whose later batch, how many cards, and where the first copies are."""
    later = f"{public(Prefix.BATCH, one.later)}  {one.later_owner}  {one.later_name}  {one.cards} cards"
    since = f"since {one.since:%Y-%m-%d %H:%M}Z"
    if one.earlier is None:
        return f"{later}  the first copies are gone: their import was cancelled  {since}"
    where = f"on sale {one.on_sale}  held {one.held}  sold {one.sold}"
    return f"{later}  also in {public(Prefix.BATCH, one.earlier)} of {one.earlier_owner}: {where}  {since}"


def decided(config: Config, number: str, *, card: str, give: Give, reason: str, running: bool) -> str:
    """Carry a decision out; the sentence that says what became of the cards. Raises ConfigError."""
    from core.vault.client import VaultAway, VaultRefused
    from core.vault.stock_requests import StockRequests
    from ops.commands.import_ import vault

    try:
        batch, only = parse(Prefix.BATCH, number), parse(Prefix.CARD, card) if card else None
    except NotFound:
        raise ConfigError("a batch looks like bat_…, a card like crd_…: `contested list`, `trace` show them") from None
    try:
        with vault(config, is_running=running) as client:
            done = StockRequests(client).decide_contested(batch=batch, card=only, given_to=give, reason=reason.strip())
    except VaultRefused as refused:
        raise ConfigError(f"{number}: {refused}") from None
    except VaultAway:
        raise ConfigError("the vault went away: decide once more, it goes on where it was; see `doctor`") from None
    said = f"{done.decided} cards of {number} were given to the {give} party"
    if done.held or done.sold:
        said += f"; not given: {done.held} that unpaid orders hold (decide again later), {done.sold} that were sold"
    return said
