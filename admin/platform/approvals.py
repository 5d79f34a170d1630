"""Parties that ask to be let in: who they are, and the platform's yes or no."""

from __future__ import annotations

from flask import Blueprint, url_for
from werkzeug.wrappers import Response
from wtforms import StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from admin.acting import ActForm, actor, done, trying
from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import request_time, signed_in, words
from admin.platform.fees import basis_points, percent
from admin.platform.lists import KINDS
from admin.platform.rows import ApplicationRow, an_application, fee_of
from admin.reading import reading
from admin.rows import PartyRow
from bot.texts import mark
from core.parties.rules import PLATFORM_ROLES, PartyState, Role
from core.parties.standing import LONGEST_REASON, reject_party
from core.settlement.suspending import approve_party

pages = Blueprint("approvals", __name__, url_prefix="/approvals")
DECIDE = (Role.PLATFORM_OWNER, Role.PLATFORM_OPERATOR)
MOST = 200


class ApproveForm(ActForm):
    """The fee with which they begin; only the platform's owner is shown it."""

    fee = StringField()


class RejectForm(ActForm):
    """Why not."""

    reason = TextAreaField(validators=[InputRequired(), Length(max=LONGEST_REASON)])


@pages.get("/", endpoint="index")
@for_roles(*PLATFORM_ROLES)
def index() -> Response:
    """Who asks, the one who has waited longest first."""
    query = ApplicationRow.select(ApplicationRow, PartyRow).join(PartyRow)
    query = query.where(PartyRow.status == PartyState.APPLIED.value).order_by(ApplicationRow.applied_at)
    with reading(signed_in()):
        found = list(query.limit(MOST))
    return draw("platform/approvals.html.jinja", applications=found, kinds=KINDS)


@pages.route("/<int:number>", methods=["GET", "POST"], endpoint="approve")
@for_roles(*PLATFORM_ROLES)
def approve(number: int) -> Response:
    """One application, and the yes to it."""
    application, form = an_application(number), ApproveForm()
    fee_now, sets_fee = percent(fee_of(number)), Role.PLATFORM_OWNER in signed_in().roles
    if form.is_sent():
        with trying(form):
            fee = basis_points(form.fee.data) if sets_fee and (form.fee.data or "").strip() else None
            approve_party(actor=actor(), party_id=number, fee_basis_points=fee, now=request_time())
        if not form.problem:
            said = mark("{name} is let in: its people can sign in now.")
            return done(url_for("approvals.index"), said, name=words().name(application.party.names))
    elif not form.is_submitted():
        form.fee.data = fee_now
    return draw(
        "platform/approval.html.jinja",
        status=form.status,
        form=form,
        application=application,
        kind=KINDS[application.party.kind],
        fee=fee_now,
        sets_fee=sets_fee,
        decides=bool(set(DECIDE) & signed_in().roles),
    )


@pages.route("/<int:number>/reject", methods=["GET", "POST"], endpoint="reject")
@for_roles(*DECIDE)
def reject(number: int) -> Response:
    """The no, with its reason."""
    application, form = an_application(number), RejectForm()
    if form.is_sent():
        with trying(form):
            reject_party(actor=actor(), party_id=number, reason=form.reason.data or "", now=request_time())
        if not form.problem:
            said = mark("{name} was not let in.")
            return done(url_for("approvals.index"), said, name=words().name(application.party.names))
    return draw("platform/reject.html.jinja", status=form.status, form=form, application=application)
