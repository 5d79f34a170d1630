"""A merchant connects its bots and official accounts itself, gives them other secrets, and disconnects them.

Whose token it is, the door has asked the platform before; what is typed in is sealed for those who use it. A merchant
can say neither where its account's API is nor where its pages are: that stays with the operator's command.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from core.actor import Actor
from core.audit import service as audit
from core.connections.chats import (
    ChatAccount,
    ChatAccountTaken,
    ChatChannel,
    chat_account,
    chat_by_external_id,
    create_chat_account,
    enable_chat_account,
)
from core.connections.credentials import AccountKind, Holder, drop_credentials, hand_in_credential, has_credential
from core.connections.handed_in import APP_SECRET, HOOK_SECRET_TOLD, TOKEN, SealingKeys
from core.db import atomic, changed
from core.errors import Conflict, Invalid, NotFound
from core.parties.service import Role, may_see, require_change
from core.secret import Secret

HOOK_SECRET = "webhook_secret"  # noqa: S105 (names of credentials)
AES_KEY = "aes_key"
APP_ID = re.compile(r"wx[0-9A-Za-z]{8,30}")
BOT_TOKEN = re.compile(rb"([0-9]{1,20}):[A-Za-z0-9_-]{20,100}")
CALLBACK_TOKEN = re.compile(rb"[0-9A-Za-z]{3,32}")
ENCODING_AES_KEY = re.compile(rb"[0-9A-Za-z]{43}")
SECRET = re.compile(rb"[0-9A-Za-z_-]{16,64}")
NEW_SETTINGS: Mapping[str, object] = {"kind": "service", "verified": False, "ios_rule": "strict", "original_id": ""}
"""Of an official account, as the operator's command begins with them."""

LEAVE = "UPDATE chat_account SET enabled = false, left_at = %s WHERE id = %s AND left_at IS NULL"
BACK = "UPDATE chat_account SET enabled = true, left_at = NULL, username = %s WHERE id = %s"


class OtherBot(Invalid):
    """The token is that of another bot than this account's: @{username}. Connect that one beside it."""


class Disconnected(Conflict):
    """The account has no secrets any more: connect it again with them."""


class AccountElsewhere(ChatAccountTaken):
    """This bot or official account serves another merchant."""


@dataclass(frozen=True, slots=True)
class Bot:
    """A Telegram bot as Telegram itself named it, and its token."""

    number: str
    username: str
    name: str
    token: Secret = field(repr=False)


@dataclass(frozen=True, slots=True)
class OfficialAccount:
    """What a merchant gives of an official account; a known one keeps the secrets that are None."""

    app_id: str
    name: str
    token: Secret | None = field(repr=False)
    aes_key: Secret | None = field(repr=False)
    app_secret: Secret | None = field(repr=False)


def checked_bot_token(text: str) -> Secret:
    """A token as @BotFather writes it. Raises `Invalid`; nothing of it is repeated."""
    value = text.strip().encode("utf-8", "replace")
    if not BOT_TOKEN.fullmatch(value):
        raise Invalid(what="bot_token")
    return Secret(value)


def checked_account(
    *, app_id: str, name: str, token: str, aes_key: str, app_secret: str, is_new: bool
) -> OfficialAccount:
    """What was typed of an official account; empty ones stay as they are on a known one. Raises `Invalid`."""

    def secret(text: str, pattern: re.Pattern[bytes], what: str) -> Secret | None:
        value = text.strip().encode("utf-8", "replace")
        if not value and not is_new:
            return None
        if not pattern.fullmatch(value):
            raise Invalid(what=what)
        return Secret(value)

    if not APP_ID.fullmatch(app_id.strip()):
        raise Invalid(what="app_id")
    return OfficialAccount(
        app_id.strip(),
        name.strip() or app_id.strip(),
        secret(token, CALLBACK_TOKEN, "callback_token"),
        secret(aes_key, ENCODING_AES_KEY, "aes_key"),
        secret(app_secret, SECRET, "app_secret"),
    )


def connect_bot(*, actor: Actor, merchant_id: int, bot: Bot, keys: SealingKeys, now: datetime) -> ChatAccount:
    """Connect a bot to a merchant, or one that it had before; a running store picks it up within seconds.

    Raises `NotFound`, `NotAllowed`, `Invalid`, `AccountElsewhere`.
    """
    require_change(actor, merchant_id, Role.OWNER, what="party")
    found = _known(ChatChannel.TELEGRAM, bot.number, merchant_id)
    with atomic():
        account = found or create_chat_account(
            actor=actor,
            merchant_id=merchant_id,
            channel=ChatChannel.TELEGRAM,
            external_id=bot.number,
            username=bot.username,
            names={"zh-CN": bot.name or bot.username, "en": bot.name or bot.username},
            settings={},
            now=now,
        )
        _keep_bot(account, bot, keys, now)
        if found is not None:
            _take_back(actor, account, bot.username, now)
    return chat_account(account_id=account.id)


