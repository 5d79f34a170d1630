"""A new login: name, address, roles; its first password is shown this one time, and its person sets another."""

from __future__ import annotations

from flask import Blueprint, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import SelectField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length

from admin.acting import ActForm, actor, trying
from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import request_time, signed_in, words
from admin.people.lists import MANAGERS, a_person
from admin.people.naming import KINDS, ROLES, in_order
from admin.reading import reading
from admin.rows import PartyRow
from bot.texts import mark
from core.parties.passwords import first_password
from core.parties.rules import PartyKind, Role
from core.parties.service import create_staff

pages = Blueprint("inviting", __name__, url_prefix="/people")
NO_ROLE = mark("Tick one role or more: a login without any opens nothing.")


class PersonForm(ActForm):
    """Who, and for what."""

    name = StringField(validators=[InputRequired(), Length(max=120)])
    email = StringField(validators=[InputRequired(), Length(max=320)])
    roles = SelectMultipleField()


class PlaceForm(ActForm):
    """At which party; the platform alone is asked."""

    party = SelectField(coerce=int)

    class Meta:
        csrf = False  # it only leads on


@pages.route("/new", methods=["GET", "POST"], endpoint="new")
@for_roles(*MANAGERS, steps_up=True)
def new() -> Response:
    """Make somebody a login."""
    party = _party()
    if party is None:
        return _which()
    form, kind = PersonForm(), PartyKind(str(party.kind))
    roles = in_order(kind)
    form.roles.choices = [(role.value, ROLES[role][0]) for role in roles]
    if form.is_sent():
        if not form.roles.data:
            form.refuse(words().say(NO_ROLE))
        else:
            made = _made(form, int(str(party.id)))
            if made is not None:
                return made
    return draw(
        "people/new.html.jinja", status=form.status, form=form, party=party, roles=[(one, *ROLES[one]) for one in roles]
    )


def _made(form: PersonForm, party_id: int) -> Response | None:
    password = first_password()
    with trying(form):
        person = create_staff(
            actor=actor(),
            party_id=party_id,
            email=form.email.data or "",
            name=(form.name.data or "").strip(),
            password=password,
            roles=frozenset(Role(one) for one in form.roles.data or ()),
            is_first=True,
            now=request_time(),
        )
    if form.problem:
        return None
    return draw("people/made.html.jinja", person=a_person(party_id, person), password=password.reveal().decode())


def _party() -> PartyRow | None:
    """The party that gets somebody: one's own, or the one that the platform's owner named; None where none was."""
    session = signed_in()
    own = Role.PLATFORM_OWNER not in session.roles
    said = str(session.party.id) if own else request.args.get("party", "")
    if not said:
        return None
    if not (said.isascii() and said.isdecimal() and len(said) < 19):
        raise NotFound()
    with reading(session):
        found: PartyRow | None = PartyRow.get_or_none(PartyRow.id == int(said))
    if found is None:
        raise NotFound()
    return found


def _which() -> Response:
    with reading(signed_in()):
        parties = list(PartyRow.select().order_by(PartyRow.kind, PartyRow.code).limit(500))
    form = PlaceForm(formdata=None)
    form.party.choices = [
        (one.id, f"{words().name(one.names)} · {words().say(KINDS[PartyKind(one.kind)])}") for one in parties
    ]
    return draw("people/which.html.jinja", form=form)
