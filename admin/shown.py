"""States, terms and times as the panel shows them."""

from __future__ import annotations

from datetime import datetime

from markupsafe import Markup

from admin.panel import request_time, words
from bot.texts import mark

STATES = {
    "awaiting_payment": (mark("awaiting payment"), "warn"),
    "paid": (mark("paid"), "ok"),
    "closed": (mark("closed"), "ok"),
    "expired": (mark("expired"), ""),
    "cancelled": (mark("cancelled"), ""),
    "returned": (mark("refunded"), ""),
    "selling": (mark("selling"), "ok"),
    "off_sale": (mark("off sale"), ""),
    "importing": (mark("importing"), "warn"),
    "locked": (mark("locked"), "bad"),
    "recalled": (mark("recalled"), "bad"),
    "abandoned": (mark("abandoned"), ""),
    "active": (mark("active"), "ok"),
    "applied": (mark("applied"), "warn"),
    "suspended": (mark("suspended"), "bad"),
    "left": (mark("left"), ""),
    "requested": (mark("asked for"), "warn"),
    "approved": (mark("approved"), "warn"),
    "sent": (mark("sent to the bank"), "warn"),
    "succeeded": (mark("paid out"), "ok"),
    "failed": (mark("not paid"), "bad"),
    "connected": (mark("connected"), "ok"),
    "paused": (mark("paused"), "warn"),
    "disconnected": (mark("disconnected"), ""),
}
TERMS = {"own": mark("own"), "owned": mark("bought out"), "consigned": mark("consigned")}
GATEWAYS = {"sandbox": mark("Sandbox (play money)"), "stars": mark("Telegram Stars")}


def gateway(sort: str) -> str:
    """A gateway as people call it."""
    return words().say(GATEWAYS[sort]) if sort in GATEWAYS else sort


def pill(state: str) -> Markup:
    """A state as people read it, coloured by what it asks of them."""
    called, colour = STATES.get(state, (state, ""))
    return Markup('<span class="pill {}">{}</span>').format(colour, words().say(called))


def when(at: datetime | None) -> str:
    """A time in the store's zone; empty for none."""
    return words().short_time(at, now=request_time()) if at is not None else ""
