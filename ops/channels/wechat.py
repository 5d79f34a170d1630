"""Connects a WeChat official account: its keys are kept sealed, each for the process that uses it.

What is not given (None) holds its default for a new account; a known one keeps what it has, unless that was altered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

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
from core.connections.credentials import AccountKind, Holder, find_credential, store_credential
from core.connections.sealed_settings import (
    API_BASE,
    AUTHORISE_BASE,
    MODE,
    PAGE_URL,
    PAGE_URL_TOLD,
    find_setting,
    keep_setting,
)
from core.db import database_now, in_transaction
from core.errors import NotFound
from core.parties.service import find_merchant
from core.secret import Secret
from core.vault.primitives import SealError
from ops.channels.page_hosts import checked_page_url, require_own_host
from ops.channels.telegram import checked_base

TOKEN, AES_KEY, APP_SECRET = "token", "aes_key", "app_secret"
APP_ID = re.compile(r"wx[0-9A-Za-z]{8,30}")
ORIGINAL_ID = re.compile(r"(gh_[0-9A-Za-z]{4,30})?")
KINDS = ("service", "subscription")
CALLBACK_TOKEN = re.compile(rb"[0-9A-Za-z]{3,32}")


@dataclass(frozen=True, slots=True)
class Given:
    """What the operator gives of one account; the secrets are already read from their references."""

    merchant: str
    app_id: str
    token: Secret
    app_secret: Secret | None = None
    aes_key: Secret | None = None
    mode: str | None = None
    name: str | None = None
    original_id: str | None = None
    kind: str | None = None
    verified: bool | None = None
    ios_rule: str | None = None
    api_base: str | None = None
    page_url: str | None = None

    @property
    def settings(self) -> dict[str, object]:
        """Those of the account's settings that were given."""
        values = {name: getattr(self, name) for name in ("kind", "verified", "ios_rule", "original_id")}
        return {name: value for name, value in values.items() if value is not None}


DEFAULTS = {"kind": "service", "verified": False, "ios_rule": IosRule.STRICT.value, "original_id": ""}
"""The settings of a new account."""


def connect(config: Config, given: Given) -> tuple[ChatAccount, bool]:
    """Connect an official account to a merchant, or give one new keys; the account, and whether it is new.

    `core.db` is connected as `shop`. Raises ConfigError, which never repeats a secret.
    """
    check(config, given)
    try:
        merchant_id = find_merchant(given.merchant).id
    except NotFound:
        raise ConfigError(f"there is no active merchant {given.merchant!r}") from None
    found = known(given.app_id)
    if found is not None and found.merchant_id != merchant_id:
        raise ConfigError(f"{given.app_id} is connected to the merchant {found.merchant_code}: it serves one merchant")
    require_own_host(config, given.page_url or "", merchant_id=merchant_id)
    given = completed(config, given, found)

    def work() -> ChatAccount:
        now = database_now()
        account = described(given, found, merchant_id=merchant_id, now=now)
        keep_secrets(config, account, given, now)
        return account

    return in_transaction(work), found is None


def described(given: Given, found: ChatAccount | None, *, merchant_id: int, now: datetime) -> ChatAccount:
    """The account's row, with what was given."""
    username = given.original_id or ""
    if found is not None:
        return change_chat_account(
            actor=OPERATOR, account_id=found.id, settings=given.settings, now=now, username=username
        )
    shown = given.name or given.app_id
    return create_chat_account(
        actor=OPERATOR,
        merchant_id=merchant_id,
        channel=ChatChannel.WECHAT,
        external_id=given.app_id,
        username=username,
        names={"zh-CN": shown, "en": shown},
        settings=DEFAULTS | given.settings,
        now=now,
    )


