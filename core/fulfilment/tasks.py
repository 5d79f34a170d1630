"""Lines that a person sees to (代充): taken by one of the merchant's people, done by hand, then delivered as any other.

What stands between is the line's gate: closed from the start, opened when the person says that it is done. The line's
cards are receipts from stock, so that no more is sold than the shop can do, and its shopper holds a proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.actor import Actor, ActorKind
from core.audit.service import append
from core.db import changed, execute, in_transaction
from core.errors import Conflict, NotAllowed, NotFound
from core.ids import Prefix, new_id, public
from core.orders.locking import lock_order
from core.parties.rules import Role
from core.work import Work, enqueue

_TASKS = """
SELECT o.id, l.id, m.id, m.code, l.listing_code, l.quantity, o.paid_at, t.staff_id, s.email, t.opened_at IS NOT NULL,
       (SELECT count(*) FROM buyer_field f WHERE f.sku_id = l.sku_id)
       - (SELECT count(*) FROM line_field g WHERE g.line_id = l.id AND g.wiped_at IS NULL)
FROM order_line l JOIN shop_order o ON o.id = l.order_id JOIN party m ON m.id = o.merchant_id
LEFT JOIN task t ON t.line_id = l.id LEFT JOIN staff s ON s.id = t.staff_id
WHERE l.gate = 'task' AND o.state = 'paid'
"""
WAITING = _TASKS + "ORDER BY o.paid_at, l.position"
OF_ORDER = _TASKS + "AND o.id = %s ORDER BY l.position LIMIT 1"
STAFF = """
SELECT s.id FROM staff s JOIN staff_role r ON r.staff_id = s.id
WHERE s.email = lower(%s) AND s.disabled_at IS NULL AND r.party_id = %s AND r.role = ANY (%s) LIMIT 1
"""
MAY_DO = (Role.OWNER.value, Role.SUPPORT.value)
"""The roles at a merchant that see to its orders."""

TAKE = """
INSERT INTO task AS t (id, line_id, order_id, merchant_id, staff_id, taken_at) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (line_id) DO UPDATE SET staff_id = excluded.staff_id, taken_at = excluded.taken_at, opened_at = NULL
    WHERE t.staff_id IS NULL
RETURNING t.id
"""
HELD = "SELECT id, staff_id FROM task WHERE line_id = %s AND done_at IS NULL"
GIVE_BACK = """
UPDATE task SET staff_id = NULL, taken_at = NULL, opened_at = NULL WHERE id = %s AND staff_id = %s AND done_at IS NULL
"""
DONE = "UPDATE task SET done_at = %s WHERE id = %s AND staff_id = %s AND done_at IS NULL"
OPEN_GATE = """
WITH l AS (UPDATE order_line SET gate = 'none' WHERE id = %(line)s AND gate = 'task' RETURNING id)
UPDATE delivery SET state = 'ready', lease_until = %(now)s FROM l
WHERE delivery.line_id = l.id AND delivery.state = 'waiting' RETURNING delivery.id
"""


class TaskTaken(Conflict):
    """Somebody else holds this task."""


class TaskNotHeld(Conflict):
    """Whoever says so does not hold this task."""


class FieldsMissing(Conflict):
    """The buyer has not told yet what is needed: `missing` fields."""


@dataclass(frozen=True, slots=True)
class TaskView:
    """A paid line that waits for a person; `holder` is the login of who has it, `missing` fields are not told yet."""

    order_id: UUID
    line_id: UUID
    merchant_id: int
    merchant: str
    code: str
    quantity: int
    paid_at: datetime
    staff_id: UUID | None
    holder: str | None
    is_opened: bool
    missing: int


def waiting_tasks() -> list[TaskView]:
    """Every paid line that waits for a person, oldest first: for operators."""
    return [TaskView(*row) for row in execute(WAITING)]


def task_of(*, order_id: UUID) -> TaskView:
    """The first line of an order that waits for a person. Raises `NotFound`."""
    for row in execute(OF_ORDER, (order_id,)):
        return TaskView(*row)
    raise NotFound("task")


def holder_of(*, task: TaskView, email: str) -> Actor:
    """A member of staff of the task's merchant who sees to its orders. Raises `NotAllowed`."""
    rows = execute(STAFF, (email, task.merchant_id, list(MAY_DO)))
    if not rows:
        raise NotAllowed(what="task")
    return Actor(ActorKind.STAFF, id=rows[0][0], party_id=task.merchant_id, roles=frozenset(MAY_DO))


def take_task(*, actor: Actor, task: TaskView, now: datetime) -> UUID:
    """Take a task; twice by the same person is once. Raises `TaskTaken`, `FieldsMissing`, `NotAllowed`."""
    _require(actor, task)
    if task.missing:
        raise FieldsMissing(missing=task.missing)

    def work() -> UUID:
        lock_order(order_id=task.order_id)
        held = execute(HELD, (task.line_id,))
        if held and held[0][1] == actor.id:
            return UUID(str(held[0][0]))
        row = (new_id(), task.line_id, task.order_id, task.merchant_id, actor.id, now)
        taken = execute(TAKE, row)
        if not taken:
            raise TaskTaken(code=task.code)
        _note(actor, task, "task.taken", now)
        return UUID(str(taken[0][0]))

    return in_transaction(work, repeatable=True)


def held_task(*, actor: Actor, task: TaskView) -> UUID:
    """The number of a task that this person holds. Raises `TaskNotHeld`, `NotAllowed`."""
    _require(actor, task)
    return _held_by(actor, task)


def give_back(*, actor: Actor, task: TaskView, now: datetime) -> None:
    """Let somebody else take it; what was shown is shown to the next once more. Raises `TaskNotHeld`, `NotAllowed`."""
    _require(actor, task)

    def work() -> None:
        if not changed(GIVE_BACK, (_held_by(actor, task), actor.id)):
            raise TaskNotHeld(code=task.code)
        _note(actor, task, "task.given_back", now)

    in_transaction(work)


def finish_task(*, actor: Actor, task: TaskView, now: datetime) -> None:
    """It is done: the line is delivered from now on, and its fields are wiped a day later.

    Raises `TaskNotHeld`, `NotAllowed`.
    """
    _require(actor, task)

    def work() -> None:
        lock_order(order_id=task.order_id)
        if not changed(DONE, (now, _held_by(actor, task), actor.id)):
            raise TaskNotHeld(code=task.code)
        for (delivery_id,) in execute(OPEN_GATE, {"line": task.line_id, "now": now}):
            enqueue(Work.DELIVER, delivery_id)
        _note(actor, task, "task.done", now)

    in_transaction(work)


def _held_by(actor: Actor, task: TaskView) -> UUID:
    rows = execute(HELD, (task.line_id,))
    if not rows or rows[0][1] != actor.id:
        raise TaskNotHeld(code=task.code)
    return UUID(str(rows[0][0]))


def _require(actor: Actor, task: TaskView) -> None:
    if actor.kind is not ActorKind.STAFF or actor.party_id != task.merchant_id or not actor.roles & set(MAY_DO):
        raise NotAllowed(what="task")


def _note(actor: Actor, task: TaskView, action: str, now: datetime) -> None:
    append(
        actor=actor,
        action=action,
        object_kind="order",
        object_id=public(Prefix.ORDER, task.order_id),
        party_id=task.merchant_id,
        now=now,
    )
