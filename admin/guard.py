"""What stands around every page: who asks, from where, in which language; headers, and what an error becomes."""

from __future__ import annotations

import secrets

import structlog
from flask import Flask, Response, current_app, g, redirect, request, url_for
from werkzeug.exceptions import Forbidden, HTTPException, NotFound
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response as AnyResponse

from admin import cookies
from admin.arriving import let_go
from admin.declared import Declared, declared_for
from admin.drawing import draw, policy
from admin.language import chosen
from admin.panel import give_connection_back, panel, take_connection
from core.errors import NotFound as Missing
from core.errors import Refusal, error_id
from core.parties.staff_sessions import StaffSession, reveal_refused, session_of

log = structlog.get_logger()

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


def stand_before(app: Flask) -> None:
    """Put the guard before and after every page of the panel."""
    app.before_request(_let_in)
    app.after_request(_dress)
    app.teardown_request(_leave)
    app.register_error_handler(HTTPException, refused)
    app.register_error_handler(Refusal, refused_by_a_rule)
    app.register_error_handler(Exception, failed)


def _let_in() -> AnyResponse | None:
    g.nonce = secrets.token_urlsafe(16)
    g.words = chosen(request, panel().book)
    g.now = panel().now()
    g.session = None
    slash = request.routing_exception
    if isinstance(slash, RequestRedirect):  # Flask's own answer would repeat the host that was asked for
        return redirect("/" + slash.new_url.partition("://")[2].partition("/")[2].lstrip("/"), code=308)
    if request.endpoint in {"static", "shared"}:
        return None
    take_connection()
    declared = declared_for(_app(), request.endpoint)
    if declared is not None:
        request.max_content_length = declared.largest
    if request.method not in SAFE and not _is_from_here():
        raise Forbidden()
    g.session = _session()
    if declared is None or declared.is_open:
        return None
    return _turned_away(g.session)


def _turned_away(session: StaffSession | None) -> AnyResponse | None:
    """Where somebody must go first: sign in, show the second factor; None where the page is for them."""
    declared = declared_for(_app(), request.endpoint)
    assert declared is not None
    back = request.full_path.rstrip("?") if request.method == "GET" else ""
    if session is None:
        return redirect(url_for("signing.sign_in", next=back if back != "/" else None))
    if session.is_waiting and not declared.while_waiting:
        return redirect(url_for("applying.waiting"))
    if session.lacks_second and not declared.before_second:
        return redirect(url_for("signing.second" if session.has_second else "signing.second_begin"))
    if session.must_change and not declared.before_password and not declared.before_second:
        return redirect(url_for("own.password"))
    if not declared.admits(session):
        raise _not_admitted(declared, session)
    return None


def _not_admitted(declared: Declared, session: StaffSession) -> HTTPException:
    """A page of another role is one that is not there; trying to see something sealed is told to the owner's audit."""
    endpoint = request.endpoint or ""
    log.info("a page of another role was asked for", staff=str(session.staff_id), endpoint=endpoint)
    if not declared.is_reveal_for(session):
        return NotFound()
    reveal_refused(session=session, page=endpoint, now=g.now)
    return Forbidden()


def _session() -> StaffSession | None:
    secret = cookies.session_secret(request, panel())
    if secret is None:
        return None
    try:
        return session_of(secret=secret, now=g.now)
    except Missing:
        return None


def _is_from_here() -> bool:
    """Whether a write comes from a page of the panel itself: browsers say so in two headers, forms by their token."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("Origin")
    return origin is None or origin.partition("://")[2] == request.host


def _dress(response: Response) -> Response:
    """The headers of every answer; pages are kept by nobody, files for ever under their address."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", policy(g.get("nonce", "")))
    return response


def _leave(error: BaseException | None) -> None:
    del error
    let_go()
    give_connection_back()


def refused(error: HTTPException) -> AnyResponse:
    """A page that is not there, or not for this person, or a way to ask that it does not know."""
    status = error.code or 400
    id_ = error_id()
    log.info("refused by the panel", error_id=id_, status=status)
    return draw("trouble.html.jinja", status=status, trouble=str(status), error_id=id_)


def refused_by_a_rule(refusal: Refusal) -> AnyResponse:
    """A no of the store that no page expected: its kind in words, never its insides."""
    id_ = error_id()
    log.info("refused by a rule", error_id=id_, reason=refusal.reason)
    return draw("trouble.html.jinja", status=refusal.http, trouble=str(refusal.http), error_id=id_)


def failed(error: Exception) -> AnyResponse:
    """A mistake of ours: told with its error id, and no more than that."""
    id_ = error_id()
    log.error("the panel failed", error_id=id_, exc_info=error)  # of which the log keeps type and place (ops.logs)
    return draw("trouble.html.jinja", status=500, trouble="500", error_id=id_)


def _app() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined]
