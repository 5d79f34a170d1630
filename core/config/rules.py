"""What a setting's value may be; each refusal names the setting and says what would be right."""

from __future__ import annotations

import re
import zoneinfo
from urllib.parse import urlsplit

from core.config import Config, ConfigError
from core.config.ways import check_ways

_REFERENCE = re.compile(r"(env:\w+|file:.+|credential:[\w.@-]+)?", re.DOTALL)
_DATABASE_URL = re.compile(r"(postgres(ql)?://.+|env:\w+|file:.+|credential:[\w.@-]+)?", re.DOTALL)
_PROXY = re.compile(r"((socks5|socks4|http)://(\S+@)?[^\s/@:]+:[0-9]{1,5}/?)?")
_REDIS_URL = re.compile(r"((redis|rediss|unix)://.+|env:\w+|file:.+|credential:[\w.@-]+)?", re.DOTALL)


def check(config: Config) -> None:
    """Raise ConfigError for the first value that cannot work."""
    _check_store(config)
    _check_addresses(config)
    _check_numbers(config)
    _check_references(config)
    check_ways(config)


def _check_store(config: Config) -> None:
    store = config.store
    if store.timezone not in zoneinfo.available_timezones():
        raise ConfigError(f"store.timezone {store.timezone!r} is unknown: use a name such as Asia/Shanghai")
    if not re.fullmatch(r"[A-Z]{3}", store.currency):
        raise ConfigError(f"store.currency {store.currency!r} must be three capital letters such as CNY")
    if store.default_locale not in ("zh-CN", "en"):
        raise ConfigError(f"store.default_locale {store.default_locale!r} must be zh-CN or en")
    if not store.name.strip():
        raise ConfigError("store.name is empty: give the store a name")
    if config.telegram.mode not in ("polling", "webhook"):
        raise ConfigError(f"telegram.mode {config.telegram.mode!r} must be polling or webhook")
    if not _PROXY.fullmatch(config.telegram.proxy):
        raise ConfigError("telegram.proxy must start with socks5:// (or socks4://, http://) and name a host and a port")


def _check_addresses(config: Config) -> None:
    web = {"web.public_url": config.web.public_url, "web.panel_url": config.web.panel_url}
    web |= {"web.page_url": config.web.page_url, "telegram.api_base": config.telegram.api_base}
    web["wechat.api_base"] = config.wechat.api_base
    for name, value in web.items():
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.netloc):
            raise ConfigError(f"{name} {value!r} must start with https:// (or http://) and a host")
    _check_page_origin(config.web.page_url)


def _check_page_origin(page_url: str) -> None:
    parts = urlsplit(page_url)
    if parts.path.rstrip("/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ConfigError(f"web.page_url {page_url!r} must be an origin: https:// and a host, nothing behind it")


def _check_numbers(config: Config) -> None:
    web, orders = config.web, config.orders
    ranges = {
        "web.port": (web.port, 1, 65535),
        "web.ops_port": (web.ops_port, 1, 65535),
        "web.workers": (web.workers, 1, 64),
        "vault.opening_budget_per_hour": (config.vault.opening_budget_per_hour, 1, 10**9),
        "vault.unvetted_rows_per_day": (config.vault.unvetted_rows_per_day, 0, 20_000),  # one chunk of an import
        "mail.port": (config.mail.port, 1, 65535),
        "orders.hold_minutes": (orders.hold_minutes, 1, 24 * 60),
        "orders.unpaid_per_shopper": (orders.unpaid_per_shopper, 1, 10**6),
        "orders.unpaid_per_network": (orders.unpaid_per_network, 1, 10**6),
        "orders.stranger_share_percent": (orders.stranger_share_percent, 1, 100),
        "orders.share_percent": (orders.share_percent, 1, 100),
    }
    for name, (value, least, most) in ranges.items():
        if not least <= value <= most:
            raise ConfigError(f"{name} is {value}: it must be from {least} to {most}")
    if (web.host, web.port) == (web.ops_host, web.ops_port):
        raise ConfigError("web.ops_port is the same as web.port: give the two listeners different ports")


def _check_references(config: Config) -> None:
    """Secrets stand in the settings by reference only; the refusal never repeats the value."""
    for section, names in (
        ("vault", ("private_key", "public_key", "fingerprint_key", "audit_key", "link_key", "sign_key")),
        (
            "secrets",
            ("verify_key", "act_key", "session_key", "seal_key", "inbox_key", "bot_key", "worker_key", "operator_key"),
        ),
    ):
        for name in names:
            if not _REFERENCE.fullmatch(getattr(getattr(config, section), name)):
                raise ConfigError(
                    f"{section}.{name} must be a reference: env:NAME, file:/path or credential:NAME,"
                    " never the key itself"
                )
    urls = {"url": config.database.url} | {f"roles.{name}": url for name, url in vars(config.database.roles).items()}
    for name, url in urls.items():
        if not _DATABASE_URL.fullmatch(url):
            raise ConfigError(
                f"database.{name} must start with postgresql:// or be a reference, env:NAME or file:/path"
            )
    if not _REDIS_URL.fullmatch(config.redis.url):
        raise ConfigError(
            "redis.url must start with redis://, rediss:// or unix://, or be a reference, env:NAME or file:/path"
        )
