"""Draws the panel's pages: templates, versioned files, the policy of what a page may load, the menu of one's roles."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Response, g, make_response, render_template, request, url_for

from admin.language import COOKIE
from admin.menu import menu_of, opens
from admin.panel import panel, words
from bot.doors import digest_of
from core.parties.rules import PLATFORM_ROLES

HERE = Path(__file__).parent
THEME_COOKIE = "keystall_theme"
YEAR = 365 * 24 * 3600


def policy(nonce: str) -> str:
    """The content security policy of the panel: its own files only, scripts by nonce only."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; font-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def draw(template: str, /, *, status: int = 200, **values: Any) -> Response:
    """One page for whoever asks, in their language; a language that was asked for is remembered."""
    said = words()
    is_chinese = said.locale.startswith("zh")
    theme = request.cookies.get(THEME_COOKIE, "")
    session = g.get("session")
    text = render_template(
        template,
        _=said.say,
        words=said,
        locale=said.locale,
        nonce=g.nonce,
        theme=theme if theme in {"light", "dark"} else "",
        session=session,
        menu=menu_of(session, request.endpoint) if session is not None and not session.lacks_second else [],
        sees_all=session is not None and bool(session.roles & PLATFORM_ROLES),
        may=lambda endpoint: session is not None and opens(endpoint, session),
        asset=asset,
        shared=shared,
        store_name=panel().store_name,
        is_demo=panel().is_demo,
        other_language="EN" if is_chinese else "中文",
        other_language_url="?" + urlencode({**request.args, "lang": "en" if is_chinese else "zh-CN"}),
        now=g.now,
        **values,
    )
    response = make_response(text, status)
    if request.args.get("lang"):
        response.set_cookie(COOKIE, said.locale, max_age=YEAR, path="/", samesite="Lax", secure=panel().is_https)
    return response


def asset(name: str) -> str:
    """The address of one of the panel's own files: it changes with what is in them."""
    return url_for("static", filename=name, v=_digest(HERE / "static"))


def shared(name: str) -> str:
    """The address of a file that shop and panel have in common."""
    return url_for("shared", name=name, v=_digest(panel().shared))


@cache
def _digest(folder: Path) -> str:
    return digest_of(folder)
