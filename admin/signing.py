"""Signing in and out, the second factor, and one's own sessions."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

import segno
from flask import Blueprint, redirect, request, url_for
from flask_wtf import FlaskForm
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField

from admin import cookies
from admin.browsers import came_from
from admin.declared import for_signed_in, open_to_anyone
from admin.drawing import draw
from admin.panel import panel, request_time, signed_in, waiting_elsewhere, words
from admin.second_words import status_of, why_not
from bot.texts import mark
from core.parties.signing_in import TooManyTries, WrongSignIn, sign_in
from core.parties.staff_sessions import (
    act_for,
    end_other_sessions,
    end_session,
    open_sessions,
    parties_of,
    second_proved,
)
from core.secret import Secret
from core.vault.client import VaultAway, VaultRefused

pages = Blueprint("signing", __name__)

WRONG = mark("Address or password is wrong.")
WAIT = mark("Too many wrong tries. Wait {minutes} min, then try again.")


class SignInForm(FlaskForm):
    """Who, and the password."""

    email = StringField()
    password = PasswordField()


class CodeForm(FlaskForm):
    """Six digits of an authenticator."""

    code = StringField()


class NothingForm(FlaskForm):
    """A button that does something: only its token."""


@pages.route("/sign-in", methods=["GET", "POST"], endpoint="sign_in")
@open_to_anyone
def sign_in_page() -> Response:
    """The first page; a right password begins a session."""
    form = SignInForm()
    if not form.validate_on_submit():
        return draw("sign_in.html.jinja", form=form, wrong="")
    try:
        new = sign_in(
            email=form.email.data or "",
            password=Secret(form.password.data or ""),
            came_from=came_from(request),
            now=request_time(),
        )
    except WrongSignIn:
        return draw("sign_in.html.jinja", status=403, form=form, wrong=words().say(WRONG))
    except TooManyTries as many:
        said = words().say(WAIT, minutes=many.params["minutes"])
        return draw("sign_in.html.jinja", status=429, form=form, wrong=said)
    return cookies.keep_session(redirect(_next()), panel(), new)


@pages.route("/second", methods=["GET", "POST"], endpoint="second")
def second_page() -> Response:
    """The code of one's authenticator: after the password, and again before acts that ask for it."""
    form = CodeForm()
    if not form.validate_on_submit():
        return draw("second.html.jinja", form=form, wrong="", asked_again=signed_in().second_at is not None)
    return _proved(form, is_first=False)


@pages.route("/second/begin", methods=["GET", "POST"], endpoint="second_begin")
def second_begin_page() -> Response:
    """Set a second factor up: have a seed made, scan it, then show that it works. A seed is shown once."""
    session, form = signed_in(), CodeForm()
    if session.has_second:
        raise NotFound()
    if not form.validate_on_submit():
        return draw("second_begin.html.jinja", form=form, picture="", letters="", wrong="", step="asked")
    if form.code.data:
        return _proved(form, is_first=True)
    try:
        with waiting_elsewhere():
            seed = panel().vault.begin_second_factor(session.staff_id)
    except (VaultAway, VaultRefused) as no:
        return _begin_again(form, no)
    address = seed.address(issuer=panel().store_name, account=session.email)
    picture = segno.make(address.reveal().decode(), error="m").svg_data_uri(scale=5, border=2)
    return draw(
        "second_begin.html.jinja", form=form, picture=picture, letters=seed.letters, wrong="", step="shown"
    )  # fmt: skip


def _proved(form: CodeForm, *, is_first: bool) -> Response:
    session, vault = signed_in(), panel().vault
    take = vault.confirm_second_factor if is_first else vault.check_second_factor
    try:
        with waiting_elsewhere():
            take(session.staff_id, form.code.data or "")
    except (VaultAway, VaultRefused) as no:
        if is_first:
            return _begin_again(form, no)
        wrong, again = words().say(why_not(no)), session.second_at is not None
        return draw("second.html.jinja", status=status_of(no), form=form, wrong=wrong, asked_again=again)
    return cookies.keep_session(redirect(_next()), panel(), second_proved(session=session, now=request_time()))


def _begin_again(form: CodeForm, no: VaultAway | VaultRefused) -> Response:
    """The first code was wrong: what was scanned still counts, and there is a way to start over."""
    values = {"form": form, "picture": "", "letters": "", "wrong": words().say(why_not(no)), "step": "again"}
    return draw("second_begin.html.jinja", status=status_of(no), **values)


@pages.route("/sign-out", methods=["POST"], endpoint="sign_out")
def sign_out() -> Response:
    """End this session: its cookie opens nothing any more, wherever a copy of it is."""
    session = signed_in()
    if NothingForm().validate_on_submit():
        end_session(session=session, which=session.id, now=request_time())
    return cookies.drop_session(redirect(url_for("signing.sign_in")), panel())


@pages.get("/sessions", endpoint="sessions")
def sessions_page() -> Response:
    """Where one is signed in."""
    return draw(
        "sessions.html.jinja",
        form=NothingForm(),
        sessions=open_sessions(session=signed_in(), now=request_time()),
        parties=parties_of(session=signed_in()),
    )


@pages.post("/sessions/end", endpoint="end")
def end() -> Response:
    """End one of one's own sessions, or all others."""
    session, which = signed_in(), request.form.get("session", "")
    if which == "others":
        end_other_sessions(session=session, now=request_time())
    else:
        end_session(session=session, which=_id(which), now=request_time())
    return redirect(url_for("signing.sessions"))


@pages.post("/party", endpoint="party")
def change_party() -> Response:
    """Go on for another of one's parties."""
    said = request.form.get("party", "")
    if not said.isdecimal() or len(said) > 18:
        raise NotFound()
    act_for(session=signed_in(), party_id=int(said), now=request_time())
    return redirect(url_for("home.today"))


for view in (second_page, second_begin_page):
    for_signed_in(view, before_second=True)
for_signed_in(sign_out, before_second=True, while_waiting=True)
for view in (sessions_page, end, change_party):
    for_signed_in(view)


def _next() -> str:
    """Where the person wanted to go: a path of the panel, never another place."""
    wanted = request.args.get("next", "")
    return request.script_root + wanted if _is_ours(wanted) else url_for("home.today")


def _is_ours(wanted: str) -> bool:
    """Whether a browser that is sent there stays here."""
    if not wanted.startswith("/") or "\\" in wanted or any(sign in wanted for sign in "\r\n\t"):
        return False
    try:
        parts = urlsplit(wanted)
    except ValueError:  # a bracket where a host would stand
        return False
    return not wanted.startswith("//") and not parts.netloc and not parts.scheme


def _id(said: str) -> UUID:
    try:
        return UUID(said)
    except ValueError:
        raise NotFound() from None
