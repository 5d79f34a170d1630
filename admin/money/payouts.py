"""Payouts: asked for by one person, let go by another, sent, confirmed; each act with a code that the vault judges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from admin.acting import actor, done, trying
from admin.declared import for_roles
from admin.drawing import draw
from admin.money.asking import CodeForm, ask_vault
from admin.money.overview import PAID_TO, WHO, a_claim, money
from admin.panel import request_time, signed_in, words
from admin.platform.rows import party_names
from admin.shown import pill
from bot.texts import mark
from core.errors import NotFound as Missing
from core.ids import Prefix, public
from core.money import from_decimal
from core.parties.rules import Role
from core.settlement.rules import PayoutState
from core.settlement.service import PayoutView, payouts_of
from core.settlement.views import payout_of
from core.vault.payout_requests import PayoutAct

pages = Blueprint("payouts", __name__, url_prefix="/payouts")

ACTS = {
    "approve": (PayoutAct.APPROVE, mark("Payout {number} is approved: its money is in transit.")),
    "send": (PayoutAct.SEND, mark("Give the order to the bank now: payout {number} is marked as sent.")),
    "confirm": (PayoutAct.CONFIRM, mark("Payout {number} is paid.")),
    "fail": (PayoutAct.FAIL, mark("Payout {number} is not paid: its money is available again.")),
}
"""What stands in the address, what it asks of the vault, what is said when it is done."""

NEXT = {
    PayoutState.REQUESTED: ("approve", "fail"),
    PayoutState.APPROVED: ("send", "fail"),
    PayoutState.SENT: ("confirm", "fail"),
    PayoutState.SUCCEEDED: (),
    PayoutState.FAILED: (),
}


def number_of(payout: PayoutView) -> str:
    """The public number of a payout."""
    return public(Prefix.PAYOUT, payout.id)


DRAWN: dict[str, Any] = {"money": money, "number": number_of, "pill": pill}
"""What the templates of payouts write with."""


class BankForm(CodeForm):
    """Where money is sent."""

    name = StringField(validators=[InputRequired()])
    bank = StringField(validators=[InputRequired()])
    number = PasswordField(validators=[InputRequired()])


class RequestForm(CodeForm):
    """How much is asked for."""

    amount = StringField(validators=[InputRequired()])


class StepForm(CodeForm):
    """A step; confirming wants the bank's number, failing a reason."""

    reference = StringField()
    reason = StringField()


@pages.get("/", endpoint="list")
@for_roles(*WHO)
def list_page() -> Response:
    """Payouts that one gets or pays, the newest first; all of them for the platform."""
    everything = request.args.get("all") == "1"
    sees_all = bool(signed_in().roles & {Role.PLATFORM_OWNER, Role.AUDITOR})
    party_id = None if sees_all else signed_in().party.id
    found = payouts_of(actor=actor(), party_id=party_id, with_ended=everything)
    return draw("money/payouts.html.jinja", payouts=found, everything=everything, called=_called(*found), **DRAWN)


@pages.get("/<uuid:payout_id>", endpoint="one")
@for_roles(*WHO)
def one_page(payout_id: UUID) -> Response:
    """One payout, and what comes next."""
    payout = _payout(payout_id)
    steps = NEXT[payout.state] if _decides(payout) else ()
    shown = steps and payout.state in (PayoutState.APPROVED, PayoutState.SENT)
    return draw("money/payout.html.jinja", payout=payout, steps=steps, may_show=shown, called=_called(payout), **DRAWN)


@pages.route("/<uuid:payout_id>/<any(approve, send, confirm, fail):step>", methods=["GET", "POST"], endpoint="step")
@for_roles(*PAID_TO)
def step_page(payout_id: UUID, step: str) -> Response:
    """One step of a payout, with what it does, and one's code."""
    payout, form = _payout(payout_id), StepForm()
    if not _decides(payout):
        raise NotFound()
    act, said = ACTS[step]
    if form.is_sent():
        given = {"reference": form.reference.data or "", "reason": form.reason.data or ""}
        ask_vault(form, act, payout=str(payout_id), **given)
        if not form.problem:
            return done(url_for("payouts.one", payout_id=payout_id), said, number=number_of(payout))
    called = _called(payout)
    return draw(
        "money/step.html.jinja", status=form.status, form=form, payout=payout, step=step, called=called, **DRAWN
    )


@pages.route("/<uuid:payout_id>/account", methods=["GET", "POST"], endpoint="account")
@for_roles(*PAID_TO, steps_up=True)
def account_page(payout_id: UUID) -> Response:
    """Where an approved payout goes, in full, for who gives the order to the bank; written down first."""
    payout, form = _payout(payout_id), CodeForm()
    if not _decides(payout):
        raise NotFound()
    shown = ask_vault(form, PayoutAct.REVEAL, payout=str(payout_id)) if form.is_sent() else {}
    account = {name: value.reveal().decode() for name, value in shown.items()}
    drawn = {"payout": payout, "account": account, "called": _called(payout)}
    return draw("money/account.html.jinja", status=form.status, form=form, **drawn, **DRAWN)


@pages.route("/ask", methods=["GET", "POST"], endpoint="ask")
@for_roles(*PAID_TO)
def ask_page() -> Response:
    """Ask for a payout of what is available of one claim."""
    claim, form = a_claim(request.args.get("debtor", ""), request.args.get("currency", "")), RequestForm()
    if form.is_sent():
        with trying(form):
            amount = from_decimal((form.amount.data or "").strip(), claim.currency)
        if not form.problem:
            day = request_time().astimezone(words().zone).date().isoformat()
            given = {"minor": str(amount.minor), "currency": claim.currency, "debtor": claim.debtor, "period": day}
            ask_vault(form, PayoutAct.REQUEST, **given)
        if not form.problem:
            asked = mark("{amount} is asked for: somebody else approves it.")
            return done(url_for("money.overview"), asked, amount=words().money(amount))
    debtor = party_names([claim.debtor])(claim.debtor)
    return draw("money/ask.html.jinja", status=form.status, form=form, claim=claim, debtor=debtor, money=money)


@pages.route("/bank", methods=["GET", "POST"], endpoint="bank")
@for_roles(*PAID_TO, steps_up=True)
def bank_page() -> Response:
    """Say where one's money is sent from now on."""
    form = BankForm()
    if form.is_sent():
        given = {"name": form.name.data or "", "bank": form.bank.data or "", "number": form.number.data or ""}
        shown = ask_vault(form, PayoutAct.BANK, **given)
        if not form.problem:
            mask = shown["mask"].reveal().decode()
            return done(url_for("money.overview"), mark("Your money is sent to {mask} from now on."), mask=mask)
    return draw("money/bank.html.jinja", status=form.status, form=form)


def _payout(payout_id: UUID) -> PayoutView:
    try:
        return payout_of(actor=actor(), payout_id=payout_id)
    except Missing:
        raise NotFound() from None


def _called(*payouts: PayoutView) -> Callable[[str], str]:
    """What whoever gets the money, and whoever holds it, are called."""
    return party_names(code for one in payouts for code in (one.party, one.debtor))


def _decides(payout: PayoutView) -> bool:
    """Whether who is signed in decides about a payout: people of the debtor, or owners of the platform."""
    session = signed_in()
    own = payout.debtor == session.party.code and bool(session.roles & {Role.OWNER, Role.FINANCE})
    return own or Role.PLATFORM_OWNER in session.roles
