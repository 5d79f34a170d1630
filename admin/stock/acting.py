"""What people do to a batch: off sale, on sale again, recalled for ever; and who has its cards."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from admin.acting import ActForm, actor, done, trying
from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import request_time, signed_in
from admin.reading import reading
from admin.rows import BatchRow, PartyRow, SkuRow
from admin.scoped import SELLING
from admin.shown import when
from admin.stock.facts import BatchFacts, facts_of
from bot.texts import mark
from core.errors import NotFound as Missing
from core.fulfilment.recalling import batch_buyers, recall_batch, recall_outlook
from core.ids import Prefix, parse, public
from core.parties.rules import PLATFORM_ROLES, PartyKind, Role
from core.stock.keeping import LONGEST_REASON, lock_batch, unlock_batch

pages = Blueprint("batch", __name__, url_prefix="/batches")
OPERATES = (Role.PLATFORM_OWNER, Role.PLATFORM_OPERATOR)
KEEPS = (Role.OWNER, Role.STOCK, Role.CATALOG, *OPERATES)
SEES_BUYERS = (Role.OWNER, Role.CATALOG, Role.SUPPORT, *PLATFORM_ROLES)
STOCKED = frozenset({PartyKind.MERCHANT, PartyKind.SUPPLIER, PartyKind.PLATFORM})
BUYERS_SHOWN = 200


class ReasonForm(ActForm):
    """Why; it is kept with the batch, and its owner reads it."""

    reason = StringField(validators=[InputRequired(), Length(max=LONGEST_REASON)])


@pages.get("/<number>", endpoint="named")
@for_roles(*KEEPS, Role.AUDITOR, kinds=STOCKED)
def named(number: str) -> Response:
    """A batch by its public number."""
    try:
        batch_id = parse(Prefix.BATCH, number)
    except Missing:
        raise NotFound() from None
    with reading(signed_in()):
        if not BatchRow.select(BatchRow.id).where(BatchRow.id == batch_id).exists():
            raise NotFound()
    return redirect(url_for("batches.details_view", id=batch_id))


@pages.route("/<uuid:batch_id>/lock", methods=["GET", "POST"], endpoint="lock")
@for_roles(*KEEPS, kinds=STOCKED)
def lock(batch_id: UUID) -> Response:
    """Nothing of it is sold from now on."""
    batch, facts, form = *_own(batch_id), ReasonForm()
    if form.is_sent():
        with trying(form):
            lock_batch(actor=actor(), batch_id=batch_id, reason=form.reason.data or "", now=request_time())
        if not form.problem:
            return _done(batch, mark("{number} is locked: nothing of it is sold."))
    return _drawn("stock/lock.html.jinja", batch, facts, form)


@pages.route("/<uuid:batch_id>/unlock", methods=["GET", "POST"], endpoint="unlock")
@for_roles(*KEEPS, kinds=STOCKED)
def unlock(batch_id: UUID) -> Response:
    """It is on sale again."""
    batch, facts, form = *_own(batch_id), ReasonForm()
    if form.is_sent():
        with trying(form):
            unlock_batch(actor=actor(), batch_id=batch_id, reason=form.reason.data or "", now=request_time())
        if not form.problem:
            return _done(batch, mark("{number} is on sale again."))
    return _drawn("stock/unlock.html.jinja", batch, facts, form)


@pages.route("/<uuid:batch_id>/recall", methods=["GET", "POST"], endpoint="recall")
@for_roles(Role.OWNER, *OPERATES, kinds=STOCKED)
def recall(batch_id: UUID) -> Response:
    """It is found bad: nothing more of it is sold or handed over, ever."""
    batch, facts, form = *_own(batch_id), ReasonForm()
    if form.is_sent():
        with trying(form):
            recall_batch(actor=actor(), batch_id=batch_id, reason=form.reason.data or "", now=request_time())
        if not form.problem:
            return _done(batch, mark("{number} is recalled. Nothing of it is sold or handed over any more."))
    outlook = recall_outlook(actor=actor(), batch_id=batch_id)
    return _drawn("stock/recall.html.jinja", batch, facts, form, outlook=outlook)


@pages.get("/<uuid:batch_id>/buyers", endpoint="buyers")
@for_roles(*SEES_BUYERS, kinds=SELLING)
def buyers(batch_id: UUID) -> Response:
    """Orders that have or wait for its cards."""
    batch, facts = _own(batch_id)
    if not facts.is_shop and not facts.is_platform:
        raise NotFound()
    found = batch_buyers(actor=actor(), batch_id=batch_id, most=BUYERS_SHOWN)
    return draw(
        "stock/buyers.html.jinja",
        batch=batch,
        number=public(Prefix.BATCH, batch_id),
        buyers=found,
        most=BUYERS_SHOWN,
        when=when,
        order_number=lambda one: public(Prefix.ORDER, one),
    )


def _own(batch_id: UUID) -> tuple[BatchRow, BatchFacts]:
    """A batch of one's own party, or any for the platform, with its figures. Raises NotFound."""
    joined = BatchRow.select(BatchRow, PartyRow, SkuRow).join(PartyRow).switch(BatchRow).join(SkuRow)
    with reading(signed_in()):
        batch = joined.where(BatchRow.id == batch_id).first()
        facts = facts_of(batch) if batch is not None else None
    if batch is None or facts is None or not (facts.is_owner or facts.is_platform):
        raise NotFound()
    return batch, facts


def _done(batch: BatchRow, said: str) -> Response:
    return done(url_for("batches.details_view", id=batch.id), said, number=public(Prefix.BATCH, batch.id))


def _drawn(template: str, batch: BatchRow, facts: BatchFacts, form: ReasonForm, **values: object) -> Response:
    number = public(Prefix.BATCH, batch.id)
    return draw(template, status=form.status, batch=batch, facts=facts, form=form, number=number, **values)
