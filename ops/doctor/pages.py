"""What `doctor` says about the card page: whether its origin is its own, and whether browsers open cards there."""

from __future__ import annotations

from channels.web.frame import page_host_of
from core.config import Config
from core.config.pages import card_page_origin

CLOSED = (
    "browsers open cards over https only: set web.page_url to an origin of its own (https://cards.example); until then"
    " messages have no links to card pages"
)
TRIED_OUT = "it shares the shop's origin, on this machine's own loopback: for trying out"
SHARED = "it shares the shop's origin: a script that got into a page of the shop reads along; set web.page_url"


def card_page(config: Config) -> tuple[str, bool]:
    """A sentence, and whether somebody should look at it."""
    web = config.web
    if not card_page_origin(config):
        return CLOSED, True
    if not web.public_url and not web.page_url:
        return TRIED_OUT, False
    if not page_host_of(web.page_url, config.public_url, web.panel_url):
        return SHARED, True
    return f"at an origin of its own, {web.page_url.rstrip('/')}", False
