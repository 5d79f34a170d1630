"""One party as the platform sees it: what it is and owns, its fee, and whether it takes part."""

from __future__ import annotations

from flask import Blueprint, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from admin.acting import ActForm, actor, done, trying
from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import request_time, words
from admin.platform.fees import basis_points, percent
from admin.platform.lists import KINDS
from admin.platform.rows import a_party, fee_of, owned_by, party_names
from admin.rows import PartyRow
from admin.shown import pill, when
from bot.texts import mark
from core.money import Money
from core.parties.rules import PLATFORM_ROLES, PartyKind, PartyState, Role
from core.parties.standing import LONGEST_REASON, set_fee
from core.settlement.leaving import close_party, under_way
from core.settlement.suspending import reopen_party, suspend_party
from core.settlement.views import ClaimView, claim_views
from core.supply.trade import topups_of, trade_accounts

pages = Blueprint("party", __name__, url_prefix="/parties")
OPERATE = (Role.PLATFORM_OWNER, Role.PLATFORM_OPERATOR)


class FeeForm(ActForm):
    """The platform's part of what is sold, in percent."""

    fee = StringField(validators=[InputRequired()])


class ReasonForm(ActForm):
    """Why."""

    reason = TextAreaField(validators=[InputRequired(), Length(max=LONGEST_REASON)])


class SureForm(ActForm):
    """A button on a page that says what it does."""


@pages.get("/<int:number>", endpoint="show")
@for_roles(*PLATFORM_ROLES)
def show(number: int) -> Response:
    """The party, what it owns, and its trade accounts."""
    party = a_party(number)
    accounts, topups = trade_accounts(actor=actor(), party_id=number), topups_of(actor=actor(), party_id=number)
    return draw(
        "platform/party.html.jinja",
        party=party,
        kind=KINDS[party.kind],
        state=pill(party.status),
        since=when(party.created_at),
        fee=percent(fee_of(number)),
        owns=owned_by(number),
        money=claims_in_words(claim_views(actor=actor(), party_id=number, now=request_time())),
        accounts=accounts,
        topups=topups,
        called=party_names(
            [code for one in accounts for code in (one.debtor, one.creditor)]
            + [code for one in topups for code in (one.debtor, one.creditor)]
        ),
        amount=lambda minor, currency: words().money(Money(minor, currency)),
        when=when,
    )


@pages.route("/<int:number>/fee", methods=["GET", "POST"], endpoint="fee")
@for_roles(Role.PLATFORM_OWNER, steps_up=True)
def fee_page(number: int) -> Response:
    """Another fee, for orders placed from now on."""
    party, form = another_party(number), FeeForm()
    if form.is_sent():
        with trying(form):
            points = basis_points(form.fee.data)
            set_fee(actor=actor(), party_id=number, fee_basis_points=points, now=request_time())
        if not form.problem:
            said = mark("{name} pays {fee} % from now on.")
            return done(url_for("party.show", number=number), said, name=name_of(party), fee=percent(points))
    return draw("platform/fee.html.jinja", status=form.status, form=form, party=party, fee=percent(fee_of(number)))


@pages.route("/<int:number>/suspend", methods=["GET", "POST"], endpoint="suspend")
@for_roles(*OPERATE)
def suspend(number: int) -> Response:
    """Stop it at once."""
    party, form = another_party(number), ReasonForm()
    if form.is_sent():
        with trying(form):
            suspend_party(actor=actor(), party_id=number, reason=form.reason.data or "", now=request_time())
        if not form.problem:
            return done(url_for("party.show", number=number), mark("{name} is suspended."), name=name_of(party))
    open_now = under_way(party_id=number)
    return draw(
        "platform/suspend.html.jinja", status=form.status, form=form, party=party, owns=owned_by(number), open=open_now
    )


@pages.route("/<int:number>/reopen", methods=["GET", "POST"], endpoint="reopen")
@for_roles(*OPERATE)
def reopen(number: int) -> Response:
    """Let it go on."""
    party, form = another_party(number), SureForm()
    if form.is_sent():
        with trying(form):
            reopen_party(actor=actor(), party_id=number, now=request_time())
        if not form.problem:
            return done(url_for("party.show", number=number), mark("{name} takes part again."), name=name_of(party))
    return draw("platform/reopen.html.jinja", status=form.status, form=form, party=party, owns=owned_by(number))


@pages.route("/<int:number>/close", methods=["GET", "POST"], endpoint="close")
@for_roles(Role.PLATFORM_OWNER, steps_up=True)
def close(number: int) -> Response:
    """Close it for good."""
    party, form = another_party(number), ReasonForm()
    if form.is_sent():
        with trying(form):
            close_party(actor=actor(), party_id=number, reason=form.reason.data or "", now=request_time())
        if not form.problem:
            return done(url_for("party.show", number=number), mark("{name} is closed."), name=name_of(party))
    money = claims_in_words(claim_views(actor=actor(), party_id=number, now=request_time()))
    return draw(
        "platform/close.html.jinja",
        status=form.status,
        form=form,
        party=party,
        open=under_way(party_id=number),
        money=money,
        is_suspended=party.status == PartyState.SUSPENDED.value,
    )


def another_party(number: int) -> PartyRow:
    """A party that is not the platform itself. Raises NotFound."""
    party = a_party(number)
    if party.kind == PartyKind.PLATFORM.value:
        raise NotFound()
    return party


def name_of(party: PartyRow) -> str:
    """Its name in the language of the page."""
    return words().name(party.names)


def claims_in_words(claims: list[ClaimView]) -> list[tuple[str, str, str, str, str]]:
    """Of whose cash, then pending, payable now, on its way and owed; as amounts."""
    say, called = words().money, party_names(one.debtor for one in claims)
    return [
        (
            called(one.debtor),
            say(Money(one.pending, one.currency)),
            say(Money(one.available, one.currency)),
            say(Money(one.in_transit, one.currency)),
            say(Money(one.owed, one.currency)),
        )
        for one in claims
    ]
