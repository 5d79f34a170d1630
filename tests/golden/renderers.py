"""The renderers whose output is kept: each takes a Screen and its reader's language, and gives the text of its file."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

from bot.manner import PLAIN, Manner
from bot.pages import Page
from bot.screens import Option, Screen
from bot.texts import Phrasebook, Texts
from bot.wordings import by_number
from channels.chat.telegram.message import TelegramMessage
from channels.chat.telegram.render import render as telegram
from channels.chat.wechat.render import reply_text
from core.ids import Prefix, public
from tests.golden.scenes import Scene, scenes

FOLDER = Path(__file__).parent
LOCALES = ("zh-CN", "en")


@dataclass(frozen=True, slots=True)
class Renderer:
    """How a screen becomes the text of a file, and how such a file's name ends."""

    draw: Callable[[Screen, Texts], str]
    suffix: str = ".json"
    manner: Manner = PLAIN
    draw_unasked: Callable[[Screen, Texts], str] | None = None  # where it differs: for the scenes called `told_…`
    takes_stock: bool = True  # whether staff bring stock there (补货)

    def text(self, scene: str, screen: Screen, texts: Texts) -> str:
        """The text of one scene's file."""
        is_unasked = self.draw_unasked is not None and scene.startswith("told_")
        return (self.draw_unasked if is_unasked else self.draw)(screen, texts)


def as_web(screen: Screen, _texts: Texts) -> str:
    """The JSON of the chat over HTTP."""
    return as_file(legible(screen).as_json())


def as_telegram(screen: Screen, texts: Texts) -> str:
    """The messages of the Bot API, each with its method and exact parameters; of a file its name and its text."""
    return as_file([_told_telegram(message) for message in telegram(legible(screen), texts, protect=False)])


def _told_telegram(message: TelegramMessage) -> dict[str, object]:
    shown: dict[str, object] = {"method": message.method, "is_living": message.is_living}
    if message.document is not None:
        shown["document"] = {"name": message.document.name, "content": message.document.content.decode()}
    return shown | message.as_parameters()


def as_wechat(screen: Screen, texts: Texts) -> str:
    """The text of a passive reply."""
    return reply_text(legible(screen), texts, page_url=page_address) + "\n"


def as_wechat_unasked(screen: Screen, texts: Texts) -> str:
    """The text of a customer-service message: words instead of numbers."""
    return reply_text(legible(screen), texts, page_url=page_address, is_answer=False) + "\n"


def page_address(page: Page) -> str:
    """The address of a page, with what its token stands for."""
    named = "".join(f"&{name}={value}" for name, value in page.params.items())
    return f"https://shop.example/w/{page.kind.value}{named}"


def as_file(shown: object) -> str:
    """JSON that is read by people: Chinese stays Chinese."""
    return json.dumps(shown, ensure_ascii=False, indent=2) + "\n"


def legible(screen: Screen) -> Screen:
    """The screen with the addresses of its pages; an action is shown as what it means instead of its random token."""
    return screen.with_options(*(_legible(option) for option in screen.options)).with_links(
        lambda order: f"https://shop.example/pay/{public(Prefix.ORDER, order)}",
        lambda payment: f"https://shop.example/pay/{public(Prefix.PAYMENT, payment)}",
    )


def _legible(option: Option) -> Option:
    if option.act is None:
        return option
    params = urlencode(option.act.params)
    return replace(option, action=option.act.intent.value + (f"?{params}" if params else ""))


RENDERERS: dict[str, Renderer] = {
    "web": Renderer(as_web),
    "telegram": Renderer(as_telegram),
    "wechat/strict": Renderer(as_wechat, ".txt", by_number(shows_prices=False), as_wechat_unasked, takes_stock=False),
    "wechat/off": Renderer(as_wechat, ".txt", by_number(shows_prices=True), as_wechat_unasked, takes_stock=False),
}
"""By the name of their folder; a new channel adds its own."""


def scenes_of(renderer: Renderer) -> dict[str, Scene]:
    """The scenes that a channel can show: without those of bringing stock where there is no 补货."""
    found = scenes()
    of_stock = {name for name in found if "restock" in name} | {"refused_unknown_goods"}
    return {name: scene for name, scene in found.items() if renderer.takes_stock or name not in of_stock}


def golden() -> dict[Path, str]:
    """Every file there must be and its text."""
    book = Phrasebook(zone="Asia/Shanghai", default="zh-CN")
    return {
        FOLDER / name / locale / f"{scene}{renderer.suffix}": renderer.text(scene, screen(texts), texts)
        for name, renderer in RENDERERS.items()
        for locale in LOCALES
        for texts in (replace(book.texts(locale), manner=renderer.manner),)
        for scene, screen in scenes_of(renderer).items()
    }


def kept() -> set[Path]:
    """Every file there is now."""
    return {path for name in RENDERERS for path in (FOLDER / name).rglob("*") if path.is_file()}
