"""`membership`: takes a membership back that was given, with its money or after a gateway gave the money back."""

from __future__ import annotations

from uuid import UUID

import typer

from core.config import ConfigError
from core.errors import NotFound, Refusal
from core.ids import Prefix, parse

ORDER = typer.Argument(..., metavar="ORDER", help="The order that bought it: ord_…")


def register(app: typer.Typer) -> None:
    """Add the command and its parts."""
    membership = typer.Typer(help="Memberships that were sold.", no_args_is_help=True)
    membership.command("refund")(refund)
    membership.command("end")(end)
    app.add_typer(membership, name="membership")


def refund(context: typer.Context, order: str = ORDER) -> None:
    """Give the money of a membership back the way it came; its time is taken off, counted from the same day."""
    _take_back(context, order, returns=True)


def end(context: typer.Context, order: str = ORDER) -> None:
    """Take a membership back whose money a gateway gave back by itself: no money moves."""
    _take_back(context, order, returns=False)


def _take_back(context: typer.Context, order: str, *, returns: bool) -> None:
    from core.actor import OPERATOR
    from core.db import database_now
    from core.fulfilment.memberships import take_back
    from core.money import Money
    from ops.commands.channel import as_shop

    number = order_number(order)
    with as_shop(context):
        try:
            done = take_back(actor=OPERATOR, order_id=number, returns=returns, now=database_now())
        except Refusal as refusal:
            raise ConfigError(refused(refusal, order)) from None
    money = Money(done.amount_minor, done.currency)
    goes = f"{money.decimal()} {money.currency} goes back" if returns else "no money moves"
    typer.echo(f"{order}: what it gave of memberships is taken back, {goes}")


def order_number(order: str) -> UUID:
    """The order that was named, before anything is opened for it. Raises ConfigError."""
    try:
        return parse(Prefix.ORDER, order)
    except NotFound:
        raise ConfigError(f"{order or '(nothing)'} is no order number: its buyer sees it as ord_…") from None


def refused(refusal: Refusal, order: str) -> str:
    """A refusal for the person at the command line."""
    match refusal.reason, refusal.params.get("why"):
        case "nothing_given", _:
            return f"{order} gave no membership, or it was taken back before: nothing was changed"
        case "not_for_us", "went_back":
            return f"the gateway gave money of {order} back by itself: `membership end {order}` takes the time back"
        case "not_for_us", _:
            return f"{order} was paid in another currency: refund it at the gateway, then `membership end {order}`"
    return f"there is no order {order} here"