def completed(config: Config, given: Given, found: ChatAccount | None) -> Given:
    """What was given, and for the rest what is sealed already; nothing where that was altered. Raises ConfigError."""
    verify_key, act_key = config.secret(config.secrets.verify_key), config.secret(config.secrets.act_key)

    def kept(key: Secret, name: str, holder: Holder) -> str:
        try:
            return find_setting(key, account_id=found.id, name=name, holder=holder) if found is not None else ""
        except SealError:
            return ""

    api_base = kept(act_key, API_BASE, Holder.ACT) if given.api_base is None else given.api_base
    page_url = kept(verify_key, PAGE_URL, Holder.VERIFY) if given.page_url is None else given.page_url
    mode = given.mode or kept(verify_key, MODE, Holder.VERIFY) or Mode.SAFE.value
    aes_key = given.aes_key or kept_aes_key(verify_key, found)
    try:
        AccountKeys(app_id=given.app_id, token=given.token, mode=Mode(mode), aes_key=aes_key)
    except ValueError as wrong:
        raise ConfigError(f"--aes-key: {wrong}") from None
    return replace(given, mode=mode, api_base=api_base, page_url=page_url)


def kept_aes_key(verify_key: Secret, found: ChatAccount | None) -> Secret | None:
    """The EncodingAESKey that a known account has, if it opens."""
    if found is None:
        return None
    try:
        return find_credential(
            verify_key, kind=AccountKind.CHAT, account_id=found.id, name=AES_KEY, holder=Holder.VERIFY
        )
    except (NotFound, SealError):
        return None


def keep_secrets(config: Config, account: ChatAccount, given: Given, now: datetime) -> None:
    """Seal the secrets that were given, and what says who is believed and where secrets and cards go.

    Of the latter all is sealed anew, so that what somebody altered is replaced.
    """
    verify_key, act_key = config.secret(config.secrets.verify_key), config.secret(config.secrets.act_key)
    keep = partial(store_credential, kind=AccountKind.CHAT, account_id=account.id, now=now)
    keep(verify_key, name=TOKEN, holder=Holder.VERIFY, value=given.token)
    if given.aes_key is not None:
        keep(verify_key, name=AES_KEY, holder=Holder.VERIFY, value=given.aes_key)
    if given.app_secret is not None:
        keep(act_key, name=APP_SECRET, holder=Holder.ACT, value=given.app_secret)
    api_base, page_url = (given.api_base or "").rstrip("/"), (given.page_url or "").rstrip("/")
    for key, holder, name, value in (
        (verify_key, Holder.VERIFY, MODE, given.mode or ""),
        (verify_key, Holder.VERIFY, AUTHORISE_BASE, api_base),
        (act_key, Holder.ACT, API_BASE, api_base),
        (verify_key, Holder.VERIFY, PAGE_URL, page_url),
        (act_key, Holder.ACT, PAGE_URL_TOLD, page_url),
    ):
        keep_setting(key, account_id=account.id, name=name, holder=holder, value=value, now=now)


def check(config: Config, given: Given) -> None:
    """Raise ConfigError for what could not work, whatever else the account has."""
    if not APP_ID.fullmatch(given.app_id):
        raise ConfigError("--app-id is the AppID of the official account: wx and 16 further signs")
    if not CALLBACK_TOKEN.fullmatch(given.token.reveal()):
        raise ConfigError("the token of WeChat's server configuration has 3 to 32 letters and digits")
    if not ORIGINAL_ID.fullmatch(given.original_id or ""):
        raise ConfigError("--original-id is the account's own name, gh_…")
    for name, value, allowed in (
        ("--mode", given.mode, list(Mode)),
        ("--kind", given.kind, KINDS),
        ("--ios-rule", given.ios_rule, list(IosRule)),
    ):
        if value is not None and value not in allowed:
            raise ConfigError(f"{name} is one of {', '.join(allowed)}")
    checked_base(config, given.api_base or "")
    checked_page_url(given.page_url or "", "--page-url")


def known(app_id: str) -> ChatAccount | None:
    """The account of this AppID, if it was connected before."""
    try:
        return chat_by_external_id(channel=ChatChannel.WECHAT, external_id=app_id)
    except NotFound:
        return None
