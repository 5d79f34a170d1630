"""Trying, pausing, resuming and leaving a connection; what that does to shoppers stands before the button."""

from __future__ import annotations

import contextlib

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response

from admin.acting import ActForm, actor, done, trying
from admin.channels.overview import OWNERS, a_connection
from admin.declared import for_roles
from admin.drawing import draw
from admin.panel import panel, request_time, signed_in
from admin.scoped import SELLING
from bot.texts import mark
from core.connections.checks import TriedJustNow, ask_for_check
from core.connections.credentials import AccountKind
from core.connections.gateways import connect_sandbox, disconnect_gateway_account, switch_gateway_account
from core.connections.joining import disconnect_chat_account, switch_chat_account
from core.parties.rules import PartyKind, Role

pages = Blueprint("switching", __name__, url_prefix="/channels")


class SwitchForm(ActForm):
    """A button."""


@pages.post("/<kind>/<int:number>/check", endpoint="check")
@for_roles(*OWNERS, kinds=SELLING)
def check(kind: str, number: int) -> Response:
    """Have it tried now."""
    a_connection(kind, number)
    form = SwitchForm()
    if form.is_sent():
        with trying(form):
            ask_for_check(actor=actor(), kind=AccountKind(kind), account_id=number, now=request_time())
    return done(after(kind, number), form.problem or mark("It is being checked."))


@pages.route("/<kind>/<int:number>/pause", methods=["GET", "POST"], endpoint="pause")
@for_roles(*OWNERS, kinds=SELLING)
def pause(kind: str, number: int) -> Response:
    """Hear and say nothing by it, or offer it to nobody, until it is resumed."""
    found, form = a_connection(kind, number), SwitchForm()
    if form.is_sent():
        with trying(form):
            switch(kind, number, enabled=False)
        if not form.problem:
            return done(url_for("channels.one", kind=kind, number=number), mark("It is paused."))
    return draw("channels/pause.html.jinja", status=form.status, form=form, one=found)


@pages.post("/<kind>/<int:number>/resume", endpoint="resume")
@for_roles(*OWNERS, kinds=SELLING)
def resume(kind: str, number: int) -> Response:
    """On again."""
    a_connection(kind, number)
    form = SwitchForm()
    if form.is_sent():
        with trying(form):
            switch(kind, number, enabled=True)
    return done(url_for("channels.one", kind=kind, number=number), form.problem or mark("It is on again."))


@pages.route("/<kind>/<int:number>/leave", methods=["GET", "POST"], endpoint="leave")
@for_roles(*OWNERS, kinds=SELLING, steps_up=True)
def leave(kind: str, number: int) -> Response:
    """Disconnect it: its secrets are forgotten."""
    found, form = a_connection(kind, number), SwitchForm()
    if form.is_sent():
        with trying(form):
            if kind == "chat":
                disconnect_chat_account(actor=actor(), account_id=number, now=request_time())
            else:
                disconnect_gateway_account(actor=actor(), account_id=number, now=request_time())
        if not form.problem:
            return done(url_for("channels.index"), mark("{name} is disconnected."), name=found.name)
    return draw("channels/leave.html.jinja", status=form.status, form=form, one=found)


@pages.post("/sandbox", endpoint="sandbox")
@for_roles(Role.OWNER, kinds=frozenset({PartyKind.MERCHANT}))
def sandbox() -> Response:
    """Play money for the own shop, in a demo store; tried at once."""
    form = SwitchForm()
    if form.is_sent():
        with trying(form):
            now = request_time()
            account = connect_sandbox(
                actor=actor(), merchant_id=signed_in().party.id, currency=panel().connecting.currency, now=now
            )
            with contextlib.suppress(TriedJustNow):
                ask_for_check(actor=actor(), kind=AccountKind.GATEWAY, account_id=account.id, now=now)
    there = url_for("setup.gateway") if request.args.get("then") == "setup" else url_for("channels.index")
    return done(there, form.problem or mark("Shoppers can pay with play money now."))


def switch(kind: str, number: int, *, enabled: bool) -> None:
    """On or off. Raises what the use case refuses."""
    act = switch_chat_account if kind == "chat" else switch_gateway_account
    act(actor=actor(), account_id=number, enabled=enabled, now=request_time())


def after(kind: str, number: int) -> str:
    """Where a check goes on: in the set-up where it was asked there."""
    if request.args.get("then") == "setup":
        return url_for("setup.gateway" if kind == "gateway" else "setup.chats")
    return url_for("channels.one", kind=kind, number=number)