def change_bot_token(*, actor: Actor, account_id: int, bot: Bot, keys: SealingKeys, now: datetime) -> ChatAccount:
    """Give a bot its new token. Raises `NotFound`, `NotAllowed`, `OtherBot`."""
    account = _owned(actor, account_id, ChatChannel.TELEGRAM)
    if account.external_id != bot.number:
        raise OtherBot(username=bot.username)
    with atomic():
        _keep_bot(account, bot, keys, now)
        _take_back(actor, account, bot.username, now)
    return chat_account(account_id=account_id)


def connect_official_account(
    *, actor: Actor, merchant_id: int, given: OfficialAccount, keys: SealingKeys, now: datetime
) -> ChatAccount:
    """Connect an official account to a merchant, or one that it had before. Raises as `connect_bot` does."""
    require_change(actor, merchant_id, Role.OWNER, what="party")
    found = _known(ChatChannel.WECHAT, given.app_id, merchant_id)
    with atomic():
        account = found or create_chat_account(
            actor=actor,
            merchant_id=merchant_id,
            channel=ChatChannel.WECHAT,
            external_id=given.app_id,
            username="",
            names={"zh-CN": given.name, "en": given.name},
            settings=NEW_SETTINGS,
            now=now,
        )
        _keep_account(account, given, keys, now)
        if found is not None:
            _take_back(actor, account, account.username, now)
    return chat_account(account_id=account.id)


def change_account_secrets(
    *, actor: Actor, account_id: int, given: OfficialAccount, keys: SealingKeys, now: datetime
) -> ChatAccount:
    """Give an official account those secrets that were typed. Raises `NotFound`, `NotAllowed`, `Invalid`."""
    account = _owned(actor, account_id, ChatChannel.WECHAT)
    if account.external_id != given.app_id or not (given.token or given.aes_key or given.app_secret):
        raise Invalid(what="app_secret")
    with atomic():
        _keep_account(account, given, keys, now)
        _take_back(actor, account, account.username, now)
    return chat_account(account_id=account_id)


def switch_chat_account(*, actor: Actor, account_id: int, enabled: bool, now: datetime) -> ChatAccount:
    """Pause or resume an account; of the merchant's owner. Raises `NotFound`, `NotAllowed`, `Disconnected`."""
    _owned(actor, account_id)
    if enabled and not has_credential(kind=AccountKind.CHAT, account_id=account_id, name=TOKEN):
        raise Disconnected()
    return enable_chat_account(actor=actor, account_id=account_id, enabled=enabled, now=now)


def disconnect_chat_account(*, actor: Actor, account_id: int, now: datetime) -> None:
    """Forget an account's secrets and switch it off; its chats and what was sold in them stay. Twice does nothing.

    Raises `NotFound`, `NotAllowed`.
    """
    account = _owned(actor, account_id)
    with atomic():
        drop_credentials(kind=AccountKind.CHAT, account_id=account_id)
        if changed(LEAVE, (now, account_id)):
            _note(actor, "chat_account.disconnected", account, now)


def _known(channel: ChatChannel, external_id: str, merchant_id: int) -> ChatAccount | None:
    try:
        found = chat_by_external_id(channel=channel, external_id=external_id)
    except NotFound:
        return None
    if found.merchant_id != merchant_id:
        raise AccountElsewhere()
    return found


def _owned(actor: Actor, account_id: int, channel: ChatChannel | None = None) -> ChatAccount:
    """The account, if the actor is its owner. A foreign one, or one of another channel, is not there."""
    account = chat_account(account_id=account_id)
    if not may_see(actor, account.merchant_id) or channel not in (None, account.channel):
        raise NotFound("chat_account")
    require_change(actor, account.merchant_id, Role.OWNER, what="chat_account")
    return account


def _keep_bot(account: ChatAccount, bot: Bot, keys: SealingKeys, now: datetime) -> None:
    keep = partial(hand_in_credential, keys, kind=AccountKind.CHAT, account_id=account.id, now=now)
    hook = Secret(secrets.token_urlsafe(32))
    keep(name=TOKEN, holder=Holder.BOT, value=bot.token)
    keep(name=HOOK_SECRET_TOLD, holder=Holder.BOT, value=hook)
    keep(name=HOOK_SECRET, holder=Holder.VERIFY, value=hook)


def _keep_account(account: ChatAccount, given: OfficialAccount, keys: SealingKeys, now: datetime) -> None:
    keep = partial(hand_in_credential, keys, kind=AccountKind.CHAT, account_id=account.id, now=now)
    for name, holder, value in (
        (TOKEN, Holder.VERIFY, given.token),
        (AES_KEY, Holder.VERIFY, given.aes_key),
        (APP_SECRET, Holder.ACT, given.app_secret),
    ):
        if value is not None:
            keep(name=name, holder=holder, value=value)


def _take_back(actor: Actor, account: ChatAccount, username: str, now: datetime) -> None:
    changed(BACK, (username, account.id))
    _note(actor, "chat_account.secrets_changed", account, now)


def _note(actor: Actor, action: str, account: ChatAccount, now: datetime) -> None:
    audit.append(
        actor=actor,
        action=action,
        object_kind="chat_account",
        object_id=account.id,
        party_id=account.merchant_id,
        now=now,
    )
