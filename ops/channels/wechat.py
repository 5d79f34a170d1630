"""Connects a WeChat official account: its keys are kept sealed, each for the process that uses it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

from channels.chat.wechat.cipher import AccountKeys, Mode
from channels.chat.wechat.links import IosRule
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
from core.connections.sealed_settings import (
    API_BASE,
    AUTHORISE_BASE,
    MODE,
    PAGE_URL,
    PAGE_URL_TOLD,
    keep_setting,
)
from core.db import database_now, in_transaction
from core.errors import NotFound
from core.parties.service import find_merchant
from core.secret import Secret
from ops.channels.telegram import checked_base, is_loopback

TOKEN, AES_KEY, APP_SECRET = "token", "aes_key", "app_secret"
APP_ID = re.compile(r"wx[0-9A-Za-z]{8,30}")
ORIGINAL_ID = re.compile(r"(gh_[0-9A-Za-z]{4,30})?")
CALLBACK_TOKEN = re.compile(rb"[0-9A-Za-z]{3,32}")


@dataclass(frozen=True, slots=True)
class Given:
    """What the operator gives of one account; the secrets are already read from their references."""

    merchant: str
    app_id: str
    token: Secret
    app_secret: Secret | None = None
    aes_key: Secret | None = None
    mode: str = Mode.SAFE.value
    name: str = ""
    original_id: str = ""
    kind: str = "service"
    verified: bool = False
    ios_rule: str = IosRule.STRICT.value
    api_base: str = ""
    page_url: str = ""


def connect(config: Config, given: Given) -> tuple[ChatAccount, bool]:
    """Connect an official account to a merchant, or give one new keys; the account, and whether it is new.

    `core.db` is connected as `shop`. Raises ConfigError, which never repeats a secret.
    """
    settings = checked_settings(config, given)
    try:
        merchant_id = find_merchant(given.merchant).id
    except NotFound:
        raise ConfigError(f"there is no active merchant {given.merchant!r}") from None
    found = known(given.app_id)
    if found is not None and found.merchant_id != merchant_id:
        raise ConfigError(f"{given.app_id} is connected to the merchant {found.merchant_code}: it serves one merchant")
    verify_key, act_key = config.secret(config.secrets.verify_key), config.secret(config.secrets.act_key)

    def work() -> ChatAccount:
        now = database_now()
        if found is not None:
            account = change_chat_account(
                actor=OPERATOR, account_id=found.id, settings=settings, now=now, username=given.original_id
            )
        else:
            shown = given.name or given.app_id
            account = create_chat_account(
                actor=OPERATOR,
                merchant_id=merchant_id,
                channel=ChatChannel.WECHAT,
                external_id=given.app_id,
                username=given.original_id,
                names={"zh-CN": shown, "en": shown},
                settings=settings,
                now=now,
            )
        keep = partial(store_credential, kind=AccountKind.CHAT, account_id=account.id, now=now)
        keep(verify_key, name=TOKEN, holder=Holder.VERIFY, value=given.token)
        if given.aes_key is not None:
            keep(verify_key, name=AES_KEY, holder=Holder.VERIFY, value=given.aes_key)
        if given.app_secret is not None:
            keep(act_key, name=APP_SECRET, holder=Holder.ACT, value=given.app_secret)
        keep_settings(account, given, verify_key=verify_key, act_key=act_key, now=now)
        return account

    return in_transaction(work), found is None


def keep_settings(account: ChatAccount, given: Given, *, verify_key: Secret, act_key: Secret, now: datetime) -> None:
    """Seal what says who is believed and where secrets and cards go, for each process that goes by it.

    What was not given is sealed as empty: it replaces what was given before, and what somebody altered.
    """
    api_base, page_url = given.api_base.rstrip("/"), given.page_url.rstrip("/")
    for key, holder, name, value in (
        (verify_key, Holder.VERIFY, MODE, given.mode),
        (verify_key, Holder.VERIFY, AUTHORISE_BASE, api_base),
        (act_key, Holder.ACT, API_BASE, api_base),
        (verify_key, Holder.VERIFY, PAGE_URL, page_url),
        (act_key, Holder.ACT, PAGE_URL_TOLD, page_url),
    ):
        keep_setting(key, account_id=account.id, name=name, holder=holder, value=value, now=now)


def checked_settings(config: Config, given: Given) -> dict[str, object]:
    """The account's settings, once everything given could work. Raises ConfigError."""
    if not APP_ID.fullmatch(given.app_id):
        raise ConfigError("--app-id is the AppID of the official account: wx and 16 further signs")
    if not CALLBACK_TOKEN.fullmatch(given.token.reveal()):
        raise ConfigError("the token of WeChat's server configuration has 3 to 32 letters and digits")
    if not ORIGINAL_ID.fullmatch(given.original_id):
        raise ConfigError("--original-id is the account's own name, gh_…")
    for name, value, allowed in (
        ("--mode", given.mode, list(Mode)),
        ("--kind", given.kind, ["service", "subscription"]),
        ("--ios-rule", given.ios_rule, list(IosRule)),
    ):
        if value not in allowed:
            raise ConfigError(f"{name} is one of {', '.join(allowed)}")
    try:
        AccountKeys(app_id=given.app_id, token=given.token, mode=Mode(given.mode), aes_key=given.aes_key)
    except ValueError as wrong:
        raise ConfigError(f"--aes-key: {wrong}") from None
    checked_base(config, given.api_base)
    checked_page_url(given.page_url)
    return {
        "kind": given.kind,
        "verified": given.verified,
        "ios_rule": given.ios_rule,
        "original_id": given.original_id,
    }


def checked_page_url(page_url: str) -> None:
    """Raise ConfigError for what is no origin of pages: `https://cards.example`, without a path."""
    parts = urlsplit(page_url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    if page_url and (not is_safe or not parts.hostname or parts.path.rstrip("/") or parts.query or parts.fragment):
        raise ConfigError("--page-url is https:// and the host of the account's pages, nothing else")


def known(app_id: str) -> ChatAccount | None:
    """The account of this AppID, if it was connected before."""
    try:
        return chat_by_external_id(channel=ChatChannel.WECHAT, external_id=app_id)
    except NotFound:
        return None
