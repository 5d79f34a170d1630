"""Where an official account's pages are: at a host of its own, which no other merchant's account has."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from core.config import Config, ConfigError
from core.connections.chats import ChatAccount, ChatChannel, every_chat_account
from core.connections.credentials import Holder
from core.connections.sealed_settings import PAGE_URL, PAGE_URL_TOLD, find_setting, keep_setting
from core.connections.verify_files import host_of
from core.vault.primitives import SealError
from ops.channels.telegram import is_loopback


def checked_page_url(written: str, named: str) -> str:
    """`https://cards.example`, or nothing: the shop's own. Raises ConfigError, which says what was `named`."""
    if written and not is_origin(written):
        raise ConfigError(f"{named} is https:// and the host of the account's pages, nothing else")
    return written.rstrip("/")


def is_origin(written: str) -> bool:
    """Whether an address is an origin that browsers can be sent to: https, except on loopback."""
    try:
        parts = urlsplit(written)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    has_more = parts.path.rstrip("/") or parts.query or parts.fragment or "@" in parts.netloc
    return is_safe and bool(host) and not has_more


def require_own_host(config: Config, page_url: str, *, merchant_id: int) -> None:
    """Raise ConfigError where another merchant's account has its pages at this host."""
    key = config.secret(config.secrets.verify_key)
    for other in every_chat_account():
        if page_url and other.channel is ChatChannel.WECHAT and other.merchant_id != merchant_id:
            try:
                there = find_setting(key, account_id=other.id, name=PAGE_URL, holder=Holder.VERIFY)
            except SealError:  # its pages are nowhere
                continue
            if host_of(there) == host_of(page_url):
                raise ConfigError(f"{host_of(page_url)} is the host of an account of {other.merchant_code}")


def keep_page_url(config: Config, account: ChatAccount, page_url: str, now: datetime) -> None:
    """Seal a checked address for web, which goes by it, and for the worker, whose messages have links."""
    for key, holder, name in (
        (config.secrets.verify_key, Holder.VERIFY, PAGE_URL),
        (config.secrets.act_key, Holder.ACT, PAGE_URL_TOLD),
    ):
        secret = config.secret(key)
        keep_setting(secret, account_id=account.id, name=name, holder=holder, value=page_url, now=now)


def page_host(config: Config, account: ChatAccount) -> str:
    """The host of an account's pages, for WeChat's own configuration. Raises `SealError` for an altered address."""
    key = config.secret(config.secrets.verify_key)
    own = find_setting(key, account_id=account.id, name=PAGE_URL, holder=Holder.VERIFY)
    return host_of(own or config.public_url)
