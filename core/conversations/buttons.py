"""What a tap or a bare number means: opaque tokens and menus bound to one conversation, never data to edit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.types.json import Jsonb

from core.conversations import sql
from core.conversations.sessions import hashed
from core.db import execute
from core.errors import Conflict
from core.ids import new_token

Params = Mapping[str, str | int]

BUTTON_LASTS = timedelta(days=7)
MENU_LASTS = timedelta(hours=24)
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")


class StaleButton(Conflict):
    """A button of an old message, of another conversation, or invented: the screen is drawn anew."""


class StaleMenu(Conflict):
    """A number without a menu that it could answer, or one that the menu does not have."""


@dataclass(frozen=True, slots=True)
class MenuOption:
    """What one number means in the menu sent last; `number` None: any number that no other option has."""

    number: int | None
    intent: str
    params: Params = field(default_factory=dict)


def mint_buttons(
    *,
    conversation_id: UUID,
    intents: Sequence[tuple[str, Params]],
    now: datetime,
    ttl: timedelta = BUTTON_LASTS,
    tokens: Sequence[str] | None = None,
) -> list[str]:
    """Make a token (128 random bits) per intent, in order; one statement, only hashes are stored.

    A token may be read many times until it expires: as submission id it makes ten taps one order. `tokens` gives them
    from outside for a message that is drawn again at every reading; drawing it again only moves their expiry.
    """
    if not intents:
        return []
    named = list(tokens) if tokens is not None else [new_token() for _ in intents]
    columns = ([hashed(token) for token in named], [name for name, _ in intents], [Jsonb(dict(p)) for _, p in intents])
    execute(sql.MINT_BUTTONS, (conversation_id, now, now + ttl, *columns))
    return named


def read_button(*, conversation_id: UUID, token: str, now: datetime) -> tuple[str, dict[str, str | int]]:
    """What a button of this conversation means: (intent, params). Raises `StaleButton` for every other token alike."""
    rows = execute(sql.READ_BUTTON, (hashed(token), conversation_id, now)) if TOKEN.fullmatch(token) else []
    if not rows:
        raise StaleButton()
    return rows[0][0], rows[0][1]


def remember_menu(
    *, conversation_id: UUID, options: Sequence[MenuOption], now: datetime, ttl: timedelta = MENU_LASTS
) -> None:
    """Keep what bare numbers mean from now on; replaces the menu before it, so a late number hits no other product."""
    rows = [{"number": option.number, "intent": option.intent, "params": dict(option.params)} for option in options]
    execute(sql.REMEMBER_MENU, (conversation_id, Jsonb(rows), now, now + ttl))


def read_menu(*, conversation_id: UUID, number: int, now: datetime) -> MenuOption:
    """What a bare number means in the menu sent last. Raises `StaleMenu`."""
    rows = execute(sql.READ_MENU, (conversation_id, now))
    options = {option["number"]: MenuOption(**option) for option in (rows[0][0] if rows else [])}
    found = options.get(number, options.get(None))
    if found is None:
        raise StaleMenu()
    return found
