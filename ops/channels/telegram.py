"""Connects a Telegram bot: its token is tried first, then kept sealed, and a running store picks the bot up."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from channels.chat.telegram.api import OFFICIAL, ApiAway, ApiProblem, BotServer, call, open_http
from channels.chat.telegram.shared import HOOK_SECRET, HOOK_SECRET_TOLD, TOKEN
from core.actor import OPERATOR
from core.config import Config, ConfigError
from core.connections.chats import (
    ChatAccount,
    ChatChannel,
    change_chat_account,
    chat_by_external_id,
    create_chat_account,
)
from core.connections.credentials import AccountKind, Holder, store_credential
from core.connections.sealed_settings import API_BASE, keep_setting
from core.db import database_now, in_transaction
from core.errors import NotFound
from core.parties.service import find_merchant
from core.secret import Secret

NEVER_THE_TOKEN = "--token is a reference, env:NAME or file:/path, never the token itself"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token belongs to, as Telegram says."""

    number: str
    username: str
    name: str


def read_token(config: Config, reference: str) -> Secret:
    """The token behind a reference. Raises ConfigError, which never repeats what was given."""
    kind, _, place = reference.partition(":")
    if kind not in {"env", "file"} or not place:
        raise ConfigError(NEVER_THE_TOKEN)
    return config.given_secret(reference)


def ask(server: BotServer, token: Secret, method: str) -> Any:
    """One call in a loop of its own. Raises ConfigError with the mend."""

    async def asked() -> Any:
        async with open_http(server) as http:
            return await call(http, server, token, method)

    text = token.reveal()
    if not text.isascii() or any(chr(byte).isspace() or chr(byte) in "/?#" for byte in text):
        raise ConfigError("the token is none of Telegram's: copy it from @BotFather again")
    try:
        return asyncio.run(asked())
    except ApiProblem as problem:
        if problem.code in {401, 404}:
            raise ConfigError("Telegram does not know this token: copy it from @BotFather again") from None
        raise ConfigError(f"Telegram refuses {method} ({problem.code}): try again later") from None
    except ApiAway:
        raise ConfigError(f"{server.base} does not answer: check the network, telegram.proxy and the address") from None


def identity_of(server: BotServer, token: Secret) -> Identity:
    """Whose token it is. Raises ConfigError."""
    said = ask(server, token, "getMe")
    return Identity(str(said["id"]), str(said.get("username", "")), str(said.get("first_name", "")))


def checked_base(config: Config, api_base: str) -> str:
    """The address of a Bot API server that a bot shall have for itself. Raises ConfigError."""
    parts = urlsplit(api_base)
    if api_base and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment):
        raise ConfigError("--api-base must start with https:// (or http://) and a host")
    if api_base and is_loopback(parts.hostname or "") and not is_loopback(config.web.host):
        raise ConfigError("--api-base may be on loopback only while web.host is: leave it out, or set web.host")
    return api_base.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine's own loopback."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def connect(config: Config, *, merchant: str, token: Secret, api_base: str = "") -> tuple[ChatAccount, bool]:
    """Connect a bot to a merchant, or give one that is connected another token; the account, and whether it is new.

    From then on it is at `api_base`; without that where the store's settings say, whatever was given before.
    `core.db` is connected as `shop`. Raises ConfigError; `Invalid` for a bot whose name cannot be shown.
    """
    base = checked_base(config, api_base)
    who = identity_of(BotServer(base or config.telegram.api_base.rstrip("/") or OFFICIAL, config.telegram.proxy), token)
    try:
        merchant_id = find_merchant(merchant).id
    except NotFound:
        raise ConfigError(f"there is no active merchant {merchant!r}") from None
    found = known(who.number)
    if found is not None and found.merchant_id != merchant_id:
        raise ConfigError(f"@{who.username} is connected to the merchant {found.merchant_code}: it serves one merchant")
    keys = config.secret(config.secrets.bot_key), config.secret(config.secrets.verify_key)

    def work() -> ChatAccount:
        now = database_now()
        if found is not None:
            account = change_chat_account(
                actor=OPERATOR, account_id=found.id, settings={}, now=now, username=who.username
            )
        else:
            account = create_chat_account(
                actor=OPERATOR,
                merchant_id=merchant_id,
                channel=ChatChannel.TELEGRAM,
                external_id=who.number,
                username=who.username,
                names={"zh-CN": who.name, "en": who.name},
                settings={},
                now=now,
            )
        keep_secrets(account, token, bot_key=keys[0], verify_key=keys[1], now=now)
        keep_setting(keys[0], account_id=account.id, name=API_BASE, holder=Holder.BOT, value=base, now=now)
        return account

    return in_transaction(work), found is None


def known(number: str) -> ChatAccount | None:
    """The account of this bot, if it was connected before."""
    try:
        return chat_by_external_id(channel=ChatChannel.TELEGRAM, external_id=number)
    except NotFound:
        return None


def keep_secrets(account: ChatAccount, token: Secret, *, bot_key: Secret, verify_key: Secret, now: datetime) -> None:
    """Seal the token for bot and worker, and a new webhook secret twice: for web to compare, for bot to tell."""
    hook = Secret(secrets.token_urlsafe(32))
    keep = partial(store_credential, kind=AccountKind.CHAT, account_id=account.id, now=now)
    keep(bot_key, name=TOKEN, holder=Holder.BOT, value=token)
    keep(bot_key, name=HOOK_SECRET_TOLD, holder=Holder.BOT, value=hook)
    keep(verify_key, name=HOOK_SECRET, holder=Holder.VERIFY, value=hook)
