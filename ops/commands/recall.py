"""`recall`: a batch is found bad: nothing more of it is sold, and every order with its cards is listed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from core.config import ConfigError

if TYPE_CHECKING:
    from core.fulfilment.recalling import Affected


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("recall")(recall)


def recall(
    context: typer.Context,
    number: str = typer.Option(
        ..., "--batch", metavar="ID", help="The batch, bat_…: `trace` of one of its cards shows it."
    ),
    reason: str = typer.Option(..., "--reason", metavar="TEXT", help="Why; kept with the batch and in the audit."),
) -> None:
    """Recall a batch for ever. Paid cards of it that nobody opened are replaced, or their money goes back; what was
    opened is listed with its buyer's channel. Given again, it lists again."""
    from core.actor import OPERATOR
    from core.db import database_now
    from core.errors import Invalid, NotFound
    from core.fulfilment.recalling import recall_batch
    from core.ids import Prefix, parse
    from core.stock.rules import BatchIsNot
    from ops.commands.channel import as_shop

    try:
        batch_id = parse(Prefix.BATCH, number)
    except NotFound:
        raise ConfigError(f"{number!r} is no batch number: it looks like bat_… ; `trace` of a card shows it") from None
    with as_shop(context):
        try:
            done = recall_batch(actor=OPERATOR, batch_id=batch_id, reason=reason, now=database_now())
        except NotFound:
            raise ConfigError(
                f"there is no batch {number} here: `trace` of one of its cards shows its number"
            ) from None
        except Invalid:
            raise ConfigError("--reason says why in 1 to 500 characters, for whoever looks at the batch next") from None
        except BatchIsNot as other:
            raise ConfigError(f"{number} is {other.params['state']}: only a finished batch can be recalled") from None
    typer.echo(f"{number} {'is recalled' if done.is_new else 'was recalled before'}: nothing of it is sold")
    for line in described(done.affected):
        typer.echo(line)


def described(affected: tuple[Affected, ...]) -> Iterator[str]:
    """A line an order, then how many cards there are of each kind."""
    from core.ids import Prefix, public

    for one in affected:
        kinds = (("held", one.held), ("waiting", one.waiting), ("opened", one.opened))
        counts = "  ".join(f"{name} {count}" for name, count in kinds if count)
        chat = public(Prefix.CONVERSATION, one.conversation_id)
        yield f"{public(Prefix.ORDER, one.order_id)}  {one.merchant}  {one.code}  {one.channel} {chat}  {counts}"
    held, waiting, opened = (sum(getattr(one, name) for one in affected) for name in ("held", "waiting", "opened"))
    yield f"orders {len({one.order_id for one in affected})}  held {held}  waiting {waiting}  opened {opened}"
