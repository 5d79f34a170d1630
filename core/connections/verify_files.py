"""Files by which an official account proves its web addresses: `MP_verify_….txt` at the root of the host."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import urlsplit

from core.actor import Actor
from core.connections.chats import (
    ChatAccount,
    ChatChannel,
    change_chat_account,
    chat_account,
    chat_accounts,
)
from core.connections.credentials import Holder
from core.connections.sealed_settings import PAGE_URL, find_setting
from core.errors import Invalid, NotFound
from core.secret import Secret
from core.vault.primitives import SealError

NAME = re.compile(r"MP_verify_[A-Za-z0-9]{16}\.txt")
CONTENT = re.compile(r"[A-Za-z0-9_-]{1,128}")
SETTING = "verify_files"


def set_verify_file(*, actor: Actor, account_id: int, name: str, content: str, now: datetime) -> ChatAccount:
    """Keep a file that the platform handed out for the account's pages. Raises `NotFound`, `NotAllowed`, `Invalid`."""
    account = chat_account(account_id=account_id)
    if account.channel is not ChatChannel.WECHAT:
        raise NotFound("chat_account")
    if not NAME.fullmatch(name):
        raise Invalid(what="name")
    if not CONTENT.fullmatch(content.strip()):
        raise Invalid(what="content")
    files = {**account.settings.get(SETTING, {}), name: content.strip()}
    return change_chat_account(actor=actor, account_id=account_id, settings={SETTING: files}, now=now)


def find_verify_file(*, name: str, host: str, shared_url: str, verify_key: Secret) -> str:
    """The content of a file at a host: that of an account whose pages are there.

    `shared_url` is where the pages of accounts without a host of their own are; empty: wherever they are asked for.
    `verify_key` opens those hosts. Raises `NotFound`, also for a file of another host's account, and where an account's
    host was altered.
    """
    for account in chat_accounts(channel=ChatChannel.WECHAT):
        content = account.settings.get(SETTING, {}).get(name)
        if content is not None and _is_at(account, host, shared_url, verify_key):
            return str(content)
    raise NotFound("verify_file")


def _is_at(account: ChatAccount, host: str, shared_url: str, verify_key: Secret) -> bool:
    try:
        own = find_setting(verify_key, account_id=account.id, name=PAGE_URL, holder=Holder.VERIFY)
    except SealError:  # its pages are nowhere, and so is this
        return False
    url = own or shared_url
    return not url or host_of(url) == host.lower()


def host_of(url: str) -> str:
    """The host (without port) that an address names."""
    return (urlsplit(url).hostname or "").lower()
