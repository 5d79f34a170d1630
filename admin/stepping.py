"""Acts that ask for the second factor anew: a form that comes too late is kept, and goes on once the code is shown."""

from __future__ import annotations

import structlog
from flask import Flask, Response, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from admin import cookies
from admin.declared import declared_for
from admin.drawing import draw
from admin.panel import panel, waiting_elsewhere, words
from admin.second_words import status_of, why_not
from core.parties.staff_sessions import StaffSession, second_proved, session_of
from core.vault.client import VaultAway, VaultRefused

log = structlog.get_logger()

CODE = "step_code"
"""The field of the code, beside those of the form that waits for it."""

OURS = frozenset({CODE, "csrf_token"})


def stand_after_forms(app: Flask) -> None:
    """Ask for codes after the forms' own tokens were looked at: nobody shows one for a form of another site."""
    app.before_request(_ask_anew)
    app.after_request(_keep_session)


def _ask_anew() -> AnyResponse | None:
    declared, session = declared_for(current_app, request.endpoint), g.get("session")
    if declared is None or not declared.steps_up or session is None or session.is_stepped_up(g.now):
        return None
    if request.method in {"GET", "HEAD", "OPTIONS"} or not session.has_second:
        back = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("signing.second" if session.has_second else "signing.second_begin", next=back))
    return _held(session)


def _held(session: StaffSession) -> AnyResponse | None:
    """The form as it was sent, waiting for a code; None once a right one came with it."""
    code = request.form.get(CODE)
    if code is None:
        return _waiting()
    try:
        with waiting_elsewhere():
            panel().vault.check_second_factor(session.staff_id, code)
    except (VaultAway, VaultRefused) as no:
        return _waiting(words().say(why_not(no)), status=status_of(no))
    g.proved = second_proved(session=session, now=g.now)
    g.session = session_of(secret=g.proved.secret, now=g.now)
    return None


def _waiting(wrong: str = "", *, status: int = 403) -> Response:
    log.info("a form waits for a second factor", endpoint=request.endpoint)
    kept = [(name, value) for name, values in request.form.lists() if name not in OURS for value in values]
    return draw("step.html.jinja", status=status, kept=kept, wrong=wrong, code=CODE, has_files=bool(request.files))


def _keep_session(response: Response) -> Response:
    proved = g.pop("proved", None)
    if proved is not None:
        cookies.keep_session(response, panel(), proved)
    return response
