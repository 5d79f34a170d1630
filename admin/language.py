"""Which language the panel speaks: chosen before, else what the browser wishes, else the store's."""

from __future__ import annotations

from flask import Request

from bot.doors import choose
from bot.texts import Phrasebook, Texts

COOKIE = "keystall_language"


def chosen(request: Request, book: Phrasebook) -> Texts:
    """The language of a request. "zh" and "zh-Hans-CN" mean zh-CN."""
    wishes = [request.args.get("lang", ""), request.cookies.get(COOKIE, "")]
    wishes += [tag for tag, _ in request.accept_languages]
    return book.texts(choose(book, wishes))
