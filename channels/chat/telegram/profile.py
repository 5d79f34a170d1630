"""What a bot shows before anyone speaks: its commands and its description, in both languages, set where they differ."""

from __future__ import annotations

from typing import Any

import aiohttp
import structlog

from bot.texts import Phrasebook, Texts
from channels.chat.telegram.api import ApiAway, ApiProblem, BotServer, call
from core.secret import Secret

log = structlog.get_logger()

LANGUAGES = {"": "en", "zh": "zh-CN", "en": "en"}
"""Telegram's language codes, and what is said there; the empty one is for everybody else."""


def commands(texts: Texts) -> list[dict[str, str]]:
    """The commands: words that always work, which the conversation understands with and without the stroke."""
    return [
        {"command": "menu", "description": texts.say("Start over")},
        {"command": "goods", "description": texts.say("All goods")},
        {"command": "orders", "description": texts.say("Your latest orders")},
        {"command": "cards", "description": texts.say("Your cards once more")},
        {"command": "wallet", "description": texts.say("Your balance, and topping it up")},
        {"command": "language", "description": texts.say("Chinese or English")},
        {"command": "help", "description": texts.say("Words that work, and people")},
    ]


async def set_up(http: aiohttp.ClientSession, server: BotServer, token: Secret, phrasebook: Phrasebook) -> None:
    """Bring commands and descriptions up to date. Failing is no reason not to sell: it is logged and left."""
    try:
        for code, locale in LANGUAGES.items():
            texts = phrasebook.texts(locale)
            await _differing(http, server, token, code, "MyCommands", "commands", commands(texts))
            about = texts.say("Cards and keys, delivered in this chat at once after payment.")
            await _differing(http, server, token, code, "MyShortDescription", "short_description", about)
    except (ApiProblem, ApiAway) as problem:
        log.warning("the bot's menu was not set", problem=str(problem))


async def _differing(
    http: aiohttp.ClientSession, server: BotServer, token: Secret, code: str, what: str, name: str, wanted: Any
) -> None:
    named = {"language_code": code} if code else {}
    there = await call(http, server, token, f"get{what}", named)
    if (there.get(name) if isinstance(there, dict) else there) != wanted:
        await call(http, server, token, f"set{what}", {**named, name: wanted})
