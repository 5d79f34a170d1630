"""The web chat page: the shop's front, readable at once; the conversation itself goes over the chat API."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from bot.texts import Texts
from channels.web.door import Door
from channels.web.goods import Tile, shelf
from channels.web.tokens import cookie_name
from core.errors import NotFound
from core.parties.fronts import find_front
from core.parties.service import find_merchant
from core.titles import worded


@dataclass(frozen=True)
class Shop:
    """Whose page this is."""

    code: str
    name: str
    greeting: str = ""
    notice: str = ""


@dataclass(frozen=True)
class QuickWord:
    """A button above the composer; with `fill` it only begins the message."""

    label: str
    say: str
    fill: bool = False


@dataclass(frozen=True)
class Tip:
    """A word worth knowing, and what it does."""

    text: str
    key: str


WORDS_ZH = ("菜单", "订单", "取卡", "搜索 ", "钱包", "客服", "语言")
WORDS_EN = ("Menu", "Orders", "Cards", "Search ", "Wallet", "Help", "Language")


async def chat(request: Request) -> Response:
    """The page of one merchant (`/s/<merchant>`) or of the default one (`/`; a quiet page while there is none)."""
    door: Door = request.app.state.door
    code = request.path_params.get("merchant")
    try:
        shop, goods, texts = await door.run(front, door, code, request)
    except NotFound:
        if code is not None:
            raise
        return door.pages.draw(request, "not_open.html.jinja")
    return door.pages.draw(
        request,
        "chat.html.jinja",
        words=texts,
        shop=shop,
        goods=goods,
        quick_words=quick_words(texts),
        tips=tips(texts),
        known_session=cookie_name(door, shop.code) in request.cookies,
    )


def front(door: Door, code: str | None, request: Request) -> tuple[Shop, list[Tile], Texts]:
    """The merchant, the first of its goods, and the language of the page. Raises `NotFound`."""
    merchant = find_merchant(code)
    said = find_front(merchant_id=merchant.id)
    texts = door.pages.language(request, last=said.locale)
    goods = shelf(
        merchant_id=merchant.id,
        texts=door.shop.phrasebook.texts(texts.locale),
        zone=door.shop.order_policy.zone,
        now=door.shop.clock.now(),
    )
    shop = Shop(
        merchant.code,
        worded(merchant.names, texts.locale),
        said.greets(texts.locale),
        said.notes(texts.locale),
    )
    return shop, goods, texts


def quick_words(texts: Texts) -> list[QuickWord]:
    """The words that always work, as buttons."""
    words = WORDS_ZH if texts.locale.startswith("zh") else WORDS_EN
    return [QuickWord(word.strip(), word.lower(), word.endswith(" ")) for word in words]


def tips(texts: Texts) -> list[Tip]:
    """What is worth knowing beside the conversation."""
    is_chinese = texts.locale.startswith("zh")
    return [
        Tip(texts.say("Order by short code"), "买 A1 2" if is_chinese else "buy A1 2"),
        Tip(texts.say("Search the goods"), "搜索 视频" if is_chinese else "search video"),
        Tip(texts.say("See your cards again"), "取卡" if is_chinese else "cards"),
        Tip(texts.say("Back to the input"), "/"),
    ]
