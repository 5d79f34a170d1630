"""The requests about card pages, read from what came over the socket."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from core.custody.openings.checks import OpeningRefused
from core.custody.openings.links import Links, gone
from core.vault.bindings import Side
from core.vault.client import VaultCode
from core.vault.links import LinkContact


def link_made(links: Links, request: Mapping[str, Any]) -> dict[str, Any]:
    """A link for a message that the worker writes. Raises `OpeningRefused`."""
    try:
        delivery, occasion = UUID(str(request.get("delivery"))), UUID(str(request.get("occasion")))
        reader = UUID(str(request["reader"])) if request.get("reader") else None
        contact = _contact(request["contact"]) if request.get("contact") else None
        locale = str(request["locale"])
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise OpeningRefused(VaultCode.UNKNOWN_REQUEST, "a link is asked for in another form") from None
    link = links.make(delivery, occasion=occasion, locale=locale, reader=reader, contact=contact)
    key = base64.b64encode(link.key.reveal()).decode()
    named = {"id": str(link.id), "address": link.address, "expires_at": link.expires_at.isoformat()}
    return {"ok": True, "key": key, **named}


def link_opened(links: Links, request: Mapping[str, Any]) -> dict[str, Any]:
    """The cards of a press. Raises `OpeningRefused`, OSError."""
    try:
        press = UUID(str(request.get("press")))
    except ValueError:
        raise gone() from None
    opened = links.open(press)
    return {
        "ok": True,
        "sealed": base64.b64encode(opened.sealed).decode(),
        "delivery": str(opened.row.delivery),
        "locale": opened.row.locale,
        "expires_at": opened.row.expires_at.isoformat(),
        "left": opened.left,
    }


def _contact(told: Mapping[str, Any]) -> LinkContact:
    return LinkContact(
        UUID(told["id"]),
        Side(UUID(told["identity"]), str(told["chat"])),
        base64.b64decode(told["hash"], validate=True),
        datetime.fromisoformat(told["confirmed_at"]),
        base64.b64decode(told["seal"], validate=True),
    )
