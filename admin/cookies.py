"""The panel's cookies: the session's secret, and nothing else that matters."""

from __future__ import annotations

from flask import Request
from werkzeug.wrappers import Response

from admin.panel import Panel
from core.parties.signing_in import ABSOLUTE, SignedIn
from core.secret import Secret


def name_of(panel: Panel) -> str:
    """Over https a name that browsers keep to this host and to https; over http (loopback) a plain one."""
    return "__Host-keystall_staff" if panel.is_https else "keystall_staff"


def session_secret(request: Request, panel: Panel) -> Secret | None:
    """The secret that the browser shows; None without one."""
    said = request.cookies.get(name_of(panel), "")
    return Secret(said) if said and said.isascii() else None


def keep_session(response: Response, panel: Panel, signed_in: SignedIn) -> Response:
    """Give the browser a session to keep: no script reads it, no other site's page sends it."""
    response.set_cookie(
        name_of(panel),
        signed_in.secret.reveal().decode(),
        max_age=ABSOLUTE,
        path="/",
        secure=panel.is_https,
        httponly=True,
        samesite="Strict",
    )
    return response


def drop_session(response: Response, panel: Panel) -> Response:
    """Have the browser forget it."""
    response.delete_cookie(name_of(panel), path="/", secure=panel.is_https, httponly=True, samesite="Strict")
    return response
