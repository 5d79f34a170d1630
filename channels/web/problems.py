"""Errors at the web doors: RFC 9457 problem documents for programs, a page for people, one error id for both."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.texts import mark
from channels.web.render import SAFE_HEADERS, Pages
from core.errors import Refusal, RefusalCode, error_id

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Words:
    """What is said for one status: a title and what it means for the person's money."""

    title: str
    detail: str
    sign: str = "triangle-alert"
    tone: str = "bad"


WORDS: dict[int, Words] = {
    400: Words(
        mark("That cannot be read"), mark("The request is not in a form the shop understands. Nothing changed.")
    ),
    401: Words(mark("Not signed in"), mark("The session is missing or over. Nothing changed.")),
    403: Words(mark("Not allowed"), mark("This may not be done from here. Nothing changed.")),
    404: Words(
        mark("There is nothing here"),
        mark("The link may be mistyped or no longer valid. Your orders and your money are not affected."),
        "search",
        "",
    ),
    405: Words(mark("Not possible here"), mark("This address does not do that. Nothing changed.")),
    408: Words(mark("Too slow"), mark("The request did not arrive in time. Nothing changed.")),
    409: Words(mark("Already used"), mark("This id was sent before with other content. Nothing changed.")),
    413: Words(mark("Too large"), mark("More than 64 KB cannot be taken. Nothing changed.")),
    422: Words(mark("That makes no sense"), mark("A value in the request is wrong. Nothing changed.")),
    429: Words(mark("Too many at once"), mark("Please wait a moment and try again. Nothing changed."), "clock", "warn"),
    500: Words(
        mark("Something went wrong"),
        mark("The mistake is ours. If you have paid, your money is recorded and the order goes on by itself."),
    ),
    503: Words(
        mark("Back in a moment"),
        mark("The shop cannot answer right now. Nothing was charged by this request; please try again shortly."),
        "clock",
        "warn",
    ),
}


class Problem(Exception):
    """A request that a door refuses before any use case; `detail` is an English sentence that is safe to show."""

    def __init__(self, status: int, detail: str = "", *, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.detail = detail
        self.headers = headers or {}
        super().__init__(f"{status} {detail}".strip())


def problem_of(error: Refusal) -> Problem:
    """A business refusal as a door that has no screens says it."""
    retry = {"Retry-After": "5"} if error.code in {RefusalCode.LIMITED, RefusalCode.UNAVAILABLE} else None
    return Problem(error.http, headers=retry)


def is_for_programs(path: str) -> bool:
    """Whether an error on this path is a document rather than a page."""
    return path.startswith(("/api/v1/", "/hooks/", "/k/"))


def plain(request: Request, pages: Pages, problem: Problem, *, mark_as: str | None = None) -> Response:
    """The same in one line of text: at the card page's own origin nothing of the shop is shown."""
    id_ = mark_as or error_id()
    if mark_as is None:
        log.info("refused at the card page's origin", error_id=id_, status=problem.status)
    words = WORDS.get(problem.status, WORDS[400])
    headers = {**SAFE_HEADERS, **problem.headers}
    return PlainTextResponse(f"{words.title}. {words.detail} {id_}\n", problem.status, headers=headers)


def answer(request: Request, pages: Pages, problem: Problem, *, mark_as: str | None = None) -> Response:
    """The response for a problem; its error id is also in the log. `mark_as`: an id that is there already."""
    status = problem.status if problem.status in WORDS else 400
    words = WORDS[status]
    id_ = mark_as or error_id()
    if mark_as is None:
        log.info("refused at the door", error_id=id_, status=problem.status, reason=problem.detail or words.title)
    if is_for_programs(request.url.path):
        document = {
            "type": "about:blank",
            "title": words.title,
            "status": problem.status,
            "detail": problem.detail or words.detail,
            "error_id": id_,
        }
        headers = {**SAFE_HEADERS, **problem.headers}
        return JSONResponse(document, problem.status, headers=headers, media_type=MEDIA_TYPE)
    say = pages.language(request).say
    response = pages.draw(
        request,
        "trouble.html.jinja",
        status=problem.status,
        code=problem.status,
        title=say(words.title),
        explanation=say(words.detail),
        tone=words.tone,
        sign=words.sign,
        error_id=id_,
    )
    response.headers.update(problem.headers)
    return response
