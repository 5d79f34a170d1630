"""The page at `/`: a person without any account picks a bot and who to be, and talks, taps and pays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tests.doubles.telegram.seen import Seen

if TYPE_CHECKING:
    from tests.doubles.telegram.double import TelegramDouble
    from tests.doubles.telegram.person import User
    from tests.doubles.telegram.world import BotAccount

FOLDER = Path(__file__).with_name("page")
LONGEST_WAIT = 20.0
LARGEST = 20 * 1024 * 1024


def routes(double: TelegramDouble) -> list[Route | Mount]:
    """The page and what its script asks for."""
    page = _Page(double)
    return [
        Route("/", lambda _request: FileResponse(FOLDER / "index.html")),
        Mount("/page", StaticFiles(directory=FOLDER)),
        Route("/person/state", page.state),
        Route("/person/do", page.do, methods=["POST"]),
        Route("/person/upload", page.upload, methods=["POST"]),
        Route("/person/file/{id}", page.file),
    ]


class _Page:
    def __init__(self, double: TelegramDouble) -> None:
        self._double = double
        self._world = double.world

    def _who(self, given: Any) -> tuple[BotAccount, User] | None:
        """The bot and the person that the page shows; the first ones before a choice."""
        with self._world.lock:
            if not self._world.bots or not self._world.people:
                return None
            chosen, person = int(given.get("bot") or 0), int(given.get("user") or 0)
            bot = self._world.bots.get(chosen) or next(iter(self._world.bots.values()))
            known = self._world.people
            return bot, self._double.user(person if person in known else next(iter(known)))

    async def state(self, request: Request) -> Response:
        """All that the page shows; waits for a change after version `after`."""
        after = int(request.query_params.get("after", "-1"))
        if after == self._world.signal.version:
            await self._world.signal.news(after, LONGEST_WAIT)
        with self._world.lock:
            shown: dict[str, Any] = {
                "version": self._world.signal.version,
                "bots": [bot.user() for bot in self._world.bots.values()],
                "people": [each.user() for each in self._world.people.values()],
                "violations": self._double.violations[-5:],
            }
            if who := self._who(request.query_params):
                shown |= self._chat(*who)
        return JSONResponse(shown)

    def _chat(self, bot: BotAccount, user: User) -> dict[str, Any]:
        return {
            "bot": bot.id, "user": user.id, "stars": user.stars, "language": user.person.language_code,
            "blocked": bot.id in user.person.blocked, "started": bot.id in user.person.started,
            "about": bot.words.get(("description", ""), ""), "commands": user.commands(bot),
            "messages": [_message(each) for each in user.messages(bot)],
        }  # fmt: skip

    async def do(self, request: Request) -> Response:
        """One act of the person."""
        given = await request.json()
        if given.get("do") == "new":
            with self._world.lock:
                number = max(self._world.people, default=5000) + 1
                self._double.user(number, given.get("language") or "en", given.get("name") or f"Person {number}")
            return JSONResponse({"user": number})
        who = self._who(given)
        if who is None:
            return JSONResponse({"said": "There is no bot and no person yet."}, 409)
        try:
            return JSONResponse(await run_in_threadpool(_act, *who, given))
        except AssertionError as refused:
            return JSONResponse({"said": str(refused).partition(";")[0]}, 409)

    async def upload(self, request: Request) -> Response:
        """A file that the person sends."""
        who = self._who(request.query_params)
        content = await request.body()
        if who is None or not 0 < len(content) <= LARGEST:
            return JSONResponse({"said": "A file must have 1 byte to 20 MB."}, 409)
        kind = request.headers.get("content-type") or "application/octet-stream"
        who[1].send_document(who[0], request.query_params.get("name") or "file", content, mime_type=kind)
        return JSONResponse({})

    async def file(self, request: Request) -> Response:
        """A file in the chat."""
        with self._world.lock:
            kept = self._world.files.get(request.path_params["id"])
        if kept is None:
            return Response(status_code=404)
        picture = kept.mime_type in {"image/png", "image/jpeg", "image/gif"}
        return Response(
            kept.content,
            media_type=kept.mime_type if picture else "application/octet-stream",
            headers={"x-content-type-options": "nosniff"},
        )


def _act(bot: BotAccount, user: User, given: dict[str, Any]) -> dict[str, Any]:
    match given.get("do"):
        case "start":
            user.start(bot, given.get("payload", ""))
        case "send":
            user.send(bot, given["text"])
        case "tap":
            answer = user.tap(bot, given["data"], message=given["message"]).answer(10)
            return {"toast": answer.text, "alert": answer.is_alert, "url": answer.url} if answer else {"toast": None}
        case "pay":
            paid = user.pay_invoice(bot, given.get("link") or given["message"])
            return {"toast": f"★ {paid.amount}" if paid.ok else paid.error, "alert": not paid.ok}
        case "block":
            user.block(bot)
        case "unblock":
            user.unblock(bot)
        case _:
            raise AssertionError("unknown act")
    return {}


def _message(seen: Seen) -> dict[str, Any]:
    wire = seen.wire
    document, photo = seen.document, seen.photo
    shown: dict[str, Any] = {
        "id": seen.id, "mine": not seen.from_bot, "text": seen.text, "entities": seen.entities, "date": wire["date"],
        "edited": seen.is_edited, "protected": seen.is_protected,
        "rows": [
            [
                {"label": b.label, "data": b.data, "url": b.url, "copies": b.copies, "pays": b.pays, "style": b.style}
                for b in row
            ]
            for row in seen.buttons
        ],
        "invoice": wire.get("invoice"), "paid": wire.get("successful_payment"),
        "refunded": wire.get("refunded_payment"),
    }  # fmt: skip
    if document:
        shown["file"] = {"id": document.id, "name": document.name, "size": len(document.content)}
    if photo:
        remote = photo.mime_type == "text/uri-list"
        shown["picture"] = photo.content.decode() if remote else f"person/file/{photo.id}"
    return shown
