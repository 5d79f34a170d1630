"""`task`: what a merchant's people top up by hand: see what waits, take it, see its account, say that it is done."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import typer

from core.config import ConfigError
from core.errors import NotAllowed, NotFound, Refusal
from core.ids import Prefix, parse, public

if TYPE_CHECKING:
    from core.actor import Actor
    from core.fulfilment.tasks import TaskView

Result = TypeVar("Result")

ORDER = typer.Argument(..., metavar="ORDER", help="The order: ord_…")
STAFF = typer.Option(..., "--staff", metavar="ADDRESS", help="The login of who does it (`staff add … --role orders`).")


def register(app: typer.Typer) -> None:
    """Add the command and its parts."""
    task = typer.Typer(help="Top-ups that a person does by hand.", no_args_is_help=True)
    for name, command in (("list", listed), ("take", take), ("open", shown), ("back", back), ("done", done)):
        task.command(name)(command)
    app.add_typer(task, name="task")


def listed(context: typer.Context) -> None:
    """Paid lines that wait for a person, oldest first."""
    from core.fulfilment.tasks import waiting_tasks
    from ops.commands.channel import as_shop

    with as_shop(context):
        waiting = waiting_tasks()
    for one in waiting:
        typer.echo(described(one))
    typer.echo(f"waiting {len(waiting)}")


def described(task: TaskView) -> str:
    """One line for people: which order, since when, who has it, what is still missing."""
    who = f"held by {task.holder}" if task.holder else "nobody has it"
    missing = f", {task.missing} fields are not told yet" if task.missing else ""
    since = f"{task.paid_at:%Y-%m-%d %H:%M}Z"
    order = public(Prefix.ORDER, task.order_id)
    return f"{order}  {task.merchant}  {task.code} × {task.quantity}  paid {since}  {who}{missing}"


def take(context: typer.Context, order: str = ORDER, staff: str = STAFF) -> None:
    """Take a task: from now on nobody else does it."""
    from core.db import database_now
    from core.fulfilment.tasks import take_task
    from ops.commands.channel import as_shop

    number = order_number(order)
    with as_shop(context):
        task, actor = found(number, order, staff)
        acted(lambda: take_task(actor=actor, task=task, now=database_now()))
    typer.echo(f"{order} is {staff}'s; `task open` shows the account, once")


def shown(context: typer.Context, order: str = ORDER, staff: str = STAFF) -> None:
    """Show what the buyer told, to who holds the task; secret fields once, by the vault, which writes it down."""
    from core.fulfilment.fields import plain_fields
    from core.fulfilment.tasks import held_task
    from ops.commands.channel import as_shop
    from ops.processes.vault_wiring import operators_vault

    number = order_number(order)
    with as_shop(context) as config:
        task, actor = found(number, order, staff)
        held = acted(lambda: held_task(actor=actor, task=task))
        staff_id = actor.id
        secret = acted(lambda: operators_vault(config).open_fields(held, staff=staff_id)) if staff_id else {}
        plain = plain_fields(line_id=task.line_id)
    for name, value in sorted((plain | {name: one.reveal().decode() for name, one in secret.items()}).items()):
        sys.stdout.write(f"{name}\t{value}\n")


def back(context: typer.Context, order: str = ORDER, staff: str = STAFF) -> None:
    """Give a task back: somebody else may take it, and is shown the account once."""
    from core.db import database_now
    from core.fulfilment.tasks import give_back
    from ops.commands.channel import as_shop

    number = order_number(order)
    with as_shop(context):
        task, actor = found(number, order, staff)
        acted(lambda: give_back(actor=actor, task=task, now=database_now()))
    typer.echo(f"{order} waits for somebody again")


def done(context: typer.Context, order: str = ORDER, staff: str = STAFF) -> None:
    """Say that the account is topped up: its buyer is told, and what was told for it is deleted a day later."""
    from core.db import database_now
    from core.fulfilment.tasks import finish_task
    from ops.commands.channel import as_shop

    number = order_number(order)
    with as_shop(context):
        task, actor = found(number, order, staff)
        acted(lambda: finish_task(actor=actor, task=task, now=database_now()))
    typer.echo(f"{order} is done: its buyer is told as soon as the worker gets to it")


def order_number(order: str) -> UUID:
    """The order that was named, before anything is opened for it. Raises ConfigError."""
    try:
        return parse(Prefix.ORDER, order)
    except NotFound:
        raise ConfigError(f"{order or '(nothing)'} is no order number: `task list` shows them as ord_…") from None


def found(number: UUID, order: str, staff: str) -> tuple[TaskView, Actor]:
    """The task of an order and who does it. Raises ConfigError."""
    from core.fulfilment.tasks import holder_of, task_of

    try:
        task = task_of(order_id=number)
        return task, holder_of(task=task, email=staff)
    except NotFound:
        raise ConfigError(f"nothing of {order} waits for a person: `task list` shows what does") from None
    except NotAllowed:
        raise ConfigError(f"{staff} does not see to this merchant's orders: `staff add … --role orders`") from None


def acted(act: Callable[[], Result]) -> Result:
    """What an act gives; its refusal in words. Raises ConfigError."""
    try:
        return act()
    except Refusal as refusal:
        raise ConfigError(refused(refusal)) from None


def refused(refusal: Refusal) -> str:
    """A refusal for the person at the command line."""
    match refusal.reason:
        case "task_taken":
            return "somebody else holds this task: `task list` says who"
        case "task_not_held":
            return "this person does not hold the task: `task take` first"
        case "fields_missing":
            return "the buyer has not told the account yet: it can be taken once that is there"
        case "vault_away":
            return "the vault does not answer: start the store, then try again"
    return f"the vault refuses ({refusal.reason}): its fields were shown already, or the order is not as it was paid"
