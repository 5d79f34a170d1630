"""`batch`: takes a batch off sale at once, or puts it back, for whoever has the machine; the audit keeps each step."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

import typer

from core.config import ConfigError


class Move(StrEnum):
    """What can be done to a batch from the command line."""

    LOCK = "lock"  # nothing of it is held, sold or opened any more
    UNLOCK = "unlock"  # it is on sale again


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("batch")(batch)


def batch(
    context: typer.Context,
    move: Move = typer.Argument(..., metavar="lock|unlock", help="Take it off sale, or put it back."),
    number: str = typer.Argument(..., metavar="BATCH", help="The batch, bat_…: `trace` of one of its cards shows it."),
    reason: str = typer.Option(..., "--reason", metavar="TEXT", help="Why; kept with the batch."),
) -> None:
    """Lock a batch (after orders that are being placed; none takes its cards from then on), or unlock a locked one."""
    from core import db
    from core.errors import NotFound
    from core.ids import Prefix, parse
    from ops.store import load_config, opened

    if not reason.strip():
        raise ConfigError("--reason is empty: say why, for whoever looks at the batch next")
    try:
        batch_id = parse(Prefix.BATCH, number)
    except NotFound:
        raise ConfigError(f"{number!r} is no batch number: it looks like bat_… ; `trace` of a card shows it") from None
    with opened(load_config(context)) as store:
        db.connect(store.config.database.roles.shop, size=2)
        try:
            db.in_transaction(lambda: moved(batch_id, number, move=move, reason=reason.strip()))
        finally:
            db.disconnect()
    typer.echo(f"{number} is {'locked: nothing of it is sold' if move is Move.LOCK else 'on sale again'}")


def moved(batch_id: UUID, number: str, *, move: Move, reason: str) -> None:
    """Lock or unlock, inside the caller's transaction. Raises ConfigError when its state does not allow it.

    The state is looked at first because `move_batch` also ends imports: an import is never put on sale by hand.
    """
    from core.actor import OPERATOR
    from core.db import database_now, execute
    from core.stock.moving import move_batch
    from core.stock.rules import BatchState

    fitting = BatchState.SELLING if move is Move.LOCK else BatchState.LOCKED
    rows = execute("SELECT state FROM batch WHERE id = %s", (batch_id,))
    if not rows:
        raise ConfigError(f"there is no batch {number} here: `trace` of one of its cards shows its number")
    if rows[0][0] != fitting:
        raise ConfigError(f"{number} is {rows[0][0]}: only a batch that is {fitting} can be {move}ed")
    to = BatchState.LOCKED if move is Move.LOCK else BatchState.SELLING
    move_batch(actor=OPERATOR, batch_id=batch_id, to=to, reason=reason, now=database_now())
