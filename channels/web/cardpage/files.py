"""The card page's two files, drawn once: neither depends on the link or on who asks; only their hashes may run."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from channels.web.render import Pages

HERE = Path(__file__).parent
SENTENCE = re.compile(r'\b(?:t|mark)\(\s*"((?:[^"\\]|\\.)*)"')
"""How the script names its sentences."""

HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
NOT_KEPT = {"Cache-Control": "no-store"}
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}


@dataclass(frozen=True, slots=True)
class CardFiles:
    """The page and its script as they go out; `script_path` names the script's content."""

    page: bytes
    page_headers: Mapping[str, str]
    script: bytes
    script_path: str


def card_files(pages: Pages) -> CardFiles:
    """Draw both, with the sentences of every language in the page: which one is shown is the script's affair."""
    style, script = ((HERE / name).read_bytes() for name in ("card.css", "card.js"))
    path = f"/k/card-{hashlib.sha256(script).hexdigest()[:12]}.js"
    used = SENTENCE.findall(script.decode())
    books = [pages.book.texts(locale) for locale in pages.book.locales]
    words = {texts.locale: {one: texts.sentences[one] for one in used if one in texts.sentences} for texts in books}
    page = pages.templates.get_template("card_page.html.jinja").render(
        style=style.decode(), script=path, integrity=source_of(script), words=words
    )
    policy = (
        f"default-src 'none'; script-src '{source_of(script)}'; style-src '{source_of(style)}'; connect-src 'self'; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return CardFiles(page.encode(), HEADERS | NOT_KEPT | {"Content-Security-Policy": policy}, script, path)


def source_of(content: bytes) -> str:
    """A content as a policy and `integrity` name it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content).digest()).decode()}"
