"""`review`: paid lines that wait for a person, and letting an order's lines go on."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import typer

from core.config import ConfigError
from core.errors import NotFound, Refusal
from core.ids import Prefix, parse, public

if TYPE_CHECKING:
    from core.orders.review import LineInReview

MENDS = {
    "over_budget": "more cards were opened in that hour than usual: see whether the sales are real, then release",
    "unpaid": "the vault found no proof of payment: compare with the gateway before anything else",
    "order_altered": "the order is not the one that was placed: someone wrote into the database",
    "cards_altered": "the line's cards are not those that were claimed: someone wrote into the database",
    "batch_stopped": "the batch was locked or recalled: `batch unlock` and release, or refund at the gateway",
    "broken_card": "a card does not open and was set aside: refund at the gateway",
    "went_out_before": "the cards went out before the database was restored: nothing more is owed",
    "refunded_outside": "the gateway gave the money back by itself: nothing is owed",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("review")(review)


def review(
    context: typer.Context,
    release: str = typer.Option("", "--release", metavar="ORDER", help="Let this order's lines be delivered: ord_…"),
) -> None:
    """List paid lines that wait for a person, oldest first; or release those of one order (the vault checks again)."""
    from core import db
    from core.actor import OPERATOR
    from core.orders.service import lines_in_review, release_order
    from ops.store import load_config, opened

    with opened(load_config(context)) as store:
        db.connect(store.config.database.roles.shop, size=2)
        try:
            if release:
                count = release_order(actor=OPERATOR, order_id=_order(release), now=db.database_now())
                typer.echo(f"released {count}: delivered as soon as the worker gets to it")
                return
            lines = lines_in_review()
            for line in lines:
                typer.echo(described(line))
            typer.echo(f"waiting {len(lines)}")
        except Refusal as refusal:
            raise ConfigError(_refused(refusal, release)) from None
        finally:
            db.disconnect()


def _order(text: str) -> UUID:
    try:
        return parse(Prefix.ORDER, text)
    except NotFound:
        raise ConfigError(
            f"{text!r} is no order number: it looks like ord_… ; `review` lists those that wait"
        ) from None


def _refused(refusal: Refusal, order: str) -> str:
    match refusal.reason:
        case "cards_are_broken":
            return f"{refusal.params['missing']} cards of {order} were set aside: releasing would deliver too few"
        case "went_out":
            return f"the cards of {order} went out before the database was restored: nothing more is owed"
        case "nothing_to_release":
            return f"no line of {order} waits for a person: `review` lists those that do"
    return f"there is no order {order} here: `review` lists those that wait"


def described(line: LineInReview) -> str:
    """One line for the operator: what waits, since when, why, and what to do."""
    missing = f", {line.missing} missing" if line.missing else ""
    order = public(Prefix.ORDER, line.order_id)
    since = f"{line.paid_at:%Y-%m-%d %H:%M}Z"
    mend = MENDS.get(line.reason, "see the vault's log")
    return f"{order}  {line.merchant}  {line.code} × {line.quantity}{missing}  paid {since}  {line.reason}: {mend}"
