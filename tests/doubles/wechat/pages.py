"""The page at `/`: a person without any account picks a follower, talks, taps the menu and opens links."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tests.doubles.wechat.oauth import AUTHORISE, new_code, problem_with
from tests.doubles.wechat.person import Follower
from tests.doubles.wechat.seen import TAP, Seen

if TYPE_CHECKING:
    from tests.doubles.wechat.double import WeChatDouble
    from tests.doubles.wechat.world import Account

FOLDER = Path(__file__).with_name("page")
LONGEST_WAIT = 20.0


def routes(double: WeChatDouble) -> list[Route | Mount]:
    """The page, what its script asks for, and WeChat's own pages: login and QR codes."""
    page = _Page(double)
    return [
        Route("/", lambda _request: FileResponse(FOLDER / "index.html")),
        Mount("/page", StaticFiles(directory=FOLDER)),
        Route("/person/state", page.state),
        Route("/person/do", page.do, methods=["POST"]),
        Route(AUTHORISE, page.authorise),
        Route("/cgi-bin/showqrcode", page.code),
    ]


class _Page:
    def __init__(self, double: WeChatDouble) -> None:
        self._double = double
        self._world = double.world

    def _who(self, given: Any) -> Follower | None:
        """The account and the follower that the page shows; the first ones before a choice."""
        with self._world.lock:
            if not self._world.accounts:
                return None
            account = self._world.accounts.get(str(given.get("account"))) or next(iter(self._world.accounts.values()))
            if not account.fans:
                return None
            fan = account.fans.get(str(given.get("openid"))) or next(iter(account.fans.values()))
            return self._double.follower(account, fan.name)

    async def state(self, request: Request) -> Response:
        """All that the page shows; waits for a change after version `after`."""
        after = int(request.query_params.get("after", "-1"))
        await run_in_threadpool(self._world.wait_for, lambda: self._world.version != after, LONGEST_WAIT)
        with self._world.lock:
            shown: dict[str, Any] = {
                "version": self._world.version,
                "accounts": [{"id": each.app_id, "name": each.name} for each in self._world.accounts.values()],
                "violations": self._world.violations[-5:],
            }
            if who := self._who(request.query_params):
                shown |= _chat(who)
        return JSONResponse(shown)

    async def do(self, request: Request) -> Response:
        """One act of the person."""
        given = await request.json()
        who = self._who(given)
        if given.get("do") == "new" and who is not None:
            made = self._double.follower(who.account, str(given.get("name"))[:32] or "新朋友", follows=False)
            await run_in_threadpool(made.subscribe, str(given.get("scene", "")))
            return JSONResponse({"openid": made.openid})
        if given.get("do") == "address" and who is not None:
            return JSONResponse(await run_in_threadpool(self._configure, who.account, str(given.get("url", ""))))
        if who is None:
            return JSONResponse({"said": "There is no account and no follower yet."}, 409)
        try:
            return JSONResponse(await run_in_threadpool(_act, who, given))
        except AssertionError as refused:
            return JSONResponse({"said": str(refused)}, 409)

    def _configure(self, account: Account, address: str) -> dict[str, Any]:
        """The server configuration of the account: saved once the address has proved itself."""
        if urlsplit(address).scheme not in {"http", "https"}:
            return {"said": "That is no address."}
        before, account.callback_url = account.callback_url, address
        try:
            proved = self._double.verify(account)
        except OSError:
            proved = False
        except Exception as problem:  # noqa: BLE001 - whatever the HTTP client says of an address that a person typed
            account.callback_url = before
            return {"said": f"Nobody answers there: {type(problem).__name__}"}
        account.callback_url = address if proved else before
        return {"said": "Token verified, saved." if proved else "Token verification failed (Token验证失败)."}

    async def authorise(self, request: Request) -> Response:
        """Log in as one of the followers; `as` says which, without it they are shown to choose."""
        asked = dict(request.query_params)
        chosen = asked.pop("as", None)
        with self._world.lock:
            account = self._world.accounts.get(asked.get("appid", ""))
            if problem := problem_with(self._world, account, asked):
                return PlainTextResponse(problem, 400)
            assert account is not None
            fan = account.fan(chosen)
            if fan is not None:
                return RedirectResponse(new_code(self._world, account, fan, asked), 302)
            links = "".join(_login_link(asked, each.openid, each.name) for each in account.fans.values())
        return HTMLResponse(LOGIN.replace("{account}", html.escape(account.name)).replace("{links}", links))

    async def code(self, request: Request) -> Response:
        """The QR code of a ticket: here only its scene, as words."""
        with self._world.lock:
            ticket = request.query_params.get("ticket", "")
            scenes = [each.tickets[ticket] for each in self._world.accounts.values() if ticket in each.tickets]
        return PlainTextResponse(scenes[0]) if scenes else PlainTextResponse("invalid ticket", 404)


def _login_link(asked: dict[str, str], openid: str, name: str) -> str:
    address = html.escape(urlencode(asked | {"as": openid}))
    return f'<li><a href="?{address}">{html.escape(name)}</a></li>'


def _chat(who: Follower) -> dict[str, Any]:
    account, fan = who.account, who.fan
    return {
        "account": account.app_id, "openid": fan.openid, "callback": account.callback_url,
        "followers": [{"id": each.openid, "name": each.name} for each in account.fans.values()],
        "follows": fan.is_following, "ios": fan.is_on_ios, "menu": (account.menu or {}).get("button", []),
        "messages": [_message(each) for each in fan.messages[-200:]],
        "templates": list(account.templates),
    }  # fmt: skip


def _message(seen: Seen) -> dict[str, Any]:
    links = [
        {"label": link.label, "address": link.address, "taps": bool(TAP.fullmatch(link.address))} for link in seen.links
    ]
    return {"id": seen.number, "way": seen.way, "text": seen.text, "links": links, "page": seen.page, "at": seen.at}


def _act(who: Follower, given: dict[str, Any]) -> dict[str, Any]:
    match given.get("do"):
        case "say":
            who.say(given["text"])
        case "tap":
            who.tap(given["label"])
        case "click":
            who.click(given["key"])
        case "follow":
            who.subscribe()
        case "unfollow":
            who.unsubscribe()
        case "phone":
            who.fan.is_on_ios = not who.fan.is_on_ios
        case "consent":
            who.consent(given["template"])
        case _:
            raise AssertionError("unknown act")
    return {}


LOGIN = """<!doctype html><html lang="zh-CN"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>WeChat double: log in</title>
<link rel="stylesheet" href="/page/page.css"><body class="login"><main><h1>{account}</h1><p>Log in as</p>
<ul>{links}</ul></main></body></html>"""
