"""Making a party, with the login of its first owner."""

from __future__ import annotations

from flask import Blueprint, url_for
from werkzeug.wrappers import Response
from wtforms import PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from admin.acting import ActForm, actor, done, trying
from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import request_time, words
from admin.platform.fees import basis_points
from admin.platform.lists import KINDS
from bot.texts import mark
from core.parties.rules import PartyKind, Role
from core.parties.standing import FirstOwner, make_party
from core.secret import Secret

pages = Blueprint("making", __name__, url_prefix="/parties/new")
MADE = (PartyKind.MERCHANT, PartyKind.SUPPLIER, PartyKind.PROMOTER)


class PartyForm(ActForm):
    """The party, and who signs in first for it."""

    kind = SelectField(choices=[kind.value for kind in MADE])
    code = StringField(validators=[InputRequired()])
    name_zh = StringField(validators=[InputRequired()])
    name_en = StringField()
    fee = StringField(default="0")
    owner = StringField(validators=[InputRequired()])
    email = StringField(validators=[InputRequired()])
    password = PasswordField(validators=[InputRequired()])


@pages.route("/", methods=["GET", "POST"], endpoint="party")
@for_roles(Role.PLATFORM_OWNER, steps_up=True)
def new_party() -> Response:
    """A form with both; the password is told to its person, who sets another one at once."""
    form = PartyForm()
    form.kind.choices = [SelectChoice(kind.value, words().say(KINDS[kind.value])) for kind in MADE]
    if form.is_sent():
        with trying(form):
            number = make_party(
                actor=actor(),
                kind=PartyKind(form.kind.data),
                code=(form.code.data or "").strip(),
                names=names_of(form),
                fee_basis_points=basis_points(form.fee.data),
                owner=FirstOwner(form.email.data or "", form.owner.data or "", Secret(form.password.data or "")),
                now=request_time(),
            )
        if not form.problem:
            said = mark("{code} takes part; {email} signs in first for it.")
            email = (form.email.data or "").strip()
            return done(url_for("party.show", number=number), said, code=form.code.data, email=email)
    return draw("platform/new_party.html.jinja", status=form.status, form=form)


def names_of(form: PartyForm) -> dict[str, str]:
    """The names that were given, by language; the Chinese one always is."""
    given = {"zh-CN": form.name_zh.data, "en": form.name_en.data}
    return {locale: said.strip() for locale, said in given.items() if said and said.strip()}
