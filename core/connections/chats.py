"""Bots and official accounts of merchants: through which of them a chat platform speaks with the shop."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import peewee
from psycopg.types.json import Jsonb

from core.actor import Actor
from core.audit import service as audit
from core.db import atomic, changed, constraint, execute
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_token
from core.parties.service import PartyKind, Role, access_party, require_change
from core.titles import Names, checked_names

EXTERNAL_ID = re.compile(r"[A-Za-z0-9_]{1,64}")

CREATE = """
INSERT INTO chat_account (opaque_id, channel, merchant_id, external_id, username, names, settings, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
"""
COLUMNS = """
SELECT a.id, a.opaque_id, a.channel, a.merchant_id, m.code, a.external_id, a.username, a.names, a.enabled, a.settings
FROM chat_account a JOIN party m ON m.id = a.merchant_id
"""
OF_CHANNEL = COLUMNS + "WHERE a.channel = %s AND a.enabled AND m.status = 'active' ORDER BY a.id"
BY_ID = COLUMNS + "WHERE a.id = %s"
BY_OPAQUE_ID = COLUMNS + "WHERE a.opaque_id = %s AND a.enabled AND m.status = 'active'"
BY_EXTERNAL_ID = COLUMNS + "WHERE a.channel = %s AND a.external_id = %s"
EVERY = COLUMNS + "ORDER BY a.id"
OF_MERCHANT = COLUMNS + "WHERE a.merchant_id = %s ORDER BY a.id"
SET_SETTINGS = "UPDATE chat_account SET settings = settings || %s, username = %s, names = %s WHERE id = %s"
SET_ENABLED = "UPDATE chat_account SET enabled = %s WHERE id = %s AND enabled <> %s"


class ChatChannel(StrEnum):
    """The chat platforms that we carry messages to."""

    TELEGRAM = "telegram"
    WECHAT = "wechat"


class ChatAccountTaken(Conflict):
    """This bot or official account is connected already, to this merchant or to another."""


@dataclass(frozen=True, slots=True)
class ChatAccount:
    """One bot or official account; `opaque_id` stands in the address of its callbacks, `settings` holds no secret."""

    id: int
    opaque_id: str
    channel: ChatChannel
    merchant_id: int
    merchant_code: str
    external_id: str
    username: str
    names: dict[str, str]
    enabled: bool
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """Where its events come from, as the inbox names it."""
        return f"{self.channel.value}:{self.id}"

    def address(self, chat: str) -> str:
        """The chat address of one private chat with it."""
        return f"{self.source}:{chat}"


@dataclass(frozen=True, slots=True)
class ChatAddress:
    """A chat address taken apart: `telegram:3:12345` is chat 12345 of account 3."""

    channel: ChatChannel
    account_id: int
    chat: str


def read_address(text: str) -> ChatAddress | None:
    """Take a chat address apart; None for one that we carry nothing to (`web:…`)."""
    channel, _, rest = text.partition(":")
    account, _, chat = rest.partition(":")
    if channel not in set(ChatChannel) or not account.isdigit() or not chat:
        return None
    return ChatAddress(ChatChannel(channel), int(account), chat)


def create_chat_account(
    *,
    actor: Actor,
    merchant_id: int,
    channel: ChatChannel,
    external_id: str,
    username: str,
    names: Names,
    settings: Mapping[str, Any],
    now: datetime,
) -> ChatAccount:
    """Connect a merchant to a bot or official account, in the caller's transaction or one of its own.

    Raises `NotFound`, `NotAllowed`, `Invalid`, `ChatAccountTaken`.
    """
    require_change(actor, merchant_id, Role.CATALOG, what="party")
    if access_party(actor=actor, party_id=merchant_id).kind is not PartyKind.MERCHANT:
        raise Invalid(what="merchant")
    if not EXTERNAL_ID.fullmatch(external_id):
        raise Invalid(what="account")
    row = (new_token(), channel.value, merchant_id, external_id, username, Jsonb(checked_names(names, what="name")))
    try:
        with atomic():
            account_id = int(execute(CREATE, (*row, Jsonb(dict(settings)), now))[0][0])
            _note(actor, "chat_account.created", account_id, merchant_id, now)
    except peewee.IntegrityError as error:
        if constraint(error) == "chat_account_channel_external_id_key":
            raise ChatAccountTaken() from None
        raise
    return chat_account(account_id=account_id)


def change_chat_account(
    *, actor: Actor, account_id: int, settings: Mapping[str, Any], now: datetime, username: str = ""
) -> ChatAccount:
    """Change some settings of an account (those named), the others stay. Raises `NotFound`, `NotAllowed`."""
    account = chat_account(account_id=account_id)
    require_change(actor, account.merchant_id, Role.CATALOG, what="chat_account")
    with atomic():
        name = username or account.username
        changed(SET_SETTINGS, (Jsonb(dict(settings)), name, Jsonb(account.names), account_id))
        _note(actor, "chat_account.changed", account_id, account.merchant_id, now)
    return chat_account(account_id=account_id)


def enable_chat_account(*, actor: Actor, account_id: int, enabled: bool, now: datetime) -> ChatAccount:
    """Switch an account on or off: one that is off hears and says nothing. Raises `NotFound`, `NotAllowed`."""
    account = chat_account(account_id=account_id)
    require_change(actor, account.merchant_id, Role.CATALOG, what="chat_account")
    with atomic():
        if changed(SET_ENABLED, (enabled, account_id, enabled)):
            _note(actor, f"chat_account.{'enabled' if enabled else 'disabled'}", account_id, account.merchant_id, now)
    return chat_account(account_id=account_id)


def chat_accounts(*, channel: ChatChannel) -> list[ChatAccount]:
    """The accounts of a channel that are switched on and whose merchants sell, oldest first."""
    return [_account(row) for row in execute(OF_CHANNEL, (channel.value,))]


def chat_accounts_of(*, merchant_id: int) -> list[ChatAccount]:
    """All accounts of a merchant, those that are off too."""
    return [_account(row) for row in execute(OF_MERCHANT, (merchant_id,))]


def every_chat_account() -> list[ChatAccount]:
    """All accounts of all merchants, for the command line and `doctor`."""
    return [_account(row) for row in execute(EVERY)]


def chat_account(*, account_id: int) -> ChatAccount:
    """The account of this id, for the store itself. Raises `NotFound`."""
    return _only(execute(BY_ID, (account_id,)))


def chat_by_opaque_id(opaque_id: str) -> ChatAccount:
    """The account whose callback address this is, while it is on and its merchant sells. Raises `NotFound`."""
    return _only(execute(BY_OPAQUE_ID, (opaque_id,)) if opaque_id.isascii() and "\0" not in opaque_id else [])


def chat_by_external_id(*, channel: ChatChannel, external_id: str) -> ChatAccount:
    """The account that the platform knows by this number. Raises `NotFound`."""
    return _only(execute(BY_EXTERNAL_ID, (channel.value, external_id)))


def _only(rows: list[tuple[Any, ...]]) -> ChatAccount:
    if not rows:
        raise NotFound("chat_account")
    return _account(rows[0])


def _account(row: tuple[Any, ...]) -> ChatAccount:
    account_id, opaque_id, channel, *rest = row
    return ChatAccount(account_id, opaque_id, ChatChannel(channel), *rest)


def _note(actor: Actor, action: str, account_id: int, merchant_id: int, now: datetime) -> None:
    audit.append(
        actor=actor, action=action, object_kind="chat_account", object_id=account_id, party_id=merchant_id, now=now
    )
