"""Asking to be let in, before anybody signed in; and the one page that somebody sees who waits for the answer."""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField, TextAreaField
from wtforms.validators import InputRequired

from admin.acting import ActForm, trying
from admin.browsers import came_from
from admin.declared import for_signed_in, open_to_anyone
from admin.drawing import draw
from admin.panel import request_time, signed_in
from core.parties.applying import Application, apply_for_party
from core.parties.rules import PartyKind
from core.secret import Secret

pages = Blueprint("applying", __name__)


class ApplyForm(ActForm):
    """Who asks, and what they would sell."""

    kind = StringField(default=PartyKind.SUPPLIER.value)
    name = StringField(validators=[InputRequired()])
    english = StringField()
    code = StringField(validators=[InputRequired()])
    contact = StringField(validators=[InputRequired()])
    email = StringField(validators=[InputRequired()])
    password = PasswordField(validators=[InputRequired()])
    sells = TextAreaField(validators=[InputRequired()])


@pages.route("/apply", methods=["GET", "POST"], endpoint="apply")
@open_to_anyone
def apply_page() -> Response:
    """A form for anybody; its answer is the same whether the address is known or not."""
    form = ApplyForm()
    if form.is_sent():
        with trying(form):
            apply_for_party(said=_said(form), came_from=came_from(request), now=request_time())
        if not form.problem:
            return redirect(url_for("applying.applied"))
    return draw("supplying/apply.html.jinja", status=form.status, form=form)


@pages.get("/applied", endpoint="applied")
@open_to_anyone
def applied_page() -> Response:
    """It is there: what happens next."""
    return draw("supplying/applied.html.jinja")


@pages.get("/waiting", endpoint="waiting")
def waiting_page() -> Response:
    """That somebody looks at the application; nothing else opens until then."""
    if not signed_in().is_waiting:
        return redirect(url_for("home.today"))
    return draw("supplying/waiting.html.jinja")


for_signed_in(waiting_page, before_second=True, while_waiting=True)


def _said(form: ApplyForm) -> Application:
    kind = form.kind.data or ""
    name, english = (form.name.data or "").strip(), (form.english.data or "").strip()
    return Application(
        kind=PartyKind(kind) if kind in set(PartyKind) else PartyKind.PLATFORM,  # a kind that nobody may ask for
        code=(form.code.data or "").strip().lower(),
        names={"zh-CN": name} | ({"en": english} if english else {}),
        contact=form.contact.data or "",
        email=form.email.data or "",
        password=Secret(form.password.data or ""),
        sells=form.sells.data or "",
    )
