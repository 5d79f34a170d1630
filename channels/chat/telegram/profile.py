"""What a bot shows before anyone speaks: its commands and its description, in both languages, set where they differ."""

from __future__ import annotations

import asyncio
from itertools import chain, repeat
from typing import Any

import aiohttp
import structlog

from bot.texts import Phrasebook, Texts
from channels.chat.telegram.api import ApiAway, ApiProblem, BotServer, call
from core.secret import Secret

log = structlog.get_logger()

LANGUAGES = {"": "en", "zh": "zh-CN", "en": "en"}
"""Telegram's language codes, and what is said there; the empty one is for everybody else."""

AGAIN_AFTER = (5.0, 30.0, 120.0, 600.0, 3600.0)  # seconds, while Telegram does not take them


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


async def keep_set_up(http: aiohttp.ClientSession, server: BotServer, token: Secret, phrasebook: Phrasebook) -> None:
    """Bring commands and descriptions up to date, until it has worked. Failing meanwhile is no reason not to sell."""
    for wait in chain(AGAIN_AFTER, repeat(AGAIN_AFTER[-1])):
        try:
            await set_up(http, server, token, phrasebook)
            return
        except ApiProblem as problem:
            log.warning("the bot's menu was not set", problem=str(problem))
            await asyncio.sleep(max(wait, problem.retry_after))
        except ApiAway as away:
            log.warning("the bot's menu was not set", problem=str(away))
            await asyncio.sleep(wait)


async def set_up(http: aiohttp.ClientSession, server: BotServer, token: Secret, phrasebook: Phrasebook) -> None:
    """Bring commands and descriptions up to date where they differ. Raises `ApiProblem`, `ApiAway`."""
    for code, locale in LANGUAGES.items():
        texts = phrasebook.texts(locale)
        await _differing(http, server, token, code, "MyCommands", "commands", commands(texts))
        about = texts.say("Cards and keys, delivered in this chat at once after payment.")
        await _differing(http, server, token, code, "MyShortDescription", "short_description", about)


async def _differing(
    http: aiohttp.ClientSession, server: BotServer, token: Secret, code: str, what: str, name: str, wanted: Any
) -> None:
    named = {"language_code": code} if code else {}
    there = await call(http, server, token, f"get{what}", named)
    if (there.get(name) if isinstance(there, dict) else there) != wanted:
        await call(http, server, token, f"set{what}", {**named, name: wanted})
