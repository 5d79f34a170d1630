"""What the settings of e-mail, text messages and alerts may be: whoever switches one on gave all that it needs.

Passwords are not looked at here: only the worker has their references, and `doctor` tries them.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from core.config import Config, ConfigError, Mail, Sms

MAIL_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
"""An address as mail servers everywhere take it."""

CARDS_PARAMS = ("order", "code", "shop")
CODE_PARAMS = ("code", "minutes")
_REFERENCE = re.compile(r"(env:\w+|file:.+)?", re.DOTALL)
_SECURITY = ("starttls", "tls", "none")
_NEEDED = ("access_key_id", "sign_name", "cards_template", "code_template")


def check_ways(config: Config) -> None:
    """Raise ConfigError for the first value that cannot work."""
    _check_references(config)
    if config.mail.host:
        _check_mail(config.mail)
    if config.sms.provider:
        _check_sms(config.sms, is_open=not is_loopback(config.web.host))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine's own loopback."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _check_references(config: Config) -> None:
    named = {"mail.password": config.mail.password, "sms.access_key_secret": config.sms.access_key_secret}
    named |= {f"alerts.urls[{place}]": url for place, url in enumerate(config.alerts.urls)}
    for name, value in named.items():
        if not _REFERENCE.fullmatch(value):
            raise ConfigError(f"{name} must be a reference: env:NAME or file:/path, never the secret itself")


def _check_mail(mail: Mail) -> None:
    if mail.security not in _SECURITY:
        raise ConfigError(f"mail.security {mail.security!r} must be starttls or tls, or none on this machine")
    if mail.security == "none" and not is_loopback(mail.host):
        raise ConfigError("mail.security = none sends letters and password in clear: set starttls or tls")
    if not MAIL_ADDRESS.fullmatch(mail.sender):
        raise ConfigError(f"mail.sender {mail.sender!r} must be an address such as shop@example.com")


def _check_sms(sms: Sms, *, is_open: bool) -> None:
    if sms.provider not in ("aliyun", "tencent"):
        raise ConfigError(f"sms.provider {sms.provider!r} must be aliyun or tencent, or empty for none")
    for name in (*_NEEDED, *(("app_id",) if sms.provider == "tencent" else ())):
        if not getattr(sms, name).strip():
            raise ConfigError(f"sms.{name} is empty: {sms.provider} needs it, see config.toml")
    for name, known in (("cards_params", CARDS_PARAMS), ("code_params", CODE_PARAMS)):
        if set(getattr(sms, name)) - set(known):
            raise ConfigError(f"sms.{name} may name {', '.join(known)} only")
    if "code" not in sms.code_params:
        raise ConfigError("sms.code_params must name code: a message without it confirms nothing")
    parts = urlsplit(sms.endpoint)
    if sms.endpoint and (parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/")):
        raise ConfigError(f"sms.endpoint {sms.endpoint!r} must be https:// and a host, without a path")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ConfigError("sms.endpoint must start with https://: keys and numbers never go in clear")
    if is_open and is_loopback(parts.hostname or ""):
        raise ConfigError("sms.endpoint may be on loopback only while web.host is: leave it empty")
