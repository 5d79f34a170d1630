"""The renderers whose output is kept: each takes a Screen and gives the text of its file."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

from bot.screens import Option, Screen
from bot.texts import Phrasebook
from core.ids import Prefix, public
from tests.golden.scenes import scenes

FOLDER = Path(__file__).parent
LOCALES = ("zh-CN", "en")


def as_web(screen: Screen) -> str:
    """The JSON of the chat over HTTP; an action is shown as what it means instead of its random token."""
    shown = screen.with_options(*(_legible(option) for option in screen.options)).with_links(
        lambda order: f"https://shop.example/pay/{public(Prefix.ORDER, order)}",
        lambda payment: f"https://shop.example/pay/{public(Prefix.PAYMENT, payment)}",
    )
    return json.dumps(shown.as_json(), ensure_ascii=False, indent=2) + "\n"


def _legible(option: Option) -> Option:
    if option.act is None:
        return option
    params = urlencode(option.act.params)
    return replace(option, action=option.act.intent.value + (f"?{params}" if params else ""))


RENDERERS: dict[str, Callable[[Screen], str]] = {"web": as_web}
"""By the name of their folder; a new channel adds its own."""


def golden() -> dict[Path, str]:
    """Every file there must be and its text."""
    book = Phrasebook(zone="Asia/Shanghai", default="zh-CN")
    return {
        FOLDER / renderer / locale / f"{name}.json": render(scene(book.texts(locale)))
        for renderer, render in RENDERERS.items()
        for locale in LOCALES
        for name, scene in scenes().items()
    }
