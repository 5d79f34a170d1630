"""Where card pages are: at an origin of their own, or the shop's; and whether browsers can open cards there at all."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from core.config import Config


def card_page_origin(config: Config) -> str:
    """The origin that links to card pages begin with; empty where no browser would open a card.

    WebCrypto works over https, and over plain http on the machine's own loopback only.
    """
    origin = config.web.page_url.rstrip("/") or config.public_url
    return origin if is_safe(origin) else ""


def is_safe(origin: str) -> bool:
    """Whether browsers let a page at an origin open what is sealed."""
    parts = urlsplit(origin)
    return parts.scheme == "https" or is_own_loopback(parts.hostname or "")


def is_own_loopback(host: str) -> bool:
    """Whether a host is this machine's own loopback."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
