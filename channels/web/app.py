"""The web application: which address is answered by whom."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from bot.engine import Engine
from channels.chat.webchat import WebChat
from channels.chat.wechat.chat import WeChatChat
from channels.chat.wechat.links import PageLinks
from channels.figures import Figures
from channels.web import checkout, pages, topup
from channels.web.api import describe, keyed, messages, products, sessions, stream
from channels.web.cardpage import page as cards
from channels.web.cardpage.files import card_files
from channels.web.door import Door
from channels.web.frame import Frame
from channels.web.hooks import pay, telegram, wechat
from channels.web.hooks.recent import RecentKeys
from channels.web.linked import logins, verify
from channels.web.linked import page as linked
from channels.web.render import STATIC
from core.connections.credentials import Holder

FOR_EVER = "public, max-age=31536000, immutable"


class Files(StaticFiles):
    """Our own files; their address names their content, so they may be kept for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with the headers that let it be cached and nothing else be made of it."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = FOR_EVER
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def routes(door: Door, card_script: str) -> list[BaseRoute]:
    """Every address of the shop; the panel and the health pages are added by ops."""
    chat = "/api/v1/chat/{merchant}"
    return [
        Route("/", pages.chat, name="home"),
        Route("/s/{merchant}", pages.chat, name="shop"),
        Route("/pay/{token}", checkout.page, methods=["GET"], name="checkout"),
        Route("/pay/{token}", checkout.press, methods=["POST"]),
        Route("/pay/{token}/state", checkout.state, methods=["GET"]),
        Route("/topup/{token}", topup.page, methods=["GET"], name="topup"),
        Route("/topup/{token}", topup.press, methods=["POST"]),
        Route("/topup/{token}/state", topup.state, methods=["GET"]),
        Route(f"{chat}/sessions", sessions.create, methods=["POST"]),
        Route(f"{chat}/messages", messages.say, methods=["POST"]),
        Route(f"{chat}/messages", messages.read, methods=["GET"]),
        Route(f"{chat}/messages/stream", stream.follow, methods=["GET"]),
        Route("/api/v1/products", products.index, methods=["GET"]),
        Route("/api/v1/stock", keyed.stock, methods=["GET"]),
        Route("/api/v1/batches", keyed.batches, methods=["GET"]),
        Route("/api/v1/sales", keyed.sales, methods=["GET"]),
        Route("/api/v1/openapi.json", describe.document, methods=["GET"]),
        Route("/api/docs", describe.page, methods=["GET"]),
        Route("/hooks/pay/{gateway}/{opaque_id}", pay.notice, methods=["POST"]),
        Route("/hooks/telegram/{opaque_id}", telegram.update, methods=["POST"]),
        Route("/hooks/wechat/{opaque_id}", wechat.verify, methods=["GET"]),
        Route("/hooks/wechat/{opaque_id}", wechat.message, methods=["POST"]),
        Route(card_script, cards.script, methods=["GET"]),
        Route("/k/{link}", cards.page, methods=["GET"], name="card page"),
        Route("/k/{link}", cards.press, methods=["POST"]),
        Route("/w/oauth", logins.callback, methods=["GET"]),
        Route("/w/{token}", linked.page, methods=["GET"], name="linked"),
        Route("/w/{token}", linked.press, methods=["POST"]),
        Route("/w/{token}/state", linked.state, methods=["GET"]),
        Route("/w/{token}/cards", linked.cards, methods=["POST"]),
        Route("/w/{token}/seen", linked.seen, methods=["POST"]),
        Route("/MP_verify_{name}.txt", verify.file, methods=["GET"]),
        Route("/s/{merchant}/", without_slash, methods=["GET"]),
        Route("/favicon.ico", favicon, methods=["GET"]),
        Mount(f"/static/{door.pages.digest}", Files(directory=STATIC), name="static"),
    ]


def without_slash(request: Request) -> Response:
    """People type it; the answer names no host."""
    return RedirectResponse(request.url_for("shop", merchant=request.path_params["merchant"]).path, 308)


def favicon(request: Request) -> Response:
    """Browsers ask for it whatever the page says."""
    door: Door = request.app.state.door
    return RedirectResponse(f"/static/{door.pages.digest}/icon.svg", 308)


class State:
    """What requests find under `request.app.state`."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.webchat = webchat_of(door)
        self.wechat = wechat_of(door)
        self.wechat_recent = RecentKeys()
        self.card_files = card_files(door.pages)


def webchat_of(door: Door) -> WebChat:
    """The web chat's wire over this door."""
    return WebChat(
        engine=Engine(door.shop),
        clock=door.shop.clock,
        inbox_key=door.inbox_key,
        order_keys=door.shop.order_keys,
        public_url=door.public_url,
    )


def wechat_of(door: Door) -> WeChatChat:
    """The official accounts' wire over this door."""
    return WeChatChat(
        engine=Engine(door.shop),
        clock=door.shop.clock,
        inbox_key=door.inbox_key,
        session_key=door.session_key,
        seal_key=door.shop.order_keys.seal,
        phrasebook=door.shop.phrasebook,
        links=PageLinks(door.public_url, door.shop.clock, door.verify_key, Holder.VERIFY),
    )


class Application(Frame):
    """The routes inside their frame. Errors pass the routes and become answers in the frame, nowhere else."""

    def __init__(
        self,
        door: Door,
        *,
        figures: Figures,
        hosts: frozenset[str] = frozenset(),
        page_host: str = "",
        streamed: re.Pattern[str] | None = None,
        larger: Callable[[str], int] | None = None,
        further: Sequence[BaseRoute] = (),
    ) -> None:
        self.state = State(door)
        router = Router(
            [*routes(door, self.state.card_files.script_path), *further], redirect_slashes=False
        )  # its redirects would name the Host asked for
        super().__init__(
            router,
            pages=door.pages,
            hosts=hosts,
            page_host=page_host,
            figures=figures,
            streamed=streamed,
            larger=larger,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self
        await super().__call__(scope, receive, send)
