"""`contested list | decide`: cards that two parties brought, and the platform's decision whose they are."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

import typer

from core.config import Config, ConfigError
from core.errors import NotFound
from core.ids import Prefix, parse, public

if TYPE_CHECKING:
    from core.stock.contested import Contest


class Give(StrEnum):
    """Whom the cards are given to."""

    EARLIER = "earlier"  # who brought them first: the later copies become void
    LATER = "later"  # who brought them later: they go on sale, the first ones become void


def register(app: typer.Typer) -> None:
    """Add the command and its parts."""
    contested = typer.Typer(help="Cards that two parties brought: see them, and decide whose they are.",
                            no_args_is_help=True)  # fmt: skip
    contested.command("list")(listed)
    contested.command("decide")(decide)
    app.add_typer(contested, name="contested")


def listed(context: typer.Context) -> None:
    """Show what is contested: whose later batch, how many cards, and where the first copies are."""
    from core.stock.contested import open_contests
    from ops.commands.channel import as_shop

    with as_shop(context):
        found = open_contests()
    for one in found:
        typer.echo(described(one))
    typer.echo(f"contested {sum(one.cards for one in found)}")


def decide(
    context: typer.Context,
    number: str = typer.Argument("", metavar="BATCH", help="The batch with the later copies, as `list` shows it."),
    give: str = typer.Option("", "--give", metavar="earlier|later", help="Whose the cards are."),
    card: str = typer.Option("", "--card", metavar="TOKEN", help="Only this card of it: crd_…"),
    reason: str = typer.Option("", "--reason", metavar="TEXT", help="Why; kept with the decision."),
) -> None:
    """Give the contested cards of a batch to one party; the other's copies become void."""
    from ops.store import load_config, opened

    if not (number and give and reason.strip()):
        raise ConfigError("a decision names the batch, --give earlier or --give later, and a --reason")
    if give not in list(Give):
        raise ConfigError(f"--give {give} is neither earlier nor later: say who keeps the cards")
    batch, only = named(number, card)
    with opened(load_config(context)) as store:
        said = decided(store.config, batch, number, card=only, give=Give(give), reason=reason, running=store.is_running)
    typer.echo(said)


def named(number: str, card: str) -> tuple[UUID, UUID | None]:
    """The batch and the card that were named, before anything is opened for them. Raises ConfigError."""
    try:
        return parse(Prefix.BATCH, number), parse(Prefix.CARD, card) if card else None
    except NotFound:
        raise ConfigError("a batch looks like bat_…, a card like crd_…: `contested list`, `trace` show them") from None


def described(one: Contest) -> str:
    """One line: whose later batch, how many cards, and where the first copies are."""
    later = f"{public(Prefix.BATCH, one.later)}  {one.later_owner}  {one.later_name}  {one.cards} cards"
    since = f"since {one.since:%Y-%m-%d %H:%M}Z"
    if one.earlier is None:
        return f"{later}  the first copies are gone: their import was cancelled  {since}"
    where = f"on sale {one.on_sale}  held {one.held}  sold {one.sold}"
    return f"{later}  also in {public(Prefix.BATCH, one.earlier)} of {one.earlier_owner}: {where}  {since}"


def decided(
    config: Config, batch: UUID, number: str, *, card: UUID | None, give: Give, reason: str, running: bool
) -> str:
    """Carry a decision out; the sentence that says what became of the cards. Raises ConfigError."""
    from core.vault.client import VaultAway, VaultRefused
    from core.vault.stock_requests import StockRequests
    from ops.commands.import_ import vault

    try:
        with vault(config, is_running=running) as client:
            done = StockRequests(client).decide_contested(batch=batch, card=card, given_to=give, reason=reason.strip())
    except VaultRefused as refused:
        raise ConfigError(f"{number}: {refused}") from None
    except VaultAway:
        raise ConfigError("the vault went away: decide once more, it goes on where it was; see `doctor`") from None
    said = f"{done.decided} cards of {number} were given to the {give} party"
    if done.held or done.sold:
        said += f"; not given: {done.held} that unpaid orders hold (decide again later), {done.sold} that were sold"
    return said
