"""Draws the pages: templates, languages, versioned files, and the headers that keep a page to itself."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bot.doors import choose, digest_of
from bot.texts import Phrasebook, Texts
from channels.web.words import accepted

HERE = Path(__file__).parent
STATIC = HERE / "static"
LANGUAGE_COOKIE = "keystall_language"
THEME_COOKIE = "keystall_theme"
YEAR = 365 * 24 * 3600


def policy(nonce: str) -> str:
    """The content security policy of our pages: our own files and nothing else; scripts by nonce only."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; font-src 'self'; connect-src 'self'; "
        "img-src 'self' https: data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


def hue(name: str) -> int:
    """One of eight tints for goods without a picture, the same for the same name."""
    return sum(place * byte for place, byte in enumerate(name.encode(), 1)) % 8


def glyph(name: str) -> str:
    """The first letter or digit of a name, for its tile."""
    return next((letter.upper() for letter in name if letter.isalnum()), "·")


@dataclass
class Pages:
    """What drawing a page needs; built once when the process starts."""

    book: Phrasebook
    digest: str
    templates: Environment

    @classmethod
    def load(cls, book: Phrasebook) -> Pages:
        """Read the templates and mark the static files."""
        digest = digest_of(STATIC)
        templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        templates.globals.update(asset=partial("/static/{}/{}".format, digest), hue=hue, glyph=glyph)
        for name in templates.list_templates():
            templates.get_template(name)  # kept: the page of an error is drawn without opening a file
        return cls(book, digest, templates)

    def language(self, request: Request, *, first: str = "", last: str = "") -> Texts:
        """The language of a request: asked for in the address, chosen before, wished by the browser, the default.

        `first` is wished before the browser's: what its reader chose elsewhere; `last` is the shop's own, where the
        browser wishes none that we speak.
        """
        wishes = [request.query_params.get("lang", ""), request.cookies.get(LANGUAGE_COOKIE, ""), first]
        wishes += [*accepted(request.headers.get("accept-language", "")), last]
        return self.book.texts(choose(self.book, wishes))

    def draw(
        self, request: Request, template: str, *, status: int = 200, words: Texts | None = None, **values: Any
    ) -> Response:
        """One page with its headers, in the language of the request or of `words`; one asked for is remembered."""
        words = words or self.language(request)
        is_chinese = words.locale.startswith("zh")
        nonce = secrets.token_urlsafe(16)
        theme = request.cookies.get(THEME_COOKIE, "")
        text = self.templates.get_template(template).render(
            _=words.say,
            locale=words.locale,
            is_chinese=is_chinese,
            nonce=nonce,
            theme=theme if theme in {"light", "dark"} else "",
            texts=dict(words.sentences),
            other_language_url="?" + urlencode({"lang": "en" if is_chinese else "zh-CN"}),
            **values,
        )
        response = HTMLResponse(text, status, headers={**SAFE_HEADERS, "Content-Security-Policy": policy(nonce)})
        if request.query_params.get("lang"):
            response.set_cookie(LANGUAGE_COOKIE, words.locale, max_age=YEAR, samesite="lax")
        return response
