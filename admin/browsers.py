"""A browser as its owner knows it again: Chrome on Windows, from 203.0.113.*."""

from __future__ import annotations

import re

from flask import Request

from core.parties.signing_in import From

BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
LAST_PART = re.compile(r"[.:][0-9a-fA-F]*$")


def came_from(request: Request) -> From:
    """What a session's list shows of where it began; the address without its last part."""
    said = request.headers.get("User-Agent", "")
    browser = next((name for mark, name in BROWSERS if mark in said), "?")
    system = next((name for mark, name in SYSTEMS if mark in said), "?")
    return From(browser=f"{browser} · {system}", network=LAST_PART.sub(".*", request.remote_addr or "?")[:64])
