"""Goods that a person tops up: buyers tell an account and a password, the merchant's people take, see and do it."""

from __future__ import annotations

from core.actor import Actor
from core.db import execute
from core.fulfilment.fields import asked_fields, give_fields
from core.fulfilment.tasks import TaskView, finish_task, give_back, held_task, holder_of, take_task, waiting_tasks
from core.secret import Secret
from tests.simulator.day import Day, Ordered
from tests.simulator.judge import found
from tests.simulator.processes import Process
from tests.simulator.town import BY_HAND, STAFF

HOLDER = "SELECT staff_id FROM task WHERE line_id = %s AND done_at IS NULL"


def tell_an_account(day: Day) -> None:
    """A buyer fills the form of an order, perhaps once more and with something else."""
    order = day.pick([one for one in day.orders if one.sku == BY_HAND.sku])
    if order is not None:
        tell_for(day, order)


def tell_for(day: Day, order: Ordered) -> None:
    """Fill the form of this order."""
    with day.processes.looking():
        asked = asked_fields(order_id=order.placed.order_id)
    if not asked:
        return
    text = f"password-{day.choice.randrange(1_000_000):06}-CANARY"
    day.note(f"what order {order.number} needs is told")
    typed = {one.input_name: Secret(text if one.field.is_secret else "10001") for one in asked}
    for one in asked:  # also where the buyer hears no answer
        day.told.setdefault(one.line_id, set()).add(text)
    kept = day.act(
        Process.WEB,
        lambda: give_fields(
            order_id=order.placed.order_id, typed=typed, vault_public=day.vault_public, now=day.clock.now()
        ),
    )
    if kept is not None:
        found(kept == len(asked), f"{kept} fields of {len(asked)} were kept")
        for one in asked:
            day.told[one.line_id] = {text}


def see_to_a_task(day: Day) -> None:
    """One of the merchant's people does something about a line that waits for a person."""
    with day.processes.looking():
        waiting = waiting_tasks()
        if not waiting:
            return
        task = day.choice.choice(waiting)
        actor = holder_of(task=task, email=day.choice.choice(STAFF))
    for act in day.choice.choice(WAYS):
        day.note(f"{act.__name__.strip('_')} a task of {task.code}")
        act(day, task, actor)


def _take(day: Day, task: TaskView, actor: Actor) -> None:
    day.act(Process.WEB, lambda: take_task(actor=actor, task=task, now=day.clock.now()))


def _open(day: Day, task: TaskView, actor: Actor) -> None:
    held = day.act(Process.WEB, lambda: held_task(actor=actor, task=task))
    if held is None or actor.id is None:
        return
    staff = actor.id
    shown = day.act(Process.WEB, lambda: day.vault.open_fields(held, staff=staff))
    if shown is None:
        return
    found(task.line_id not in day.seen, "a secret field was shown twice to who holds its task")
    day.seen.add(task.line_id)
    texts = {value.reveal().decode() for value in shown.values()}
    found(len(texts) == 1 and texts <= day.told[task.line_id], "a field shows what its buyer did not tell")


def _give_back(day: Day, task: TaskView, actor: Actor) -> None:
    with day.processes.looking():
        holders = execute(HOLDER, (task.line_id,))
    day.act(Process.WEB, lambda: give_back(actor=actor, task=task, now=day.clock.now()))
    if holders == [(actor.id,)]:  # whoever takes it now is shown it once more
        day.seen.discard(task.line_id)


def _finish(day: Day, task: TaskView, actor: Actor) -> None:
    day.act(Process.WEB, lambda: finish_task(actor=actor, task=task, now=day.clock.now()))


WAYS = (
    (_take,), (_open,), (_finish,), (_give_back,), (_take, _open), (_take, _open, _open), (_take, _open, _finish),
    (_take, _give_back), (_open, _finish), (_take, _open, _give_back), (_finish, _open),
)  # fmt: skip
"""What somebody does in one go: mostly in the right order."""
