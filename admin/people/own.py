"""One's own password, and one's own second factor on another phone."""

from __future__ import annotations

import segno
from flask import Blueprint, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from admin.acting import ActForm, done, trying
from admin.declared import for_signed_in
from admin.drawing import draw
from admin.panel import panel, request_time, signed_in, waiting_elsewhere, words
from admin.second_words import status_of, why_not
from bot.texts import mark
from core.parties.passwords import change_password
from core.secret import Secret
from core.vault.client import VaultAway, VaultRefused

pages = Blueprint("own", __name__)
NOT_TWICE = mark("The two new passwords are not the same.")


class PasswordForm(ActForm):
    """The password now, and the next one twice."""

    old = PasswordField(validators=[InputRequired()])
    new = PasswordField(validators=[InputRequired()])
    again = PasswordField(validators=[InputRequired()])


class CodeForm(ActForm):
    """A code of the old phone, then one of the new."""

    code = StringField()
    step = StringField()


@pages.route("/password", methods=["GET", "POST"], endpoint="password")
def password_page() -> Response:
    """Another password for oneself."""
    form, session = PasswordForm(), signed_in()
    if form.is_sent():
        if form.new.data != form.again.data:
            form.refuse(words().say(NOT_TWICE))
        else:
            with trying(form):
                change_password(
                    session=session,
                    old=Secret(form.old.data or ""),
                    new=Secret(form.new.data or ""),
                    now=request_time(),
                )
        if not form.problem:
            return done(url_for("home.today"), mark("Your password is changed; you are signed out everywhere else."))
    template = "people/own_first.html.jinja" if session.must_change else "people/own_password.html.jinja"
    return draw(template, status=form.status, form=form, is_first=session.must_change)


@pages.route("/second/replace", methods=["GET", "POST"], endpoint="second")
def second_page() -> Response:
    """A new phone: a code of the old one, then the new one is scanned and shows that it works."""
    form, session = CodeForm(), signed_in()
    if not session.has_second:
        raise NotFound()
    if not form.is_sent():
        return _draw(form, "old")
    vault, code = panel().vault, form.code.data or ""
    try:
        with waiting_elsewhere():
            if form.step.data == "new":
                vault.second_factor_replaced(session.staff_id, code)
                seed = None
            else:
                seed = vault.replace_second_factor(session.staff_id, code)
    except (VaultAway, VaultRefused) as no:
        form.refuse(words().say(why_not(no)), status=status_of(no))
        return _draw(form, "again" if form.step.data == "new" else "old")
    if seed is None:
        return done(url_for("signing.sessions"), mark("From now on the new authenticator counts; the old one no more."))
    address = seed.address(issuer=panel().store_name, account=session.email)
    picture = segno.make(address.reveal().decode(), error="m").svg_data_uri(scale=5, border=2)
    return _draw(form, "new", picture=picture, letters=seed.letters)


def _draw(form: CodeForm, step: str, *, picture: str = "", letters: str = "") -> Response:
    return draw(
        "people/own_second.html.jinja", status=form.status, form=form, step=step, picture=picture, letters=letters
    )


for_signed_in(password_page, before_password=True)
for_signed_in(second_page)
