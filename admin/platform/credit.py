"""Trade accounts of a party: money that a creditor got is booked, and taken back where that was a mistake."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from admin.acting import ActForm, actor, done, trying
from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import request_time, words
from admin.platform.rows import a_party, party_names
from bot.texts import mark
from core.money import from_decimal
from core.parties.rules import Role
from core.parties.service import find_party
from core.supply.trade import TopUpView, approve_topup, take_back_topup, topups_of, trade_accounts

pages = Blueprint("credit", __name__, url_prefix="/parties/<int:number>/credit")


class TopUpForm(ActForm):
    """On which account, how much, and the bank's number of the money."""

    account = SelectField(choices=[])
    amount = StringField(validators=[InputRequired()])
    reference = StringField(validators=[InputRequired(), Length(max=200)])


class TakeBackForm(ActForm):
    """Why it was a mistake."""

    reason = TextAreaField(validators=[InputRequired(), Length(max=500)])


@pages.route("/topup", methods=["GET", "POST"], endpoint="topup")
@for_roles(Role.PLATFORM_OWNER, steps_up=True)
def topup(number: int) -> Response:
    """A creditor says what it got; the account is prepaid by it, or what is owed is paid."""
    party, form = a_party(number), TopUpForm()
    accounts = trade_accounts(actor=actor(), party_id=number)
    called = party_names(code for one in accounts for code in (one.creditor, one.debtor))
    keys = {f"{one.creditor} {one.debtor} {one.currency}": one for one in accounts}
    form.account.choices = [
        SelectChoice(key, f"{called(one.debtor)} → {called(one.creditor)} · {one.currency}")
        for key, one in keys.items()
    ]
    if form.is_sent():
        with trying(form):
            one = keys[form.account.data]
            amount = from_decimal((form.amount.data or "").strip(), one.currency)
            creditor, debtor = find_party(code=one.creditor).id, find_party(code=one.debtor).id
            approve_topup(
                actor=actor(),
                creditor_id=creditor,
                debtor_id=debtor,
                amount=amount,
                reference=form.reference.data or "",
                now=request_time(),
            )
        if not form.problem:
            said = mark("{amount} of {debtor} is booked with {creditor}.")
            money = words().money(amount)
            names = {"debtor": called(one.debtor), "creditor": called(one.creditor)}
            return done(url_for("party.show", number=number), said, amount=money, **names)
    return draw("platform/topup.html.jinja", status=form.status, form=form, party=party, accounts=accounts)


@pages.route("/<uuid:topup_id>/take-back", methods=["GET", "POST"], endpoint="take_back")
@for_roles(Role.PLATFORM_OWNER, steps_up=True)
def take_back(number: int, topup_id: UUID) -> Response:
    """What was booked by mistake is reversed whole."""
    party, booked, form = a_party(number), a_topup(number, topup_id), TakeBackForm()
    called = party_names((booked.debtor, booked.creditor))
    if form.is_sent():
        with trying(form):
            take_back_topup(actor=actor(), topup_id=topup_id, reason=form.reason.data or "", now=request_time())
        if not form.problem:
            said = mark("{amount} was taken back from {debtor}.")
            money, debtor = words().money(booked.amount), called(booked.debtor)
            return done(url_for("party.show", number=number), said, amount=money, debtor=debtor)
    drawn = {"party": party, "booked": booked, "called": called}
    return draw("platform/take_back.html.jinja", status=form.status, form=form, **drawn)


def a_topup(number: int, topup_id: UUID) -> TopUpView:
    """One of a party's last top-ups that still stands. Raises NotFound."""
    for one in topups_of(actor=actor(), party_id=number, most=500):
        if one.id == topup_id and one.taken_back_at is None:
            return one
    raise NotFound()
