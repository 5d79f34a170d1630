"""A top-up by hand: who has it, what its buyer told, and that it is done.

What the buyer told in secret goes from the vault to whoever holds the task, once, for a code of that person's second
factor: this door holds no key that could open it (docs/adr/0044).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import InputRequired

from admin.acting import ActForm, actor, done, trying
from admin.asked import ask
from admin.declared import for_roles
from admin.drawing import draw
from admin.orders.facts import an_order
from admin.panel import panel, request_time, signed_in, waiting_elsewhere, words
from admin.reading import reading
from admin.second_words import status_of, why_not
from bot.texts import mark
from core import errors
from core.fulfilment.fields import plain_fields
from core.fulfilment.tasks import TaskView, finish_task, give_back, held_task, take_task, task_of
from core.parties.rules import PartyKind, Role
from core.secret import Secret
from core.vault.client import VaultAway, VaultCode, VaultRefused
from core.vault.second_factor import digits

pages = Blueprint("tasks", __name__, url_prefix="/orders")
DOERS = (Role.OWNER, Role.SUPPORT)
MERCHANTS = frozenset({PartyKind.MERCHANT})

NOT_SHOWN = mark("The vault does not show them: they were shown before, or the order is not as it was paid.")
ASKED = """
SELECT f.name, f.labels, f.is_secret FROM order_line l JOIN buyer_field f ON f.sku_id = l.sku_id
WHERE l.id = %(line)s ORDER BY f.position
"""


class CodeForm(ActForm):
    """A code of the second factor, for fields that are shown once."""

    code = StringField(validators=[InputRequired()])


@pages.get("/<number>/task", endpoint="task")
@for_roles(*DOERS, kinds=MERCHANTS)
def task_page(number: str) -> Response:
    """What is to be topped up, and where it stands."""
    return _drawn(number, a_task(number), CodeForm(), {})


@pages.post("/<number>/task/take", endpoint="take")
@for_roles(*DOERS, kinds=MERCHANTS)
def take(number: str) -> Response:
    """From now on nobody else does it."""
    task, form = a_task(number), ActForm()
    if form.is_sent():
        with trying(form):
            take_task(actor=actor(), task=task, now=request_time())
    return done(_page(number), form.problem or mark("The top-up is yours now."))


@pages.post("/<number>/task/back", endpoint="back")
@for_roles(*DOERS, kinds=MERCHANTS)
def back(number: str) -> Response:
    """Somebody else may take it."""
    task, form = a_task(number), ActForm()
    if form.is_sent():
        with trying(form):
            give_back(actor=actor(), task=task, now=request_time())
    return done(_page(number), form.problem or mark("The top-up waits for somebody again."))


@pages.post("/<number>/task/done", endpoint="done")
@for_roles(*DOERS, kinds=MERCHANTS)
def finish(number: str) -> Response:
    """It is topped up: the buyer is told, and what was told for it is forgotten a day later."""
    task, form = a_task(number), ActForm()
    if form.is_sent():
        with trying(form):
            finish_task(actor=actor(), task=task, now=request_time())
    if form.problem:
        return done(_page(number), form.problem)
    return done(url_for("order.order", number=number), mark("The top-up is done: its buyer is told in a moment."))


@pages.post("/<number>/task/fields", endpoint="fields")
@for_roles(*DOERS, kinds=MERCHANTS, reveals=True)
def fields(number: str) -> Response:
    """The secret fields, once, to who holds the task and shows a code."""
    task, form = a_task(number), CodeForm()
    shown: Mapping[str, Secret] = {}
    if form.is_sent():
        with trying(form):
            held, staff = held_task(actor=actor(), task=task), signed_in().staff_id
            shown = _shown(form, held, staff)
    return _drawn(number, task if form.problem else a_task(number), form, shown)


def _shown(form: CodeForm, held: UUID, staff: UUID) -> Mapping[str, Secret]:
    """What the vault shows for the code that was typed; its no stands above the form."""
    try:
        with waiting_elsewhere():
            return panel().vault.show_fields(held, staff, digits(form.code.data or ""))
    except (VaultAway, VaultRefused) as no:
        is_over = isinstance(no, VaultRefused) and no.vault_code is VaultCode.TASK_REFUSED
        form.refuse(words().say(NOT_SHOWN if is_over else why_not(no)), status=status_of(no))
        return {}


def a_task(number: str) -> TaskView:
    """The line of an order that waits for a person. Raises NotFound, also for a foreign order."""
    order = an_order(number)
    try:
        return task_of(order_id=order["id"])
    except errors.NotFound:
        raise NotFound() from None


def _drawn(number: str, task: TaskView, form: CodeForm, shown: Mapping[str, Secret]) -> Response:
    """The page; what was shown once stands on this one answer and nowhere else."""
    is_mine = task.staff_id == signed_in().staff_id
    with reading(signed_in()):
        asked = ask(ASKED, line=task.line_id)
    return draw(
        "orders/task.html.jinja",
        status=form.status,
        form=form,
        number=number,
        task=task,
        is_mine=is_mine,
        told=_told(asked, plain_fields(line_id=task.line_id) if is_mine else {}, shown),
        has_secrets=any(one["is_secret"] for one in asked),
        is_shown=bool(shown),
    )


def _told(asked: list[dict[str, Any]], plain: Mapping[str, str], shown: Mapping[str, Secret]) -> list[tuple[str, str]]:
    """What its holder sees of the buyer's fields: each by its label."""
    known = dict(plain) | {name: one.reveal().decode() for name, one in shown.items()}
    return [(words().name(one["labels"]), known[one["name"]]) for one in asked if one["name"] in known]


def _page(number: str) -> str:
    return url_for("tasks.task", number=number)
