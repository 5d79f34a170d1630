"""What an owner does about a person: roles, a login closed or opened again, a first password, a lost phone."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import SelectMultipleField, StringField

from admin.acting import ActForm, actor, done, trying
from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import panel, request_time, signed_in, waiting_elsewhere, words
from admin.people.lists import MANAGERS, PersonRow, a_person
from admin.people.naming import ROLES, in_order
from admin.second_words import status_of, why_not
from bot.texts import mark
from core.parties.passwords import first_password
from core.parties.people import close_login, give_first_password, reopen_login, second_taken, set_roles
from core.parties.rules import Role
from core.vault.client import VaultAway, VaultRefused

pages = Blueprint("persons", __name__, url_prefix="/people/<int:party>/<uuid:person>")


class RolesForm(ActForm):
    """Which roles the person has from now on."""

    roles = SelectMultipleField()


class SureForm(ActForm):
    """A button below what it does."""


class CodeForm(ActForm):
    """A code of one's own authenticator."""

    code = StringField()


@pages.route("/roles", methods=["GET", "POST"], endpoint="roles")
@for_roles(*MANAGERS, steps_up=True)
def roles_page(party: int, person: UUID) -> Response:
    """Give and take roles."""
    found, form = a_person(party, person), RolesForm()
    choices = in_order(found.kind)
    form.roles.choices = [(role.value, ROLES[role][0]) for role in choices]
    if form.is_sent():
        wanted = frozenset(Role(one) for one in form.roles.data or ())
        with trying(form):
            set_roles(actor=actor(), staff_id=person, party_id=party, roles=wanted, now=request_time())
        if not form.problem:
            return _done(found, mark("The roles of {name} are changed.")) if wanted else _gone(found)
    elif form.status == 200:
        form.roles.data = [role.value for role in found.roles]
    given = [(one, *ROLES[one]) for one in choices]
    return draw("people/roles.html.jinja", status=form.status, form=form, person=found, roles=given)


@pages.route("/close", methods=["GET", "POST"], endpoint="close")
@for_roles(*MANAGERS, steps_up=True)
def close(party: int, person: UUID) -> Response:
    """Let the person in no more, from now on."""
    found, form = a_person(party, person), SureForm()
    if form.is_sent():
        with trying(form):
            close_login(actor=actor(), staff_id=person, party_id=party, now=request_time())
        if not form.problem:
            return _done(found, mark("The login of {name} is closed."))
    return draw("people/close.html.jinja", status=form.status, form=form, person=found)


@pages.route("/reopen", methods=["GET", "POST"], endpoint="reopen")
@for_roles(*MANAGERS, steps_up=True)
def reopen(party: int, person: UUID) -> Response:
    """Let the person in again."""
    found, form = a_person(party, person), SureForm()
    if form.is_sent():
        with trying(form):
            reopen_login(actor=actor(), staff_id=person, party_id=party, now=request_time())
        if not form.problem:
            return _done(found, mark("The login of {name} opens again."))
    return draw("people/reopen.html.jinja", status=form.status, form=form, person=found)


@pages.route("/password", methods=["GET", "POST"], endpoint="password")
@for_roles(*MANAGERS, steps_up=True)
def password_page(party: int, person: UUID) -> Response:
    """A first password anew, for whoever forgot the own one; shown this one time."""
    found, form = a_person(party, person), SureForm()
    if form.is_sent():
        password = first_password()
        with trying(form):
            give_first_password(actor=actor(), staff_id=person, party_id=party, password=password, now=request_time())
        if not form.problem:
            return draw("people/made.html.jinja", person=found, password=password.reveal().decode())
    return draw("people/password.html.jinja", status=form.status, form=form, person=found)


@pages.route("/second", methods=["GET", "POST"], endpoint="second")
@for_roles(Role.PLATFORM_OWNER)
def second(party: int, person: UUID) -> Response:
    """Take a lost second factor away; the vault asks for a code itself, so no older one counts for it."""
    found, form = a_person(party, person), CodeForm()
    if not found.has_second or person == signed_in().staff_id:
        raise NotFound()
    if form.is_sent():
        try:
            with waiting_elsewhere():
                panel().vault.take_second_factor_away(person, signed_in().staff_id, form.code.data or "")
        except (VaultAway, VaultRefused) as no:
            form.refuse(words().say(why_not(no)), status=status_of(no))
        else:
            second_taken(actor=actor(), staff_id=person, now=request_time())
            return _done(found, mark("{name} sets a new second factor up at the next sign-in."))
    return draw("people/second.html.jinja", status=form.status, form=form, person=found)


def _done(found: PersonRow, said: str) -> Response:
    return done(url_for("people.one", party=found.party_id, person=found.id), said, name=found.name)


def _gone(found: PersonRow) -> Response:
    return done(url_for("people.everyone"), mark("{name} works here no more."), name=found.name)
