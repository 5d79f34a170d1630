"""What `doctor` asks Telegram about each bot: its token, where its updates go, what went wrong last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import peewee
import psycopg

from channels.chat.telegram.api import BotServer, server_of
from channels.chat.telegram.shared import HOOK_SECRET, HOOK_SECRET_TOLD, TOKEN
from core import db
from core.config import Config, ConfigError
from core.connections.chats import ChatAccount, ChatChannel, every_chat_account
from core.connections.credentials import AccountKind, Holder, find_credential
from core.errors import NotFound
from core.secret import Secret
from core.vault.primitives import SealError
from ops.channels.telegram import ask

LATEST_ERROR = 24 * 3600  # seconds: what went wrong before is history
MANY_WAITING = 100


@dataclass(frozen=True, slots=True)
class Found:
    """One thing found about a bot; `is_defect` with its mend, `is_notice` worth a look."""

    text: str
    is_defect: bool = False
    is_notice: bool = False


def bots(config: Config) -> Iterator[Found]:
    """Every connected bot; nothing where there is none, or no database to read them from."""
    try:
        db.connect(config.database.roles.shop, size=2)
        with db.connection():
            found = [one for one in every_chat_account() if one.channel is ChatChannel.TELEGRAM]
        for account in found:
            with db.connection():
                yield from _bot(config, account)
    except (psycopg.Error, peewee.PeeweeException):  # said elsewhere
        return
    finally:
        db.disconnect()


def _bot(config: Config, account: ChatAccount) -> Iterator[Found]:
    name = f"@{account.username}" if account.username else f"bot {account.external_id}"
    if not account.enabled:
        yield Found(f"{name} is switched off: `python run.py channel enable {account.id}`", is_notice=True)
        return
    again = f"run `python run.py channel add telegram --merchant {account.merchant_code} --token …` again"
    try:
        token = _secrets(config, account)
        server = _server(config, account)
    except (NotFound, SealError, ConfigError):
        yield Found(f"{name} has no secrets that open with the keys here: {again}", is_defect=True)
        return
    try:
        who, hook = ask(server, token, "getMe"), ask(server, token, "getWebhookInfo")
    except ConfigError as error:
        yield Found(f"{name}: {error}", is_defect=True)
        return
    if str(who["id"]) != account.external_id:
        yield Found(f"{name} has the token of another bot: {again}", is_defect=True)
        return
    yield from _updates(config, account, name, hook)


def _secrets(config: Config, account: ChatAccount) -> Secret:
    """The bot's token; web and bot must hold the same webhook secret. Raises `NotFound`, `SealError`, ConfigError."""
    keys = config.secret(config.secrets.bot_key), config.secret(config.secrets.verify_key)
    of = partial(find_credential, kind=AccountKind.CHAT, account_id=account.id)
    compared = of(keys[1], name=HOOK_SECRET, holder=Holder.VERIFY)
    if compared != of(keys[0], name=HOOK_SECRET_TOLD, holder=Holder.BOT):
        raise NotFound("credential")
    return of(keys[0], name=TOKEN, holder=Holder.BOT)


def _server(config: Config, account: ChatAccount) -> BotServer:
    """Where the bot's API is. Raises `SealError`, ConfigError."""
    bot_key, telegram = config.secret(config.secrets.bot_key), config.telegram
    return server_of(account.id, bot_key=bot_key, api_base=telegram.api_base, proxy=telegram.proxy)


def _updates(config: Config, account: ChatAccount, name: str, hook: dict[str, Any]) -> Iterator[Found]:
    url, wanted = str(hook.get("url", "")), f"{config.public_url}/hooks/telegram/{account.opaque_id}"
    is_hooked = config.telegram.mode == "webhook"
    if is_hooked and not config.public_url.startswith("https://") and not config.telegram.api_base:
        yield Found(f"{name}: Telegram posts to https only: set web.public_url, or telegram.mode = polling", True)
    elif is_hooked and url != wanted:
        yield Found(f"{name}: Telegram posts elsewhere or nowhere: it is told at the start of the bot process", True)
    elif not is_hooked and url:
        yield Found(f"{name}: a webhook is set although telegram.mode = polling: the bot process takes it away", True)
    else:
        yield Found(f"{name} of {account.merchant_code} answers; updates come by {config.telegram.mode}")
    at = int(hook.get("last_error_date", 0))
    if at > datetime.now(UTC).timestamp() - LATEST_ERROR:
        said = str(hook.get("last_error_message", ""))[:120]
        yield Found(f"{name}: Telegram could not post at {datetime.fromtimestamp(at, UTC):%H:%M}Z: {said}", False, True)
    if (waiting := int(hook.get("pending_update_count", 0))) > MANY_WAITING:
        yield Found(f"{name}: {waiting} updates wait at Telegram: is the bot process running?", False, True)
