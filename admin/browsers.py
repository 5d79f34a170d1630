"""A browser as its owner knows it again: Chrome on Windows, from 203.0.113.*."""

from __future__ import annotations

import ipaddress

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
CUSTOMER_BITS = 56
"""What one customer of an IPv6 network usually gets: 2⁷² addresses to choose from, as far as tries are counted one."""


def came_from(request: Request) -> From:
    """What a session's list shows of where it began; the address without its last part."""
    said = request.headers.get("User-Agent", "")
    browser = next((name for mark, name in BROWSERS if mark in said), "?")
    system = next((name for mark, name in SYSTEMS if mark in said), "?")
    return From(browser=f"{browser} · {system}", network=network_of(request.remote_addr or ""))


def network_of(said: str) -> str:
    """Where wrong tries are counted together: 203.0.113.* or 2001:db8:1::/56, however the address is written."""
    try:
        address = ipaddress.ip_address(said.partition("%")[0])
    except ValueError:
        return "?"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if isinstance(address, ipaddress.IPv4Address):
        return str(address).rpartition(".")[0] + ".*"
    return str(ipaddress.ip_network((address, CUSTOMER_BITS), strict=False))
